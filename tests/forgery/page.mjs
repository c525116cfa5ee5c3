// Runs the program of verify.html outside a browser: the very bytes that the page holds, unpacked as the page unpacks them.
//
// node page.mjs PAGE TRUST [ROOT.pem …]: bundles come in on standard input, each after its length in four bytes, most
// significant first; for each a line goes out, the array of its reports as `affiant verify --json` has them.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import zlib from 'node:zlib';

const [page, trustFile, ...roots] = process.argv.slice(2);
const html = readFileSync(page, 'utf8');
const packed = /<script type="text\/plain" id="program">([^<]*)<\/script>/.exec(html)[1];
const program = zlib.gunzipSync(Buffer.from(packed, 'base64'));
// What a browser would refuse is not judged here either.
const digest = createHash('sha256').update(program).digest('base64');
if (!html.includes(`'sha256-${digest}'`)) throw new Error('the policy of the page does not name its program');

// No WebCrypto, no network, no clock but the one it is given.
const context = vm.createContext({ TextDecoder, TextEncoder });
vm.runInContext(program.toString('utf8'), context);
const { Authorities, ofBytes, parseTrust, SILENT, toJson, verifyZip } = context.verifier;
const authorities = new Authorities();
for (const root of roots) authorities.add(new Uint8Array(readFileSync(root)));
const trust = parseTrust(readFileSync(trustFile, 'utf8'), authorities);

let waiting = Buffer.alloc(0);
for await (const piece of process.stdin) {
  waiting = Buffer.concat([waiting, piece]);
  while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE()) {
    const end = 4 + waiting.readUInt32BE();
    const zip = new Uint8Array(waiting.subarray(4, end));
    waiting = waiting.subarray(end);
    const now = BigInt(Date.now()) * 1000n;
    const { reports } = await verifyZip('forged', ofBytes(zip), trust, now, SILENT);
    process.stdout.write(`${JSON.stringify(reports.map(toJson))}\n`);
  }
}
