/**
 * Ed25519 keys: strict verification, and the forms in which a key is written.
 *
 * | quantity   | unit  | range |
 * |------------|-------|-------|
 * | public key | bytes | 32    |
 * | signature  | bytes | 64    |
 *
 * Sources: RFC 8032 §5.1.7, RFC 4253 §6.6 and RFC 8709 (OpenSSH), RFC 8410 (SPKI). Stricter than RFC 8032: no point may
 * be of small order or spelt in a second way, and the equation is checked without the cofactor, so that all strict
 * verifiers agree about every signature. The mathematics is that of @noble/ed25519.
 */

import { Point } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';

import { bigEndian, concat, fromBase64, fromHex, fromText, isEqual, toBase64, toInteger } from '../base/bytes.ts';
import { fingerprintOf } from '../base/hash.ts';

export const KEY_SIZE_BYTES = 32;
export const SIGNATURE_SIZE_BYTES = 64;

/** The order of the group: 2²⁵² + 27742317777372353535851937790883648493. */
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0);
const SSH_NAME = 'ssh-ed25519';

/** Says whether bytes are a key that can be used. */
export function isKey(bytes: Uint8Array): boolean {
  return pointOf(bytes) !== undefined;
}

/** Checks a signature. */
export function verifyEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const [r, s] = [signature.subarray(0, 32), littleEndian(signature.subarray(32))];
  const [a, claimed] = [pointOf(key), pointOf(r)];
  if (signature.length !== SIGNATURE_SIZE_BYTES || !a || !claimed || s >= ORDER) return false;
  const challenge = littleEndian(sha512(concat(r, key, message))) % ORDER;
  const computed = Point.BASE.multiply(s, false).subtract(a.multiply(challenge, false));
  return isEqual(computed.toBytes(), r);
}

function pointOf(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== KEY_SIZE_BYTES) return undefined;
  try {
    const point = Point.fromBytes(bytes);
    return point.isSmallOrder() ? undefined : point;
  } catch {
    return undefined; // Not a point, or one in another spelling.
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return toInteger(bytes.slice().reverse());
}

/** The key in OpenSSH's wire form. */
export function sshWire(key: Uint8Array): Uint8Array {
  return concat(...[fromText(SSH_NAME), key].map(sshString));
}

/** A string as SSH writes it: its length in four bytes, then its bytes (RFC 4251 §5). */
export function sshString(bytes: Uint8Array): Uint8Array {
  return concat(bigEndian(BigInt(bytes.length), 4), bytes);
}

/** The key as a line of `authorized_keys` has it, without a comment. */
export function sshLine(key: Uint8Array): string {
  return `${SSH_NAME} ${toBase64(sshWire(key))}`;
}

export function sshFingerprint(key: Uint8Array): string {
  return fingerprintOf(sshWire(key));
}

export function spkiPem(key: Uint8Array): string {
  return `-----BEGIN PUBLIC KEY-----\n${toBase64(concat(SPKI_PREFIX, key))}\n-----END PUBLIC KEY-----\n`;
}

/** Reads a key that a person has: a line of OpenSSH, PEM, or 64 hexadecimal digits. */
export function keyFromText(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  const pem = /^-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/.exec(trimmed);
  const ssh = /(?:^|\s)ssh-ed25519\s+(\S+)/.exec(trimmed);
  const encoded = pem?.[1] ?? ssh?.[1];
  const bytes = encoded === undefined ? fromHex(trimmed) : fromBase64(encoded.replace(/\s/g, ''));
  const key = bytes?.slice(-KEY_SIZE_BYTES);
  if (!bytes || !key || !isKey(key)) return undefined;
  const whole = pem ? concat(SPKI_PREFIX, key) : ssh ? sshWire(key) : key;
  return isEqual(whole, bytes) ? key : undefined;
}
