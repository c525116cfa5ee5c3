/** Replies of real authorities and of `openssl ts`, judged as the vectors' README says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fromText, Refusal } from '../src/base/bytes.ts';
import { Authorities } from '../src/timestamp/authorities.ts';
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
