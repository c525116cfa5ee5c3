/**
 * DER, read inside limits.
 *
 * | quantity | unit  | range                                        |
 * |----------|-------|----------------------------------------------|
 * | length   | bytes | never more than there are                    |
 * | depth    | elements in one another | at most {@link DEPTH_MAX}  |
 *
 * Source: ITU-T X.690. Looser, because authorities are: a length may take more bytes than it needs or be indefinite, an
 * OCTET STRING may come in pieces, a SET need not be sorted. What was signed is always the bytes received.
 */

import { concat, Refusal, toInteger } from '../base/bytes.ts';

export const DEPTH_MAX = 32;
const LENGTH_BYTES_MAX = 8;

export const TAG = {
  boolean: 1, integer: 2, bits: 3, octets: 4, oid: 6, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31,
} as const;
const CONSTRUCTED = 0x20;

/** A context tag, constructed. */
export const context = (number: number): number => 0xa0 | number;
/** A context tag, primitive. */
export const primitive = (number: number): number => 0x80 | number;

/** One element: its tag, what is in it, and all of its bytes. */
export class Element {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;

  constructor(tag: number, content: Uint8Array, raw: Uint8Array) {
    this.tag = tag;
    this.content = content;
    this.raw = raw;
  }

  reader(): Reader {
    return new Reader(this.content);
  }

  /** An OCTET STRING's bytes, put together when it came in pieces. */
  octets(): Uint8Array {
    if ((this.tag & CONSTRUCTED) === 0) return this.content;
    const pieces = this.reader().all();
    if (pieces.some(({ tag }) => tag !== TAG.octets)) throw new Refusal('an OCTET STRING in pieces that are none');
    return concat(...pieces.map(({ content }) => content));
  }

  /** An INTEGER's bytes, without those that say nothing. */
  integer(): Uint8Array {
    let bytes = this.content;
    if (bytes.length === 0) throw new Refusal('an INTEGER without bytes');
    const isIdle = ([first, second = 0]: Uint8Array): boolean =>
      (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
    while (bytes.length > 1 && isIdle(bytes)) bytes = bytes.subarray(1);
    return bytes;
  }

  /** An INTEGER from 0 of at most eight bytes. */
  small(): bigint {
    const bytes = this.integer();
    if ((bytes[0] ?? 0) >= 0x80 || bytes.length > 8) throw new Refusal('an INTEGER that is negative or too large');
    return toInteger(bytes);
  }

  isTrue(): boolean {
    if (this.content.length !== 1) throw new Refusal('a BOOLEAN that is not one byte');
    return this.content[0] !== 0;
  }

  /** A BIT STRING of whole bytes. */
  bits(): Uint8Array {
    if (this.content[0] !== 0) throw new Refusal('a BIT STRING that is not whole bytes');
    return this.content.subarray(1);
  }

  /** An object identifier with dots. */
  oid(): string {
    const arcs: bigint[] = [];
    let arc = 0n;
    for (const byte of this.content) {
      arc = arc * 128n + BigInt(byte & 0x7f);
      if (byte >= 0x80) continue;
      if (arcs.length === 0) {
        const first = arc < 80n ? arc / 40n : 2n;
        arcs.push(first);
        arc -= first * 40n;
      }
      arcs.push(arc);
      arc = 0n;
    }
    return arcs.join('.');
  }
}

/** What is left to read of some elements. */
export class Reader {
  #rest: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#rest = bytes;
  }

  get isEmpty(): boolean {
    return this.#rest.length === 0;
  }

  peek(): number | undefined {
    return this.#rest[0];
  }

  any(): Element {
    const { element, rest } = readElement(this.#rest, 0);
    this.#rest = rest;
    return element;
  }

  all(): Element[] {
    const elements: Element[] = [];
    while (!this.isEmpty) elements.push(this.any());
    return elements;
  }

  take(tag: number): Element {
    const found = this.peek();
    if (found !== tag && !(tag === TAG.octets && found === (tag | CONSTRUCTED))) {
      throw new Refusal(`tag ${found ?? 'none'}, where ${tag} was expected`);
    }
    return this.any();
  }

  optional(tag: number): Element | undefined {
    return this.peek() === tag ? this.any() : undefined;
  }

  sequence(): Reader {
    return this.take(TAG.sequence).reader();
  }

  finish(): void {
    if (!this.isEmpty) throw new Refusal(`${this.#rest.length} bytes too many`);
  }
}

/** Reads the one element that bytes are, as a sequence. */
export function readSequence(bytes: Uint8Array): Reader {
  const outer = new Reader(bytes);
  const sequence = outer.sequence();
  outer.finish();
  return sequence;
}

function readElement(bytes: Uint8Array, depth: number): { element: Element; rest: Uint8Array } {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new Refusal('an element that is cut off');
  if ((tag & 0x1f) === 0x1f) throw new Refusal('a tag above 30');
  if (depth > DEPTH_MAX) throw new Refusal(`lengths nest deeper than ${DEPTH_MAX}`);
  if (first === 0x80) return readIndefinite(tag, bytes, depth);
  const digitCount = first < 0x80 ? 0 : first & 0x7f;
  if (digitCount > LENGTH_BYTES_MAX) throw new Refusal('a length past memory');
  const head = 2 + digitCount;
  const length = digitCount === 0 ? first : Number(toInteger(bytes.subarray(2, head)));
  const end = head + length;
  if (end > bytes.length) throw new Refusal(`an element that claims ${length} bytes, and there are fewer`);
  return { element: new Element(tag, bytes.subarray(head, end), bytes.subarray(0, end)), rest: bytes.subarray(end) };
}

/** An element that ends with two bytes of zero. */
function readIndefinite(tag: number, bytes: Uint8Array, depth: number): { element: Element; rest: Uint8Array } {
  if ((tag & CONSTRUCTED) === 0) throw new Refusal('an indefinite length without parts');
  let rest = bytes.subarray(2);
  while (!(rest[0] === 0 && rest[1] === 0)) rest = readElement(rest, depth + 1).rest;
  const end = bytes.length - rest.length;
  return { element: new Element(tag, bytes.subarray(2, end), bytes.subarray(0, end + 2)), rest: rest.subarray(2) };
}

/** Writes an element. */
export function writeElement(tag: number, content: Uint8Array): Uint8Array {
  const length = content.length;
  const digits = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : length < 0x10000
    ? [0x82, length >> 8, length & 255] : [0x83, length >> 16, (length >> 8) & 255, length & 255];
  return concat(Uint8Array.of(tag, ...digits), content);
}
