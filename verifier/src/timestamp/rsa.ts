/**
 * RSA: verification of PKCS #1 v1.5 and PSS signatures.
 *
 * | quantity  | unit | range                                                     |
 * |-----------|------|-----------------------------------------------------------|
 * | modulus   | bits | {@link MODULUS_BITS_MIN} … {@link MODULUS_BITS_MAX}       |
 * | exponent  |      | odd, 3 … 2³³ − 1                                          |
 * | signature | bytes | as long as the modulus                                   |
 *
 * Source: RFC 8017 §8.1.2, §8.2.2, §9.1.2 and §9.2. The encoded message of v1.5 is built and compared whole, so that
 * nothing can hide in its padding. The salt of PSS is as long as the hash.
 */

import { bigEndian, concat, fromHex, isEqual, toInteger } from '../base/bytes.ts';
import { readSequence, TAG } from './der.ts';
import { digest, DIGEST_SIZE_BYTES, type Digest } from './digest.ts';
import { power } from './ecdsa.ts';

export const MODULUS_BITS_MIN = 2041;
export const MODULUS_BITS_MAX = 8192;
const EXPONENT_MAX = (1n << 33n) - 1n;

/** DigestInfo up to the hash (RFC 8017 §9.2, note 1). */
const DIGEST_INFO: { [D in Digest]: string } = {
  'SHA-256': '3031300d060960864801650304020105000420',
  'SHA-384': '3041300d060960864801650304020205000430',
  'SHA-512': '3051300d060960864801650304020305000440',
};

/** Checks a signature by a key as certificates hold it. */
export function verifyRsa(
  padding: 'PKCS1' | 'PSS', key: Uint8Array, algorithm: Digest, message: Uint8Array, signature: Uint8Array,
): boolean {
  const numbers = readSequence(key);
  const [n, e] = [toInteger(numbers.take(TAG.integer).integer()), toInteger(numbers.take(TAG.integer).integer())];
  numbers.finish();
  const bits = n.toString(2).length;
  const sizeBytes = Math.ceil(bits / 8);
  const isKey = bits >= MODULUS_BITS_MIN && bits <= MODULUS_BITS_MAX && (n & 1n) === 1n && (e & 1n) === 1n && e >= 3n && e <= EXPONENT_MAX;
  const s = toInteger(signature);
  if (!isKey || signature.length !== sizeBytes || s >= n) return false;
  const encoded = bigEndian(power(s, e, n), sizeBytes);
  const hash = digest(algorithm, message);
  return padding === 'PKCS1' ? isEqual(encoded, pkcs1(algorithm, hash, sizeBytes)) : isPss(encoded, algorithm, hash, bits - 1);
}

function pkcs1(algorithm: Digest, hash: Uint8Array, sizeBytes: number): Uint8Array {
  const end = concat(fromHex(DIGEST_INFO[algorithm]) ?? new Uint8Array(), hash);
  const fill = new Uint8Array(sizeBytes - end.length - 3).fill(0xff);
  return concat(Uint8Array.of(0, 1), fill, Uint8Array.of(0), end);
}

function isPss(padded: Uint8Array, algorithm: Digest, hash: Uint8Array, bits: number): boolean {
  const sizeBytes = Math.ceil(bits / 8);
  const encoded = padded.subarray(padded.length - sizeBytes);
  const hashSize = DIGEST_SIZE_BYTES[algorithm];
  const [masked, h] = [encoded.subarray(0, sizeBytes - hashSize - 1), encoded.subarray(sizeBytes - hashSize - 1, -1)];
  const lead = 0xff >> (8 * sizeBytes - bits);
  const hasLead = padded.subarray(0, padded.length - sizeBytes).every((byte) => byte === 0) && ((masked[0] ?? 0) & ~lead) === 0;
  const mask = generateMask(algorithm, h, masked.length);
  const block = masked.map((byte, n) => byte ^ (mask[n] ?? 0));
  block[0] = (block[0] ?? 0) & lead;
  const one = block.length - hashSize - 1;
  const isPadded = one >= 0 && block.subarray(0, one).every((byte) => byte === 0) && block[one] === 1;
  const expected = digest(algorithm, concat(new Uint8Array(8), hash, block.subarray(one + 1)));
  return encoded.at(-1) === 0xbc && hasLead && isPadded && isEqual(expected, h);
}

/** MGF1 (RFC 8017 §B.2.1). */
function generateMask(algorithm: Digest, seed: Uint8Array, sizeBytes: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let n = 0; n * DIGEST_SIZE_BYTES[algorithm] < sizeBytes; n++) blocks.push(digest(algorithm, concat(seed, bigEndian(BigInt(n), 4))));
  return concat(...blocks).subarray(0, sizeBytes);
}
