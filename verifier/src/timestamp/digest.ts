/**
 * Hash functions that a timestamp may stand on: SHA-256, SHA-384 and SHA-512 (FIPS 180-4, RFC 5754).
 *
 * SHA-1 and MD5 are refused by name: an imprint or a signature over them says nothing any more.
 */

import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';

import { type Reader, TAG } from './der.ts';
import { Unjudged } from './unjudged.ts';

export type Digest = 'SHA-256' | 'SHA-384' | 'SHA-512';

export const DIGEST_SIZE_BYTES: { [D in Digest]: number } = { 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 };

const BY_OID: { [oid: string]: Digest } = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
};
const BROKEN: { [oid: string]: string } = {
  '1.3.14.3.2.26': 'SHA-1',
  '1.2.840.113549.2.5': 'MD5',
  '1.2.840.113549.1.1.5': 'RSA with SHA-1',
  '1.2.840.113549.1.1.4': 'RSA with MD5',
  '1.2.840.10045.4.1': 'ECDSA with SHA-1',
};

export function digest(algorithm: Digest, bytes: Uint8Array): Uint8Array {
  return { 'SHA-256': sha256, 'SHA-384': sha384, 'SHA-512': sha512 }[algorithm](bytes);
}

/** Reads an algorithm identifier; parameters mean nothing here. */
export function readDigest(reader: Reader): Digest {
  const oid = reader.sequence().take(TAG.oid).oid();
  return BY_OID[oid] ?? refuseAlgorithm(oid);
}

/** Says why an algorithm is not one of these. */
export function refuseAlgorithm(oid: string): never {
  const broken = BROKEN[oid];
  throw new Unjudged(broken === undefined ? `the algorithm ${oid} is not one that is verified here` : `${broken} is broken`);
}
