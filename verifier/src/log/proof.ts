/**
 * Tlog-proofs and the lines of consistency proofs: hashes in base64, one a line.
 *
 * | quantity    | unit  | range                                    |
 * |-------------|-------|------------------------------------------|
 * | extra       | bytes | 1 … {@link EXTRA_BYTES_MAX}, or no line  |
 * | hashes      | count | at most {@link HASH_COUNT_MAX}           |
 * | checkpoint  | bytes | 1 … {@link CHECKPOINT_BYTES_MAX}         |
 * | consistency | lines | at most {@link CONSISTENCY_LINES_MAX}    |
 *
 * Source: C2SP tlog-proof. The checkpoint is kept to the byte; nothing in `extra` is trusted.
 */

import { fromBase64, Refusal, toShownText, toText } from '../base/bytes.ts';
import { asHash, type Hash } from '../base/hash.ts';
import { parseSize } from './checkpoint.ts';

export const EXTRA_BYTES_MAX = 1 << 16;
export const HASH_COUNT_MAX = 64;
export const CHECKPOINT_BYTES_MAX = 1 << 18;
export const CONSISTENCY_LINES_MAX = 65;

const LINE_FEED = 0x0a;

/** One entry's place in the log. */
export type Proof = { index: bigint; path: Hash[]; checkpoint: Uint8Array; hasExtra: boolean };

export function parseProof(bytes: Uint8Array): Proof {
  let at = 0;
  const next = (): string => {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) throw new Refusal('the proof ends before its checkpoint');
    const line = bytes.subarray(at, end);
    at = end + 1;
    return toShownText(line);
  };
  if (next() !== 'c2sp.org/tlog-proof@v1') throw new Refusal('line 1 is not `c2sp.org/tlog-proof@v1`');
  let line = next();
  const hasExtra = line.startsWith('extra ');
  if (hasExtra) {
    const extra = fromBase64(line.slice(6));
    if (!extra || extra.length === 0 || extra.length > EXTRA_BYTES_MAX) throw new Refusal('an `extra` line that is none');
    line = next();
  }
  const index = line.startsWith('index ') ? parseSize(line.slice(6)) : undefined;
  if (index === undefined) throw new Refusal('no `index` with a number without leading zeros');
  const path: Hash[] = [];
  for (line = next(); line !== ''; line = next()) {
    const hash = asHash(fromBase64(line));
    if (hash === undefined) throw new Refusal('a line that is not the base64 of a 32-byte hash');
    if (path.push(hash) > HASH_COUNT_MAX) throw new Refusal(`more than ${HASH_COUNT_MAX} hashes`);
  }
  const checkpoint = bytes.subarray(at);
  if (checkpoint.length === 0 || checkpoint.length > CHECKPOINT_BYTES_MAX) throw new Refusal('no checkpoint, or too long a one');
  return { index, path, checkpoint, hasExtra };
}

/** Reads the hashes of a consistency proof; `undefined` when a line is none. */
export function parseConsistency(bytes: Uint8Array): Hash[] | undefined {
  const text = toText(bytes);
  if (text === undefined || (text !== '' && !text.endsWith('\n'))) return undefined;
  const lines = text.split('\n').slice(0, -1);
  const hashes = lines.map((line) => asHash(fromBase64(line))).filter((hash) => hash !== undefined);
  return hashes.length === lines.length && lines.length <= CONSISTENCY_LINES_MAX ? hashes : undefined;
}
