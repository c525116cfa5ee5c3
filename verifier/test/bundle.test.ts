/** A bundle of format 1, as it was released: verified for ever, and in no changed form. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { concat } from '../src/base/bytes.ts';
import { ofBytes, SILENT } from '../src/bundle/source.ts';
import { inMemory, type Folder } from '../src/bundle/folder.ts';
import { readZip } from '../src/bundle/zip.ts';
import { VERDICTS, type Report } from '../src/verify/finding.ts';
import { parseTrust } from '../src/verify/trust.ts';
import { verifyFolder, verifyZip } from '../src/verify/verify.ts';

const zip = new Uint8Array(readFileSync('../tests/specimens/1/bundle.zip'));
const policy = readFileSync('../tests/specimens/1/keys/policy', 'utf8');
const now = BigInt(Date.UTC(2027, 0, 1)) * 1000n;

const unpack = async (): Promise<Map<string, Uint8Array>> => {
  const folder = await readZip(ofBytes(zip), SILENT);
  const read = async ([name, file]: [string, Awaited<ReturnType<typeof readZip>> extends Map<string, infer F> ? F : never]) =>
    [name, (await file.read()).slice()] as const;
  return new Map(await Promise.all([...folder].map(read)));
};
const verifyBytes = async (bytes: Uint8Array, trust = policy): Promise<Report[]> =>
  (await verifyZip('forged', ofBytes(bytes), parseTrust(trust), now, SILENT)).reports;
const verifyFiles = (folder: Folder): Promise<Report[]> => verifyFolder('forged', folder, parseTrust(policy), now, SILENT);
const worst = (reports: Report[]): string => VERDICTS.filter((verdict) => reports.some((report) => report.verdict === verdict)).at(-1) ?? '';

test('the specimen is verified, by whatever its reader has', async () => {
  const files = await unpack();
  const text = (name: string): string => new TextDecoder().decode(files.get(name));
  const fingerprints = (await verifyBytes(zip)).map(({ subject }) => subject.fingerprint ?? '');
  const trusts = [policy, fingerprints[0] ?? '', text('data/keys/log.vkey'), text('data/keys/archive.pub'), text('data/keys/archive.pem'),
    text('data/keys/log.pem'), text('data/keys/allowed-signers').split('\n')[0] ?? '', text('data/keys/log-ml-dsa-44.vkey')];
  for (const trust of trusts) assert.equal(worst(await verifyBytes(zip, trust)), 'verified-with-gaps', trust.slice(0, 60));
  assert.equal(worst(await verifyFiles(inMemory(files))), 'verified-with-gaps');
});

test('a stranger cannot tell', async () => {
  const others = ['', 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'quorum none\n'];
  for (const trust of others) assert.equal(worst(await verifyBytes(zip, trust)), 'cannot-tell', trust);
  for (const bad of ['nonsense', 'SHA256:short', 'a+00000000+AA==', 'log x\nquorum none']) assert.throws(() => parseTrust(bad), /./, bad);
});

test('a quorum that has not signed is not met', async () => {
  const witness = 'witness w witness.example.org/w1+42e79f14+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR\nquorum w\n';
  const [report] = await verifyBytes(zip, policy.replace(/quorum none\n/, witness));
  assert.equal(report?.verdict, 'cannot-tell');
  assert.ok(report.findings.some(({ check, isNeeded }) => check === 'witnesses' && isNeeded));
});

test('every file that was deleted, cut, extended or flipped is named', async () => {
  const files = await unpack();
  // Each file meets one change; the matrix in `tests/forgery/` has every change for every file.
  for (const [n, [name, bytes]] of [...files].entries()) {
    const flipped = bytes.slice();
    flipped[bytes.length >> 1] = (flipped[bytes.length >> 1] ?? 0) ^ 1;
    const changes: [string, Uint8Array | undefined][] = [
      ['deleted', undefined], ['emptied', new Uint8Array()], ['cut', bytes.subarray(0, bytes.length >> 1)],
      ['extended', Uint8Array.of(...bytes, 10)], ['flipped', flipped],
    ];
    for (const [change, replacement] of changes.slice(n % changes.length, (n % changes.length) + 1)) {
      const forged = new Map(files);
      if (replacement) forged.set(name, replacement);
      else forged.delete(name);
      const reports = await verifyFiles(inMemory(forged));
      for (const { verdict } of reports) assert.ok(verdict === 'failed' || verdict === 'cannot-tell', `${name} ${change}: ${verdict}`);
      const said = JSON.stringify(reports.map(({ findings }) => findings), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
      assert.ok(said.includes(name.replace(/\/[^/]*$/, '')), `${name} ${change}: ${said}`);
    }
  }
});

test('no damaged zip is verified', async () => {
  for (let n = 0; n < 60; n++) {
    const at = Math.floor((n * (zip.length - 1)) / 59);
    const flipped = zip.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    for (const forged of [flipped, zip.subarray(0, at), concat(zip.subarray(0, at), Uint8Array.of(0), zip.subarray(at))]) {
      assert.ok(['failed', 'cannot-tell'].includes(worst(await verifyBytes(forged))), `byte ${at}`);
    }
  }
});
