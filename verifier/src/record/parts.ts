/**
 * Parts: a text that can be shown with some of it withheld, and is still the text that the record names.
 *
 * | quantity   | unit  | range                                        |
 * |------------|-------|----------------------------------------------|
 * | part       | bytes | {@link PART_BYTES}; the last one may be less |
 * | parts      | count | at most {@link PART_COUNT_MAX}               |
 * | seed, salt | bytes | 32                                           |
 *
 * ```text
 * salt(n)       = SHA-256("affiant-part-salt" ‖ seed ‖ n), n from 0 in eight bytes
 * commitment(n) = SHA-256(salt(n) ‖ part n)
 * parts.sha256  = SHA-256(commitment(0) ‖ commitment(1) ‖ …)
 * ```
 *
 * Source: the page of `src/evidence/parts.rs` in Affiant's repository. A part that is shown comes with its salt, one that is
 * withheld with its commitment, and `#` in place of its bytes.
 */

import { bigEndian, fromHex, fromText, Refusal, toText } from '../base/bytes.ts';
import { asHash, hashBytes, Hasher, hashOf, type Hash } from '../base/hash.ts';

export const PART_BYTES = 32;
export const PART_COUNT_MAX = (64 << 20) / PART_BYTES;
const SEED_BYTES = 32;
const SALT_PURPOSE = fromText('affiant-part-salt');
const BLACK = 0x23;

/** From which byte to before which. */
export type Range = { start: bigint; end: bigint };

/** A text of which some is withheld, held against what a record commits to. */
export type Redacted = { text: Uint8Array; withheld: Range[] };

/** Reads `text-withheld.md` and `text-parts.txt`, and refuses them when they are not the text of the record. */
export function readRedacted(text: Uint8Array, lines: Uint8Array, sizeBytes: bigint, commitments: Hash): Redacted {
  if (BigInt(text.length) !== sizeBytes) throw new Refusal(`the text has ${text.length} bytes, and the record says ${sizeBytes}`);
  const parts = (toText(lines) ?? '').split('\n');
  const count = Math.ceil(text.length / PART_BYTES);
  if (parts.pop() !== '' || parts.length !== count || count > PART_COUNT_MAX) {
    throw new Refusal(`the text has ${count} parts, and there are lines for ${parts.length}`);
  }
  const hasher = new Hasher();
  const withheld: Range[] = [];
  parts.forEach((line, n) => {
    const bytes = text.subarray(n * PART_BYTES, (n + 1) * PART_BYTES);
    const [, word, digits] = /^(shown|withheld) ([0-9a-f]{64})$/.exec(line) ?? [];
    const hash = asHash(fromHex(digits ?? ''));
    if (hash === undefined) throw new Refusal(`line ${n + 1} is not \`shown\` or \`withheld\` with a hash`);
    hasher.update(hashBytes(word === 'shown' ? hashOf(hashBytes(hash), bytes) : hash));
    if (word === 'shown') return;
    if (bytes.some((byte) => byte !== BLACK)) throw new Refusal(`part ${n} is withheld, and the text shows something there`);
    withhold(withheld, BigInt(n * PART_BYTES), BigInt(bytes.length));
  });
  const computed = hasher.finish();
  if (computed !== commitments) throw new Refusal(`the parts hash to ${computed}, and the record says ${commitments}`);
  return { text, withheld };
}

/** Adds a part to the ranges, no two of which are next to one another. */
function withhold(ranges: Range[], start: bigint, sizeBytes: bigint): void {
  const last = ranges.at(-1);
  if (last?.end === start) last.end += sizeBytes;
  else ranges.push({ start, end: start + sizeBytes });
}

/** The hash over the parts of a whole text; nothing when the seed is none. */
export function commit(seed: Uint8Array, text: Uint8Array): Hash | undefined {
  if (seed.length !== SEED_BYTES) return undefined;
  const hasher = new Hasher();
  for (let n = 0; n * PART_BYTES < text.length; n++) {
    const salt = hashOf(SALT_PURPOSE, seed, bigEndian(BigInt(n), 8));
    hasher.update(hashBytes(hashOf(hashBytes(salt), text.subarray(n * PART_BYTES, (n + 1) * PART_BYTES))));
  }
  return hasher.finish();
}
