/**
 * Notes: text with signatures under it.
 *
 * ```text
 * This is an example message.
 *
 * — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
 * ```
 *
 * | quantity   | unit  | range                              |
 * |------------|-------|------------------------------------|
 * | note       | bytes | at most {@link SIZE_BYTES_MAX}     |
 * | signatures | count | 1 … {@link SIGNATURE_COUNT_MAX}    |
 *
 * Source: C2SP signed-note. The text ends at the last blank line. A line by an unknown key says nothing; where one by a
 * known key is bad, the whole note is: every one of its lines, not only the first.
 */

import { fromBase64, Refusal, toHex, toText } from '../base/bytes.ts';
import { checkName, type VerifierKey } from './key.ts';

export const SIZE_BYTES_MAX = 1 << 20;
export const SIGNATURE_COUNT_MAX = 100;

/** One signature line. */
export type Signature = { name: string; id: string; bytes: Uint8Array };

/** A note, of which nothing is verified. */
export type Note = { text: string; signatures: Signature[] };

export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > SIZE_BYTES_MAX) throw new Refusal(`${bytes.length} bytes, more than the limit of ${SIZE_BYTES_MAX}`);
  const whole = toText(bytes);
  if (whole === undefined) throw new Refusal('a note that is not UTF-8');
  if (/[\x00-\x09\x0b-\x1f]/.test(whole)) throw new Refusal('a control character in a note');
  const blank = whole.lastIndexOf('\n\n');
  if (blank < 0) throw new Refusal('no blank line between text and signatures');
  if (!whole.endsWith('\n') || whole.length === blank + 2) throw new Refusal('no signature, or no newline after the last');
  const lines = whole.slice(blank + 2, -1).split('\n');
  if (lines.length > SIGNATURE_COUNT_MAX) throw new Refusal(`more than ${SIGNATURE_COUNT_MAX} signatures`);
  return { text: whole.slice(0, blank + 1), signatures: lines.map(parseSignature) };
}

export function parseSignature(line: string): Signature {
  const [, name, encoded] = /^— ([^ ]*) (.*)$/s.exec(line) ?? [];
  const bytes = fromBase64(encoded ?? '');
  if (name === undefined || !bytes || bytes.length < 5) throw new Refusal('a signature line that is none');
  return { name: checkName(name), id: toHex(bytes.subarray(0, 4)), bytes: bytes.slice(4) };
}

/** Says whether a line is said to be by a key. */
export function isBy({ name, id }: Signature, key: VerifierKey): boolean {
  return key.name === name && key.id === id;
}

/** Pairs each signature with the known key that it names. */
export function byKnownKeys(note: Note, keys: VerifierKey[]): [VerifierKey, Signature][] {
  return note.signatures.flatMap((signature): [VerifierKey, Signature][] => {
    const named = keys.filter((key) => isBy(signature, key));
    const [key] = named;
    if (!key) return [];
    if (named.some((other) => !other.isSame(key))) throw new Refusal(`two known keys are named \`${key.name}\` with id ${key.id}`);
    return [[key, signature]];
  });
}
