/**
 * What a bundle withholds of a subject, and why: `data/withheld/ID.txt`, from format 2.
 *
 * | line        | count | says                                                                       |
 * |-------------|-------|----------------------------------------------------------------------------|
 * | `reason`    | 1     | why, in one line of 1 to {@link WORDS_BYTES_MAX} bytes                     |
 * | `authority` | 1     | by whose authority, the same                                               |
 * | `file`      | 1 …   | the SHA-256 of a file that is left out; ascending, each once               |
 * | `text`      | any   | the SHA-256 of the text, and the bytes of it that are blacked out; ascending |
 *
 * Source: the page of `src/evidence/withheld.rs` in Affiant's repository. What is listed is *not shown*.
 */

import { fromHex, fromText, Refusal, toText } from '../base/bytes.ts';
import { asHash, type Hash } from '../base/hash.ts';
import { type Range } from '../record/parts.ts';

export const SIZE_BYTES_MAX = 8 << 20;
export const WORDS_BYTES_MAX = 1000;

const HEADER = 'affiant-withheld 1';

/** What is withheld of one subject. */
export type Withheld = { reason: string; authority: string; files: Hash[]; text: { hash: Hash; ranges: Range[] } | undefined };

export function parseWithheld(bytes: Uint8Array): Withheld {
  const whole = bytes.length > SIZE_BYTES_MAX ? undefined : toText(bytes);
  const [header, reasonLine = '', authorityLine = '', ...lines] = (whole ?? '').split('\n');
  const withheld: Withheld = { reason: wordsOf(reasonLine, 'reason '), authority: wordsOf(authorityLine, 'authority '), files: [], text: undefined };
  const isEnded = lines.pop() === '';
  if (header !== HEADER || !isEnded) throw new Refusal(`not the lines of \`${HEADER}\``);
  for (const line of lines) {
    const [, word, digits = '', start = '', end = ''] = /^(file|text) ([0-9a-f]{64})(?: (0|[1-9]\d{0,18}) ([1-9]\d{0,18}))?$/.exec(line) ?? [];
    const hash = asHash(fromHex(digits));
    const isFile = word === 'file' && start === '' && withheld.text === undefined;
    if (hash === undefined || !(isFile || (word === 'text' && start !== ''))) throw new Refusal(`not a line of what is withheld: \`${line.slice(0, 90)}\``);
    if (isFile) addFile(withheld, hash);
    else addText(withheld, hash, { start: BigInt(start), end: BigInt(end) });
  }
  if (withheld.files.length === 0) throw new Refusal('it withholds no file');
  return withheld;
}

function wordsOf(line: string, label: string): string {
  const words = line.slice(label.length);
  const sizeBytes = fromText(words).length;
  const isFit = line.startsWith(label) && sizeBytes >= 1 && sizeBytes <= WORDS_BYTES_MAX && !/^\p{White_Space}|\p{White_Space}$|\p{Cc}/u.test(words);
  if (!isFit) throw new Refusal(`the ${label.trim()} must be one line of 1 to ${WORDS_BYTES_MAX} bytes`);
  return words;
}

function addFile({ files }: Withheld, hash: Hash): void {
  if ((files.at(-1) ?? '') >= hash) throw new Refusal('files out of order, or twice');
  files.push(hash);
}

function addText(withheld: Withheld, hash: Hash, range: Range): void {
  withheld.text ??= { hash, ranges: [] };
  const last = withheld.text.ranges.at(-1);
  const isNext = last === undefined || last.end < range.start;
  if (withheld.text.hash !== hash || range.start >= range.end || !isNext) throw new Refusal('ranges of two texts, or out of order');
  withheld.text.ranges.push(range);
}

/** Says whether a file is not there as it is: left out, or shown in part. */
export function isWithheld({ files, text }: Withheld, blob: Hash): boolean {
  return files.includes(blob) || text?.hash === blob;
}
