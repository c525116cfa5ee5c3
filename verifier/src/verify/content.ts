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
import { formatId } from '../base/id.ts';
import { blobsOf, textOf, visitOf, type RecordOf } from '../record/record.ts';
import { type Entries, type Entry } from './entries.ts';
import { fails, holds, missing, NOBODY, notShown, type Finding } from './finding.ts';

export const TEXT_BYTES_MAX = 64 << 20;

/** Checks the blobs of a visit, or the passage of a provision; nothing for other kinds. */
export async function checkContent({ id, record }: Entry, entries: Entries): Promise<Finding[]> {
  if (record.kind === 'provision') return [await checkPassage(record, entries)];
  const visit = visitOf(record);
  return visit ? [checkBlobs(id.index, blobsOf(visit), entries)] : [];
}

function checkBlobs(index: bigint, blobs: Hash[], entries: Entries): Finding {
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
    const { name, file } = entries.bundle.blob(index, blob) ?? { name: `SHA-256 ${blob}`, file: undefined };
    if (!file) absent.push(name);
    else if (file.sha256 !== blob) return fails('content', `SHA-256 ${blob} in \`${name}\``, file.sha256);
  }
  const expected = `all ${blobs.length} files that the record names`;
  if (absent.length > 0) return missing('content', expected, `without \`${absent.join('`, `')}\``);
  if (withdrawnBy.length === 0) return holds('content', `${blobs.length} file(s) with the hashes that the record names`, NOBODY);
  const left = blobs.length - withdrawnBy.length;
  return notShown('content', expected, `${left} of them; ${withdrawnBy.length} ${[...new Set(withdrawnBy)].join('; ')}`);
}

async function checkPassage(provision: RecordOf<'provision'>, entries: Entries): Promise<Finding> {
  const { capture: index, rendition, start, end, exact, prefix, suffix } = provision;
  const capture = entries.entry(index);
  if (!capture) return entries.absent('content', index, `the quoted capture, entry ${index}`);
  const visit = visitOf(capture.record);
  const of = `the text of \`${formatId(capture.id)}\``;
  if (!visit || textOf(visit)?.sha256 !== rendition) return fails('content', `a quote from ${of}`, 'a quote from another text');
  const blob = checkBlobs(index, [rendition], entries);
  if (blob.result !== 'holds') return blob;
  const file = entries.bundle.blob(index, rendition)?.file;
  if (!file || file.sizeBytes > TEXT_BYTES_MAX) return fails('content', 'the quoted text', 'more than is read');
  const text = await file.read();
  // A file on a disk may have changed since it was hashed.
  if (hashOf(text) !== rendition) return fails('content', `SHA-256 ${rendition}`, 'other bytes than before');
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
