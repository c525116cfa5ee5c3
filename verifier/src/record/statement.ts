/**
 * Statements: the archive's signature over a record.
 *
 * | field     | label | what                                                        |
 * |-----------|-------|-------------------------------------------------------------|
 * | alg       | 1     | −8; −19 is accepted                                         |
 * | kid       | 4     | SHA-256 of the public key in OpenSSH's wire form            |
 * | claims    | 15    | 1: origin, 2: citation id, 6: seconds since the Unix epoch  |
 * | hash      | 258   | −16, SHA-256                                                |
 * | type      | 259   | the record's media type                                     |
 * | payload   |       | SHA-256 of the record                                       |
 *
 * The entry of the log is the SHA-256 of the statement's bytes. Sources: RFC 9052, RFC 9995, RFC 9597, RFC 9943.
 */

import { Refusal } from '../base/bytes.ts';
import { CborMap } from '../base/cbor.ts';
import { asHash, hashBytes, hashOf, type Hash } from '../base/hash.ts';
import { isTime, SECOND, type Time } from '../base/time.ts';
import { ED25519_ALGORITHMS, hasLabels, LABEL, parseSign1, toBeSigned } from '../log/cose.ts';
import { SIGNATURE_SIZE_BYTES, sshWire, verifyEd25519 } from '../log/ed25519.ts';

export const SIZE_BYTES_MAX = 2048;
const MEDIA_TYPE = 'application/vnd.affiant.record+cbor';
const SHA_256 = -16n;

/** A statement, of which nothing is verified. */
export type Statement = {
  issuer: string;
  subject: string;
  issuedAt: Time;
  record: Hash;
  keyId: Hash;
  entry: Hash;
  signed: Uint8Array;
  signature: Uint8Array;
};

export function parseStatement(bytes: Uint8Array): Statement {
  if (bytes.length > SIZE_BYTES_MAX) throw new Refusal(`${bytes.length} bytes, more than the limit of ${SIZE_BYTES_MAX}`);
  const { header, unprotected, payload, signature, protectedBytes } = parseSign1(bytes);
  if (unprotected.fields.length > 0) throw new Refusal('the unprotected header of a logged statement must be empty');
  const { algorithm, keyId: keyIdLabel, claims: claimsLabel, hashAlgorithm, contentType } = LABEL;
  const isStatement =
    hasLabels(header, [algorithm, keyIdLabel, claimsLabel, hashAlgorithm, contentType]) &&
    ED25519_ALGORITHMS.includes(header.at(algorithm)) &&
    header.at(hashAlgorithm) === SHA_256 &&
    header.at(contentType) === MEDIA_TYPE &&
    signature.length === SIGNATURE_SIZE_BYTES;
  if (!isStatement) throw new Refusal('not the header of a statement');
  const [claims, kid] = [header.at(claimsLabel), header.at(keyIdLabel)];
  const keyId = kid instanceof Uint8Array ? asHash(kid) : undefined;
  const record = asHash(payload ?? undefined);
  if (!(claims instanceof CborMap) || keyId === undefined || record === undefined) throw new Refusal('no claims, key id or payload');
  const [issuer, subject, seconds] = [claims.at(1n), claims.at(2n), claims.at(6n)];
  const isClaim = hasLabels(claims, [1n, 2n, 6n]) && typeof issuer === 'string' && typeof subject === 'string';
  if (!isClaim || typeof seconds !== 'bigint' || !isTime(seconds * SECOND)) throw new Refusal('not the claims of a statement');
  const signed = toBeSigned(protectedBytes, hashBytes(record));
  return { issuer, subject, issuedAt: seconds * SECOND, record, keyId, entry: hashOf(bytes), signed, signature };
}

/** Says why a statement is not this key's; nothing when it is. */
export function whyNotSignedBy(statement: Statement, key: Uint8Array): string | undefined {
  const expected = hashOf(sshWire(key));
  if (statement.keyId !== expected) return `signed by key ${statement.keyId}, expected ${expected}`;
  const isGood = verifyEd25519(key, statement.signed, statement.signature);
  return isGood ? undefined : 'the signature is not by the key that the statement names';
}
