/**
 * OpenTimestamps proofs, as far as they can be judged by who knows no blocks: that they are over the file, and lead nowhere wrong.
 *
 * | quantity    | unit  | range                                              |
 * |-------------|-------|----------------------------------------------------|
 * | proof       | bytes | at most {@link SIZE_BYTES_MAX}                     |
 * | message     | bytes | at most {@link MESSAGE_BYTES_MAX}                  |
 * | path        | steps | at most {@link DEPTH_MAX}                          |
 * | operations, attestations | count | at most {@link OPERATION_COUNT_MAX}, {@link ATTESTATION_COUNT_MAX} |
 *
 * Source: the reference implementation, `opentimestamps/core`. Stricter: numbers in their shortest spelling, no branch twice.
 * What stands behind SHA-1, RIPEMD-160 or Keccak-256 can be read, and shows nothing.
 */

import { concat, fromText, isEqual, reasonOf, Refusal, toHex } from '../base/bytes.ts';
import { hashBytes, hashOf } from '../base/hash.ts';
import { Unjudged } from './unjudged.ts';

export const SIZE_BYTES_MAX = 1 << 16;
export const MESSAGE_BYTES_MAX = 4096;
export const DEPTH_MAX = 256;
export const OPERATION_COUNT_MAX = 4096;
export const ATTESTATION_COUNT_MAX = 64;

const ATTESTATION_BYTES_MAX = 8192;
const ADDRESS_BYTES_MAX = 1000;
const MAGIC = concat(fromText('\0OpenTimestamps\0\0Proof\0'), Uint8Array.of(0xbf, 0x89, 0xe2, 0xe8, 0x84, 0xe8, 0x92, 0x94));
const VERSION = 1;
const [SHA_256, APPEND, PREPEND, REVERSE, HEXLIFY, FORK, ATTESTATION] = [0x08, 0xf0, 0xf1, 0xf2, 0xf3, 0xff, 0x00];
/** Hashes that are not computed here. */
const UNDONE = [0x02, 0x03, 0x67];
const [PENDING, BITCOIN] = ['83dfe30d2ef90c8e', '0588960d73d71901'];
const HEADER_BYTES = 80;

/** Where a path ends: a block's height, and the message that must be its Merkle root; nothing where that is lost. */
type End = { height: bigint; message: Uint8Array | undefined };

/** Says what is wrong with a proof over a file, by the headers that travel along; nothing where nothing contradicts. */
export function whyNoProof(proof: Uint8Array, file: Uint8Array, headers: [name: string, bytes: Uint8Array][]): string | undefined {
  try {
    for (const { height, message } of new Reader(proof).read(hashBytes(hashOf(file)))) {
      const header = headers.find(([name]) => name === `bitcoin-${height}.header`)?.[1];
      if (message && header?.length === HEADER_BYTES) checkHeader(header, message, height);
    }
    return undefined;
  } catch (error) {
    if (error instanceof Unjudged) return undefined;
    return reasonOf(error);
  }
}

/** A header shows the work that its own target asks for, and its Merkle root is the message. */
function checkHeader(header: Uint8Array, message: Uint8Array, height: bigint): void {
  if (!isEqual(header.subarray(36, 68), message)) throw new Refusal(`its path does not lead to the transactions of block ${height}`);
  const hash = hashBytes(hashOf(hashBytes(hashOf(header)))).slice().reverse();
  const bits = new DataView(header.buffer, header.byteOffset).getUint32(72, true);
  const target = BigInt(bits & 0x7fffff) << BigInt(8 * Math.max((bits >>> 24) - 3, 0));
  if (BigInt(`0x${toHex(hash)}`) > target) throw new Refusal(`the header of block ${height} does not show the work that it claims`);
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #ends: End[] = [];
  #at = 0;
  #stepCount = 0;
  #attestationCount = 0;

  constructor(bytes: Uint8Array) {
    if (bytes.length > SIZE_BYTES_MAX) throw new Refusal(`a proof of ${bytes.length} bytes`);
    this.#bytes = bytes;
  }

  read(digest: Uint8Array): End[] {
    if (this.#bytes.length < MAGIC.length || !isEqual(this.#take(MAGIC.length), MAGIC)) throw new Refusal('not an OpenTimestamps proof: it begins with other bytes');
    if (this.#byte() !== VERSION) throw new Unjudged('another version');
    const hash = this.#byte();
    if (UNDONE.includes(hash)) throw new Unjudged('another hash');
    if (hash !== SHA_256) throw new Unjudged('an operation that is not known');
    const found = this.#take(digest.length);
    this.#walk(found, 1);
    if (this.#at !== this.#bytes.length) throw new Refusal('bytes behind the end of the proof');
    if (!isEqual(found, digest)) throw new Refusal(`it is over ${toHex(found)}, not over the file with SHA-256 ${toHex(digest)}`);
    return this.#ends;
  }

  #walk(message: Uint8Array | undefined, depth: number): void {
    if (depth > DEPTH_MAX) throw new Refusal(`a path longer than ${DEPTH_MAX} messages`);
    const branches = new Set<string>();
    for (let isLast = false; !isLast; ) {
      let tag = this.#byte();
      isLast = tag !== FORK;
      if (!isLast) tag = this.#byte();
      const begin = this.#at;
      const next = tag === ATTESTATION ? undefined : this.#step(tag, message);
      if (tag === ATTESTATION) this.#attestation(message);
      const branch = `${tag} ${toHex(this.#bytes.subarray(begin, this.#at))}`;
      if (branches.has(branch)) throw new Refusal('the same branch comes twice');
      branches.add(branch);
      if (tag !== ATTESTATION) this.#walk(next, depth + 1);
    }
  }

  #step(tag: number, message: Uint8Array | undefined): Uint8Array | undefined {
    if (++this.#stepCount > OPERATION_COUNT_MAX) throw new Refusal(`more than ${OPERATION_COUNT_MAX} operations`);
    const argument = tag === APPEND || tag === PREPEND ? this.#string(1, MESSAGE_BYTES_MAX) : new Uint8Array();
    if (UNDONE.includes(tag)) return undefined;
    if (![APPEND, PREPEND, REVERSE, HEXLIFY, SHA_256].includes(tag)) throw new Unjudged('an operation that is not known');
    if (!message) return undefined;
    const result =
      tag === APPEND ? concat(message, argument) : tag === PREPEND ? concat(argument, message) :
      tag === REVERSE ? message.slice().reverse() : tag === HEXLIFY ? fromText(toHex(message)) : hashBytes(hashOf(message));
    if (result.length > MESSAGE_BYTES_MAX) throw new Refusal(`a message of ${result.length} bytes`);
    return result;
  }

  #attestation(message: Uint8Array | undefined): void {
    if (++this.#attestationCount > ATTESTATION_COUNT_MAX) throw new Refusal(`more than ${ATTESTATION_COUNT_MAX} attestations`);
    const tag = toHex(this.#take(8));
    const length = Number(this.#number());
    if (length > ATTESTATION_BYTES_MAX) throw new Refusal(`an attestation of ${length} bytes`);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Refusal('the proof ends in the middle');
    if (tag === PENDING) {
      const address = this.#string(0, ADDRESS_BYTES_MAX);
      if (!/^[A-Za-z0-9._/:-]*$/.test(String.fromCharCode(...address))) throw new Refusal('an address of a calendar that is none');
    } else if (tag === BITCOIN) {
      this.#ends.push({ height: this.#number(), message });
    } else {
      this.#at = end;
    }
    if (this.#at !== end) throw new Refusal('an attestation that is longer than what it says');
  }

  #take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new Refusal('the proof ends in the middle');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  #byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  /** Base 128, the least digits first, in the shortest spelling. */
  #number(): bigint {
    let number = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte();
      number |= BigInt(byte & 0x7f) << shift;
      if (number >> 64n !== 0n || (byte === 0 && shift > 0n)) throw new Refusal('a number that is not in its one spelling, or too large');
      if (byte < 0x80) return number;
    }
  }

  #string(min: number, max: number): Uint8Array {
    const length = this.#number();
    if (length < min || length > max) throw new Refusal(`a string of ${length} bytes`);
    return this.#take(Number(length));
  }
}
