/**
 * Bytes: their spellings as text, their order, and the one kind of error of this program.
 *
 * | form        | rule                                                                |
 * |-------------|---------------------------------------------------------------------|
 * | hexadecimal | lower case, two digits a byte                                       |
 * | base64      | RFC 4648 §4 with padding; bits that stand for nothing are zero      |
 * | UTF-8       | well formed; a byte order mark is a character like any other        |
 *
 * Each has one spelling: what decodes is what encoding it again would write.
 */

/** Bytes that are not what they must be. The message is for people: lower case, names in backticks. */
export class Refusal extends Error {}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LENIENT_UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
const ENCODER = new TextEncoder();
const DIGITS = '0123456789abcdef';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function fromText(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** Decodes UTF-8, or gives `undefined` where it is not well formed. */
export function toText(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Decodes text that is only shown. */
export function toShownText(bytes: Uint8Array): string {
  return LENIENT_UTF8.decode(bytes);
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += DIGITS.charAt(byte >> 4) + DIGITS.charAt(byte & 15);
  return text;
}

/** Decodes hexadecimal digits of either case; `undefined` for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let n = 0; n < bytes.length; n++) bytes[n] = parseInt(text.slice(2 * n, 2 * n + 2), 16);
  return bytes;
}

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let n = 0; n < bytes.length; n += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(n, n + 3);
    const four = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63];
    const count = Math.min(bytes.length - n, 3) + 1;
    for (let at = 0; at < 4; at++) text += at < count ? BASE64.charAt(four[at] ?? 0) : '=';
  }
  return text;
}

/** Decodes base64 of the one spelling; `undefined` for any other. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={0,2}$/, '');
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let bitCount = 0;
  let length = 0;
  for (const digit of digits) {
    const value = BASE64.indexOf(digit);
    if (value < 0) return undefined;
    bits = ((bits << 6) | value) & 0xfff;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[length++] = (bits >> bitCount) & 0xff;
    }
  }
  return toBase64(bytes) === text ? bytes : undefined;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Compares bytewise, a beginning before what goes on. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let n = 0; n < shared; n++) {
    const difference = (a[n] ?? 0) - (b[n] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compare(a, b) === 0;
}

/** Writes an unsigned integer in so many bytes, the most significant first. */
export function bigEndian(value: bigint, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let rest = value;
  for (let at = sizeBytes - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Reads an unsigned integer, the most significant byte first. */
export function toInteger(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

/** Says what was thrown, when it is about the bytes; a fault of this program is thrown on. */
export function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  throw error;
}
