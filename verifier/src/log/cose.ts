/**
 * COSE_Sign1: the envelope of statements and receipts.
 *
 * Source: RFC 9052 §4.2 and §4.4. Stricter: tag 18 stands, both headers are deterministic CBOR, and no label stands in
 * both. There is no external data.
 */

import { Refusal } from '../base/bytes.ts';
import { CborMap, CborTag, decode, encodeArray } from '../base/cbor.ts';

const TAG = 18n;

/** Labels, by their names in the IANA registry. */
export const LABEL = {
  algorithm: 1n, keyId: 4n, claims: 15n, hashAlgorithm: 258n, contentType: 259n, structure: 395n, proofs: 396n,
} as const;

/** EdDSA, and its fully specified name (RFC 9864). */
export const ED25519_ALGORITHMS: unknown[] = [-8n, -19n];

/** An envelope, of which nothing is verified. */
export type Sign1 = {
  protectedBytes: Uint8Array;
  header: CborMap;
  unprotected: CborMap;
  payload: Uint8Array | null;
  signature: Uint8Array;
};

export function parseSign1(bytes: Uint8Array): Sign1 {
  const tagged = decode(bytes);
  const parts = tagged instanceof CborTag && tagged.tag === TAG ? tagged.value : undefined;
  const [protectedBytes, unprotected, payload, signature] = Array.isArray(parts) && parts.length === 4 ? parts : [];
  const isEnvelope = protectedBytes instanceof Uint8Array && unprotected instanceof CborMap && signature instanceof Uint8Array;
  if (!isEnvelope || !(payload === null || payload instanceof Uint8Array)) {
    throw new Refusal('not a tagged COSE_Sign1 array of four');
  }
  const header = protectedBytes.length === 0 ? new CborMap([]) : decode(protectedBytes);
  if (!(header instanceof CborMap)) throw new Refusal('a protected header that is no map');
  for (const [label] of unprotected.fields) {
    if (typeof label !== 'bigint' || header.at(label) !== undefined) throw new Refusal('a label in both headers');
  }
  return { protectedBytes, header, unprotected, payload, signature };
}

/** The bytes that the signature covers. */
export function toBeSigned(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeArray(['Signature1', protectedBytes, new Uint8Array(), payload]);
}

/** Says whether a map has exactly these integer keys. */
export function hasLabels(map: CborMap, labels: bigint[]): boolean {
  return map.fields.length === labels.length && labels.every((label) => map.at(label) !== undefined);
}
