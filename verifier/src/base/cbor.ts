/**
 * CBOR, in the one deterministic spelling and no other.
 *
 * | quantity | unit            | range                          |
 * |----------|-----------------|--------------------------------|
 * | integer  |                 | −2⁶⁴ … 2⁶⁴ − 1                 |
 * | depth    | nested values   | at most {@link DEPTH_MAX}      |
 * | values   | in one encoding | at most {@link VALUE_COUNT_MAX} |
 *
 * Source: RFC 8949 §4.2.1. The rules are checked as the bytes are read: every head is the shortest, map keys rise in
 * bytewise order of their encoding (so none is there twice), lengths are definite, text is UTF-8. There are no floats,
 * and no simple values but `false`, `true` and `null`.
 */

import { bigEndian, compare, concat, fromText, Refusal, toInteger, toText } from './bytes.ts';

export const DEPTH_MAX = 32;
export const VALUE_COUNT_MAX = 1 << 20;

/** One value; integers are `bigint`, arrays are arrays. */
export type Value = bigint | Uint8Array | string | Value[] | CborMap | CborTag | boolean | null;

/** A map, in the order of its keys. */
export class CborMap {
  readonly fields: [Value, Value][];
  /** Where in the bytes the key of the last field begins. */
  readonly lastAt: number;

  constructor(fields: [Value, Value][], lastAt = 0) {
    this.fields = fields;
    this.lastAt = lastAt;
  }

  /** The value under a text or integer key. */
  at(key: string | bigint): Value | undefined {
    return this.fields.find(([found]) => found === key)?.[1];
  }
}

/** A tagged value. */
export class CborTag {
  readonly tag: bigint;
  readonly value: Value;

  constructor(tag: bigint, value: Value) {
    this.tag = tag;
    this.value = value;
  }
}

/** Decodes the one encoding of a value, with nothing after it. */
export function decode(bytes: Uint8Array): Value {
  const reading = new Reading(bytes);
  const value = reading.value(0);
  if (reading.at !== bytes.length) throw new Refusal(`byte ${reading.at}: bytes follow the value`);
  return value;
}

/** Encodes what COSE signs: an array of texts and byte strings. */
export function encodeArray(members: (string | Uint8Array)[]): Uint8Array {
  const parts = members.flatMap((member) => {
    const bytes = typeof member === 'string' ? fromText(member) : member;
    return [head(typeof member === 'string' ? 3 : 2, BigInt(bytes.length)), bytes];
  });
  return concat(head(4, BigInt(members.length)), ...parts);
}

function head(major: number, argument: bigint): Uint8Array {
  const first = major << 5;
  if (argument < 24n) return Uint8Array.of(first | Number(argument));
  const step = [0, 1, 2, 3].find((n) => argument < 1n << BigInt(8 << n)) ?? 3;
  return concat(Uint8Array.of(first | (24 + step)), bigEndian(argument, 1 << step));
}

class Reading {
  at = 0;
  valueCount = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  value(depth: number): Value {
    const at = this.at;
    this.valueCount += 1;
    if (depth >= DEPTH_MAX || this.valueCount > VALUE_COUNT_MAX) {
      throw new Refusal(`byte ${at}: deeper than ${DEPTH_MAX} or more than ${VALUE_COUNT_MAX} values`);
    }
    const first = this.take(1)[0] ?? 0;
    const major = first >> 5;
    if (major === 7) return this.simple(first & 31, at);
    const argument = this.argument(first & 31, at);
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1n - argument;
      case 2:
        return this.take(argument).slice();
      case 3:
        return this.text(argument, at);
      case 4:
        return this.array(argument, depth);
      case 5:
        return this.map(argument, depth);
      default:
        return new CborTag(argument, this.value(depth + 1));
    }
  }

  argument(low: number, at: number): bigint {
    if (low < 24) return BigInt(low);
    if (low > 27) throw new Refusal(`byte ${at}: an indefinite length or another value that is not allowed here`);
    const sizeBytes = 1 << (low - 24);
    const argument = toInteger(this.take(sizeBytes));
    const least = low === 24 ? 24n : 1n << BigInt(4 * sizeBytes);
    if (argument < least) throw new Refusal(`byte ${at}: not the deterministic encoding: a length longer than it must be`);
    return argument;
  }

  simple(low: number, at: number): Value {
    if (low === 20 || low === 21) return low === 21;
    if (low === 22) return null;
    throw new Refusal(`byte ${at}: a float or another value that is not allowed here`);
  }

  text(length: bigint, at: number): string {
    const text = toText(this.take(length));
    if (text === undefined) throw new Refusal(`byte ${at}: text that is not UTF-8`);
    return text;
  }

  array(length: bigint, depth: number): Value[] {
    const members: Value[] = [];
    for (let n = 0n; n < length; n++) members.push(this.value(depth + 1));
    return members;
  }

  map(length: bigint, depth: number): CborMap {
    const fields: [Value, Value][] = [];
    let previous: Uint8Array | undefined;
    let lastAt = this.at;
    for (let n = 0n; n < length; n++) {
      const at = this.at;
      const key = this.value(depth + 1);
      const encoded = this.bytes.subarray(at, this.at);
      if (previous && compare(previous, encoded) >= 0) {
        throw new Refusal(`byte ${at}: not the deterministic encoding: a key twice or out of order`);
      }
      previous = encoded;
      lastAt = at;
      fields.push([key, this.value(depth + 1)]);
    }
    return new CborMap(fields, lastAt);
  }

  take(length: number | bigint): Uint8Array {
    if (length > this.bytes.length - this.at) throw new Refusal(`byte ${this.at}: cut off`);
    const from = this.at;
    this.at += Number(length);
    return this.bytes.subarray(from, this.at);
  }
}
