/**
 * Keys of notes: which key, by what name, for which kind of signature.
 *
 * | signature type | signs                    | public key bytes | signature bytes |
 * |----------------|--------------------------|------------------|-----------------|
 * | 0x01           | a note's text, Ed25519   | 32               | 64              |
 * | 0x04           | a cosignature, Ed25519   | 32               | 8 + 64          |
 * | 0x06           | a cosignature, ML-DSA-44 | 1312             | 8 + 2420        |
 *
 * A vkey is `name+id+base64`: the name, the id in eight hexadecimal digits, the type's byte and the public key. The id is
 * the beginning of SHA-256(name ‖ newline ‖ type ‖ public key).
 *
 * Sources: C2SP signed-note, C2SP tlog-cosignature, FIPS 204 (empty context), RFC 9881 (the SPKI that is fingerprinted).
 * Stricter: other ids than the recommended ones are refused.
 */

import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';

import { concat, fromBase64, fromText, isEqual, Refusal, toBase64 } from '../base/bytes.ts';
import { fingerprintOf, hashOf } from '../base/hash.ts';
import { isKey, sshFingerprint, verifyEd25519 } from './ed25519.ts';

export const NOTE = 0x01;
export const COSIGNATURE = 0x04;
export const ML_DSA_COSIGNATURE = 0x06;
export type KeyType = typeof NOTE | typeof COSIGNATURE | typeof ML_DSA_COSIGNATURE;

export const NAME_SIZE_BYTES_MAX = 255;
const ML_DSA_KEY_SIZE_BYTES = 1312;
const ML_DSA_SIGNATURE_SIZE_BYTES = 2420;
const ML_DSA_SPKI_PREFIX = Uint8Array.of(
  0x30, 0x82, 5, 0x32, 0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11, 3, 0x82, 5, 0x21, 0,
);

/** A named key. */
export class VerifierKey {
  readonly name: string;
  readonly type: KeyType;
  readonly bytes: Uint8Array;

  constructor(name: string, type: KeyType, bytes: Uint8Array) {
    const isOfType = type === ML_DSA_COSIGNATURE ? bytes.length === ML_DSA_KEY_SIZE_BYTES : isKey(bytes);
    if (!isOfType) throw new Refusal(`not a public key of type 0x0${type}`);
    this.name = checkName(name);
    this.type = type;
    this.bytes = bytes;
  }

  static parse(text: string): VerifierKey {
    const [, name, id, encoded] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? [];
    const decoded = fromBase64(encoded ?? '');
    const type = decoded?.[0];
    if (name === undefined || !decoded) throw new Refusal('not a vkey such as `log.example.org+0123abcd+AQ…`');
    if (type !== NOTE && type !== COSIGNATURE && type !== ML_DSA_COSIGNATURE) {
      throw new Refusal(`signature type ${type} is not one of 0x01, 0x04 and 0x06`);
    }
    const key = new VerifierKey(name, type, decoded.slice(1));
    if (key.id !== id) throw new Refusal(`key id ${id} does not fit name and key, expected ${key.id}`);
    return key;
  }

  get id(): string {
    return hashOf(fromText(`${this.name}\n`), Uint8Array.of(this.type), this.bytes).slice(0, 8);
  }

  get fingerprint(): string {
    if (this.type !== ML_DSA_COSIGNATURE) return sshFingerprint(this.bytes);
    return fingerprintOf(concat(ML_DSA_SPKI_PREFIX, this.bytes));
  }

  isSame(other: VerifierKey): boolean {
    return this.name === other.name && this.type === other.type && isEqual(this.bytes, other.bytes);
  }

  /** Checks a signature over what this type of key signs. */
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    if (this.type !== ML_DSA_COSIGNATURE) return verifyEd25519(this.bytes, message, signature);
    return signature.length === ML_DSA_SIGNATURE_SIZE_BYTES && ml_dsa44.verify(signature, message, this.bytes);
  }

  toString(): string {
    return `${this.name}+${this.id}+${toBase64(concat(Uint8Array.of(this.type), this.bytes))}`;
  }
}

/** A key name: 1 to 255 bytes without `+`, Unicode spaces and control characters. */
export function checkName(name: string): string {
  const sizeBytes = fromText(name).length;
  if (sizeBytes < 1 || sizeBytes > NAME_SIZE_BYTES_MAX || /[+\p{White_Space}\p{Cc}]/u.test(name)) {
    throw new Refusal(`\`${name.slice(0, 64)}\` is not a key name`);
  }
  return name;
}
