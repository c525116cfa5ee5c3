/**
 * Content: every file that a record names is there with the hash that it names, and every quote stands where the
 * record says.
 *
 * | quantity | unit  | range                           |
 * |----------|-------|---------------------------------|
 * | text     | bytes | at most {@link TEXT_BYTES_MAX}  |
 */

import { fromText, isEqual } from '../base/bytes.ts';
import { hashOf, type Hash } from '../base/hash.ts';
import { formatId, type Id } from '../base/id.ts';
import { blobsOf, textOf, visitOf, type RecordOf } from '../record/record.ts';
import { type Entries, type Entry } from './entries.ts';
import { fails, holds, missing, NOBODY, notShown, type Finding } from './finding.ts';
import { checkSeeds, checkWithheld, keepsBack, shows, wordsOf } from './withheld.ts';

export const TEXT_BYTES_MAX = 64 << 20;

/** Checks the blobs of a visit, or the passage of a provision; nothing for other kinds. */
export async function checkContent({ id, record }: Entry, entries: Entries): Promise<Finding[]> {
  if (record.kind === 'provision') return [await checkPassage(record, entries)];
  const visit = visitOf(record);
  if (!visit) return [];
  const finding = await checkBlobs(id, blobsOf(visit), entries);
  // What the record commits to part by part is held against the text itself, wherever both are there.
  return [(finding.result === 'fails' ? undefined : await checkSeeds(id, visit, entries)) ?? finding];
}

async function checkBlobs(id: Id, blobs: Hash[], entries: Entries): Promise<Finding> {
  const heldBack = await checkWithheld(id, entries);
  if (heldBack && 'check' in heldBack) return heldBack;
  const { index } = id;
  let withheldCount = 0;
  const withdrawing = entries.withdrawing(index);
  const withdrawnBy: string[] = [];
  const absent: string[] = [];
  for (const blob of blobs) {
    // What is withdrawn is not asked for, though the same bytes may have been captured again.
    const withdrawal = withdrawing.find(({ said }) => said.blobs.includes(blob) || said.record?.sha256 === blob);
    if (withdrawal) {
      withdrawnBy.push(withdrawal.words);
      continue;
    }
    if (heldBack && keepsBack(heldBack, blob)) {
      withheldCount += 1;
      continue;
    }
    const { name, file } = entries.bundle.blob(index, blob) ?? { name: `SHA-256 ${blob}`, file: undefined };
    if (!file) absent.push(name);
    else if (file.sha256 !== blob) return fails('content', `SHA-256 ${blob} in \`${name}\``, file.sha256);
  }
  const expected = `all ${blobs.length} files that the record names`;
  if (absent.length > 0) return missing('content', expected, `without \`${absent.join('`, `')}\``);
  if (withdrawnBy.length + withheldCount === 0) return holds('content', `${blobs.length} file(s) with the hashes that the record names`, NOBODY);
  const left = `${blobs.length - withdrawnBy.length - withheldCount} of them`;
  const kept = heldBack && withheldCount > 0 ? [`${withheldCount} ${wordsOf(heldBack)}`] : [];
  const gone = withdrawnBy.length > 0 ? [`${withdrawnBy.length} ${[...new Set(withdrawnBy)].join('; ')}`] : [];
  return notShown('content', expected, [left, ...kept, ...gone].join('; '));
}

async function checkPassage(provision: RecordOf<'provision'>, entries: Entries): Promise<Finding> {
  const { capture: index, rendition, start, end, exact, prefix, suffix } = provision;
  const capture = entries.entry(index);
  if (!capture) return entries.absent('content', index, `the quoted capture, entry ${index}`);
  const visit = visitOf(capture.record);
  const of = `the text of \`${formatId(capture.id)}\``;
  if (!visit || textOf(visit)?.sha256 !== rendition) return fails('content', `a quote from ${of}`, 'a quote from another text');
  const text = await readQuoted(provision, capture, entries);
  if ('check' in text) return text;
  if (start > end || end > BigInt(text.length)) return fails('content', 'a passage within the text', `bytes ${start} to ${end}`);
  const [from, to] = [Number(start), Number(end)];
  const [before, quoted, after] = [text.subarray(0, from), text.subarray(from, to), text.subarray(to)];
  const [prefixBytes, suffixBytes] = [fromText(prefix), fromText(suffix)];
  const stands =
    isEqual(quoted, fromText(exact)) &&
    (prefixBytes.length === 0 || isEqual(before.slice(-prefixBytes.length), prefixBytes)) &&
    isEqual(after.subarray(0, suffixBytes.length), suffixBytes);
  return stands
    ? holds('content', `the quoted words, bytes ${start} to ${end} of ${of}`, NOBODY)
    : fails('content', exact, 'other words there, before or after');
}

/** The text that a passage is quoted from, or what is wrong with it; blacked out elsewhere, when some of it is withheld. */
async function readQuoted({ rendition, start, end }: RecordOf<'provision'>, { id }: Entry, entries: Entries): Promise<Uint8Array | Finding> {
  const heldBack = await checkWithheld(id, entries);
  if (heldBack && 'check' in heldBack) return heldBack;
  if (heldBack?.redacted && heldBack.withheld.text?.hash === rendition) {
    const expected = `the words at bytes ${start} to ${end} of the text of \`${formatId(id)}\``;
    return shows(heldBack.redacted, { start, end }) ? heldBack.redacted.text : notShown('content', expected, wordsOf(heldBack));
  }
  const blob = await checkBlobs(id, [rendition], entries);
  if (blob.result !== 'holds') return blob;
  const file = entries.bundle.blob(id.index, rendition)?.file;
  if (!file || file.sizeBytes > TEXT_BYTES_MAX) return fails('content', 'the quoted text', 'more than is read');
  const text = await file.read();
  // A file on a disk may have changed since it was hashed.
  return hashOf(text) === rendition ? text : fails('content', `SHA-256 ${rendition}`, 'other bytes than before');
}
