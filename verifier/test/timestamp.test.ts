/** Replies of real authorities and of `openssl ts`, judged as the vectors' README says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { concat, fromHex, fromText, Refusal } from '../src/base/bytes.ts';
import { Authorities } from '../src/timestamp/authorities.ts';
import { whyNoProof } from '../src/timestamp/opentimestamps.ts';
import { verifyReply } from '../src/timestamp/token.ts';
import { Unjudged } from '../src/timestamp/unjudged.ts';
import { readVector, skip } from './vectors.ts';

type Judged = 'holds' | 'unknown' | 'wrong';
type Case = [reply: string, over: string | Uint8Array, roots: string[], judged: Judged];

const DATA = 'local/data.bin';
const STAGE = 'rfc3161-client/sigstage/';
const HELLO = fromText('hello');
const CASES: Case[] = [
  ['local/resp.tsr', DATA, ['local/ca.crt'], 'holds'],
  ['local/resp.tsr', DATA, ['local/ca25.crt'], 'holds'],
  ['local/resp.tsr', DATA, [], 'unknown'],
  ['local/resp.tsr', DATA, ['local/tsa.crt'], 'unknown'],
  ['local/resp.tsr', fromText('other'), ['local/ca.crt'], 'wrong'],
  ['local/resp1c.tsr', DATA, ['local/ca.crt'], 'holds'],
  ['local/resp_nc.tsr', DATA, ['local/ca.crt'], 'unknown'],
  ['local/resp_nc.tsr', DATA, ['local/ca.crt', 'local/tsa.crt'], 'holds'],
  ['local/resp_nc.tsr', DATA, ['local/ca.crt', 'local/tsa2.crt'], 'unknown'],
  ['local/resp_old.tsr', DATA, ['local/ca25.crt'], 'holds'],
  ['local/resp_old.tsr', DATA, ['local/ca.crt'], 'wrong'],
  ['local/resp_rsa.tsr', DATA, ['local/ca.crt'], 'holds'],
  ['local/resp_sha1.tsr', DATA, ['local/ca.crt'], 'wrong'],
  ['local/renew1.tsr', 'local/renew1.bin', ['local/ca.crt'], 'holds'],
  ['local/token.der', DATA, ['local/ca.crt'], 'wrong'],
  ['local/req.tsq', DATA, ['local/ca.crt'], 'wrong'],
  [`${STAGE}response-sha256.tsr`, HELLO, [`${STAGE}ts_chain.pem`], 'holds'],
  [`${STAGE}response-sha384.tsr`, HELLO, [`${STAGE}ts_chain.pem`], 'holds'],
  [`${STAGE}response-sha512.tsr`, HELLO, [`${STAGE}ts_chain.pem`], 'holds'],
  [`${STAGE}response-no-embedded-cert.tsr`, HELLO, [`${STAGE}ts_chain.pem`], 'holds'],
  [`${STAGE}response-invalid-signature.tsr`, HELLO, [`${STAGE}ts_chain.pem`], 'wrong'],
];

/** Every so manieth bit is flipped. */
const FLIP_STEP = 61;

function judge([reply, over, roots]: Case): Judged {
  const authorities = new Authorities();
  for (const root of roots) authorities.add(readVector(`tsa/${root}`));
  try {
    const dated = verifyReply(readVector(`tsa/${reply}`), typeof over === 'string' ? readVector(`tsa/${over}`) : over, authorities);
    assert.ok(dated.earliest <= dated.latest && dated.chain.length >= 2);
    return 'holds';
  } catch (error) {
    if (error instanceof Unjudged) return 'unknown';
    if (error instanceof Refusal) return 'wrong';
    throw error;
  }
}

test('every reply is judged as its README says', { skip }, () => {
  for (const one of CASES) assert.equal(judge(one), one[3], `${one[0]} ${String(one[2])}`);
});

test('no flipped bit of a reply holds', { skip }, () => {
  const authorities = new Authorities();
  authorities.add(readVector('tsa/local/ca.crt'));
  const [reply, data] = [readVector('tsa/local/resp.tsr'), readVector('tsa/local/data.bin')];
  const good = verifyReply(reply, data, authorities);
  let held = 0;
  for (let bit = 0; bit < 8 * reply.length; bit += FLIP_STEP) {
    const forged = reply.slice();
    forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      // What is not signed may change: a certificate that is not needed, the status's text. What is said may not.
      const { earliest, latest } = verifyReply(forged, data, authorities);
      assert.deepEqual([earliest, latest], [good.earliest, good.latest], `bit ${bit}`);
      held += 1;
    } catch (error) {
      assert.ok(error instanceof Refusal, `bit ${bit}: ${String(error)}`);
    }
  }
  assert.ok(held < (8 * reply.length) / FLIP_STEP / 2, `${held} still hold`);
});

/** Over `a` and a line feed, by a block of height 1; the example of `src/timestamp/opentimestamps/proof.rs`. */
const PROOF = fromHex(
  '004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e892940108' +
    '87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7' +
    'f0100dfadde125cd997e7d379f0f5f8532d408f0205552481f1ba2149557f69dc6a51d2c31ba91337a01f233da94fa4307d066807608' +
    'f0102af468a7f68f6b53879d3aae8180ac1308f1046b0247d708ff0083dfe30d2ef90c8e1716687474703a2f2f3132372e302e302e313a3134373838' +
    '08000588960d73d719010101',
);

test('a proof for a block leads nowhere wrong, whatever is changed in it', () => {
  assert.ok(PROOF);
  const file = fromText('a\n');
  assert.equal(whyNoProof(PROOF, file, []), undefined);
  assert.match(whyNoProof(PROOF, fromText('b\n'), []) ?? '', /not over the file/);
  assert.match(whyNoProof(concat(PROOF, Uint8Array.of(0)), file, []) ?? '', /behind the end/);
  for (let length = 0; length < PROOF.length; length++) assert.notEqual(whyNoProof(PROOF.slice(0, length), file, []), undefined, `${length} bytes`);
  assert.match(whyNoProof(PROOF, file, [['bitcoin-1.header', new Uint8Array(80)]]) ?? '', /does not lead/);
  assert.equal(whyNoProof(PROOF, file, [['bitcoin-2.header', new Uint8Array(80)]]), undefined, 'a header of another block');
});
