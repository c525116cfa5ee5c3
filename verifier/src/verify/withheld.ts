/** Withheld: that what a bundle leaves out is what it says, and that what it shows of a text is the record's. */

import { reasonOf } from '../base/bytes.ts';
import { type Hash } from '../base/hash.ts';
import { formatId, type Id } from '../base/id.ts';
import { isWithheld, type Withheld } from '../bundle/withheld.ts';
import { blobsOf, visitOf, type Visit } from '../record/record.ts';
import { commit, readRedacted, type Range, type Redacted } from '../record/parts.ts';
import { type Entries } from './entries.ts';
import { fails, missing, type Finding } from './finding.ts';

/** What is withheld of one capture or check, held against its record. */
export type HeldBack = { withheld: Withheld; redacted: Redacted | undefined };

/** Checks what a bundle withholds of a visit: what is wrong is a finding, and where nothing is withheld there is nothing. */
export async function checkWithheld(id: Id, entries: Entries): Promise<HeldBack | Finding | undefined> {
  const withheld = entries.bundle.withheld.get(id.index);
  const record = withheld && entries.entry(id.index)?.record;
  const visit = record && visitOf(record);
  if (!withheld || !visit) return undefined;
  const { files, text } = withheld;
  const foreign = files.find((file) => !blobsOf(visit).includes(file) || text?.hash === file);
  if (foreign) return fails('content', `files that ${formatId(id)} names among those that are withheld`, foreign);
  if (!text) return { withheld, redacted: undefined };
  const rendition = visit.renditions.find(({ parts }) => parts !== undefined);
  if (!rendition?.parts || rendition.sha256 !== text.hash) return fails('content', `a text of ${formatId(id)} that can be shown in part`, text.hash);
  const [shown, lines] = ['text-withheld.md', 'text-parts.txt'].map((name) => entries.bundle.contentFile(id, name));
  if (!shown || !lines) return missing('content', `the rest of the text of ${formatId(id)}`);
  try {
    const redacted = readRedacted(await shown.read(), await lines.read(), rendition.size, rendition.parts.sha256);
    if (spell(redacted.withheld) === spell(text.ranges)) return { withheld, redacted };
    return fails('content', `the withheld bytes of ${formatId(id)}: ${spell(text.ranges)}`, spell(redacted.withheld));
  } catch (error) {
    return fails('content', `parts of the text of ${formatId(id)}`, reasonOf(error));
  }
}

function spell(ranges: Range[]): string {
  return ranges.map(({ start, end }) => `${start} to ${end}`).join(', ');
}

/** Says what is withheld, how much of the text is shown and proven, and why. */
export function wordsOf({ withheld: { reason, authority }, redacted }: HeldBack): string {
  const part = redacted ? `, of the text only bytes ${spell(redacted.withheld)}: the rest of its ${redacted.text.length} is there and proven` : '';
  return `withheld${part}; the bundle says why: ${reason} (authority: ${authority})`;
}

export function keepsBack(heldBack: HeldBack, blob: Hash): boolean {
  return isWithheld(heldBack.withheld, blob);
}

/** Says whether every byte of a range is shown. */
export function shows({ withheld }: Redacted, { start, end }: Range): boolean {
  return withheld.every((range) => end <= range.start || range.end <= start);
}

/** A text and a seed that are both there must give the hash over the parts that the record has. */
export async function checkSeeds(id: Id, visit: Visit, entries: Entries): Promise<Finding | undefined> {
  for (const { parts, sha256 } of visit.renditions) {
    const [seed, text] = [parts?.seed, sha256].map((blob) => blob && entries.bundle.blob(id.index, blob)?.file);
    if (!parts || seed?.sha256 !== parts.seed || text?.sha256 !== sha256) continue;
    const computed = commit(await seed.read(), await text.read());
    if (computed !== parts.sha256) return fails('content', `parts of the text with the hash ${parts.sha256}`, computed ?? 'a seed that is none');
  }
  return undefined;
}
