/**
 * Receipts: the same as a tlog-proof, for tools that read COSE.
 *
 * | field     | label     | header      | what                                            |
 * |-----------|-----------|-------------|-------------------------------------------------|
 * | algorithm | 1         | protected   | −8                                              |
 * | key id    | 4         | protected   | which key of the log signed                     |
 * | origin    | 15, 1     | protected   | the log                                         |
 * | subject   | 15, 2     | protected   | the citation id                                 |
 * | structure | 395       | protected   | 1, `RFC9162_SHA256`                             |
 * | tree size | −79162    | protected   | from 2; the same as in the proof                |
 * | inclusion | 396, −1   | unprotected | tree size, index and path, 1 to 64 hashes       |
 *
 * Sources: RFC 9942, RFC 9943 §6. The root is computed from the proof, and is what the log's key signed.
 */

import { Refusal } from '../base/bytes.ts';
import { CborMap, decode, type Value } from '../base/cbor.ts';
import { asHash, hashBytes, type Hash } from '../base/hash.ts';
import { hasLabels, LABEL, parseSign1, toBeSigned } from './cose.ts';
import { SIGNATURE_SIZE_BYTES } from './ed25519.ts';
import { type VerifierKey } from './key.ts';
import { leafHash, rootAbove } from './merkle.ts';

export const SIZE_BYTES_MAX = 1 << 16;
export const PATH_LENGTH_MAX = 64;

const TREE_SIZE_LABEL = -79_162n;
const INCLUSION_LABEL = -1n;

/** What a receipt says, once its signature was checked. */
export type Receipt = { origin: Value; subject: Value; index: bigint; size: bigint; root: Hash };

/** Reads a receipt and checks its signature over the root that it leads to. */
export function verifyReceipt(bytes: Uint8Array, entry: Hash, logKeys: VerifierKey[]): Receipt {
  if (bytes.length > SIZE_BYTES_MAX) throw new Refusal(`${bytes.length} bytes, more than the limit of ${SIZE_BYTES_MAX}`);
  const { header, unprotected, protectedBytes, payload, signature } = parseSign1(bytes);
  const claims = header.at(LABEL.claims);
  const isOurs =
    hasLabels(header, [LABEL.algorithm, LABEL.keyId, LABEL.claims, LABEL.structure, TREE_SIZE_LABEL]) &&
    header.at(LABEL.algorithm) === -8n &&
    header.at(LABEL.structure) === 1n &&
    header.at(LABEL.keyId) instanceof Uint8Array &&
    claims instanceof CborMap &&
    hasLabels(claims, [1n, 2n]);
  if (!isOurs) throw new Refusal('not the protected header of a receipt');
  if (payload !== null) throw new Refusal('an attached payload: only a detached one is tied to the entry');
  const { index, size, path } = parseInclusion(unprotected);
  if (header.at(TREE_SIZE_LABEL) !== size) throw new Refusal('a proof for another tree size than the one that is signed');
  const root = rootAbove(leafHash(entry), index, size, path);
  if (root === undefined) throw new Refusal('a path that does not fit index and tree size');
  const isSigned = signature.length === SIGNATURE_SIZE_BYTES &&
    logKeys.some((key) => key.verify(toBeSigned(protectedBytes, hashBytes(root)), signature));
  if (!isSigned) throw new Refusal(`the log's key did not sign root \`${root}\``);
  return { origin: claims.at(1n) ?? null, subject: claims.at(2n) ?? null, index, size, root };
}

function parseInclusion(unprotected: CborMap): { index: bigint; size: bigint; path: Hash[] } {
  const proofs = unprotected.at(LABEL.proofs);
  const inclusion = proofs instanceof CborMap && hasLabels(proofs, [INCLUSION_LABEL]) ? proofs.at(INCLUSION_LABEL) : undefined;
  const [encoded] = Array.isArray(inclusion) && inclusion.length === 1 ? inclusion : [];
  if (!hasLabels(unprotected, [LABEL.proofs]) || !(encoded instanceof Uint8Array)) throw new Refusal('not one inclusion proof');
  const proof = decode(encoded);
  const [size, index, members] = Array.isArray(proof) && proof.length === 3 ? proof : [];
  const path = Array.isArray(members) ? members.map((member) => (member instanceof Uint8Array ? asHash(member) : undefined)) : [];
  const hashes = path.filter((hash) => hash !== undefined);
  const isProof = typeof size === 'bigint' && typeof index === 'bigint' && size >= 2n && index >= 0n;
  if (!isProof || hashes.length !== path.length || path.length < 1 || path.length > PATH_LENGTH_MAX) {
    throw new Refusal('an inclusion proof that is not tree size, index and hashes');
  }
  return { index, size, path: hashes };
}
