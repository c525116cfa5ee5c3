/**
 * Hashes: SHA-256 as 64 lower-case hexadecimal digits, so that two are equal when their texts are.
 *
 * Source: FIPS 180-4; the mathematics is that of @noble/hashes, because WebCrypto is missing where a page is opened
 * from a disk in some browsers, and cannot hash in pieces in any.
 */

import { sha256 } from '@noble/hashes/sha2.js';

import { fromHex, toHex, toBase64 } from './bytes.ts';

declare const HASH: unique symbol;

/** A SHA-256. */
export type Hash = string & { readonly [HASH]: true };

export const HASH_SIZE_BYTES = 32;

export function hashOf(...parts: Uint8Array[]): Hash {
  const hasher = new Hasher();
  for (const part of parts) hasher.update(part);
  return hasher.finish();
}

/** Takes 32 bytes as a hash; `undefined` for any other length. */
export function asHash(bytes: Uint8Array | undefined): Hash | undefined {
  return bytes?.length === HASH_SIZE_BYTES ? (toHex(bytes) as Hash) : undefined;
}

export function hashBytes(hash: Hash): Uint8Array {
  return fromHex(hash) ?? new Uint8Array();
}

/** The first 16 digits, as file names have them. */
export function shortHash(hash: Hash): string {
  return hash.slice(0, 16);
}

/** How keys are shown: what `ssh-keygen -l` prints. */
export function fingerprintOf(encodedKey: Uint8Array): string {
  return `SHA256:${toBase64(hashBytes(hashOf(encodedKey))).replace(/=+$/, '')}`;
}

/** Hashes what comes in pieces. */
export class Hasher {
  readonly #hasher = sha256.create();

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  finish(): Hash {
    return toHex(this.#hasher.digest()) as Hash;
  }
}
