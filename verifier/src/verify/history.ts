/**
 * History: each capture of a document names the one before, and none is missing between.
 *
 * The chain runs backwards from the subject to the first capture: `previous` is the hash of a statement, `sequence` counts
 * down to 1 without gaps, and every capture is of one document, at the address that the document says. That nothing
 * came after the subject is not claimed.
 */

import { formatId } from '../base/id.ts';
import { type Hash } from '../base/hash.ts';
import { textOf, type Record, type RecordOf, type Visit } from '../record/record.ts';
import { type Entries, type Entry } from './entries.ts';
import { fails, holds, missing, NOBODY, notShown, type Finding } from './finding.ts';

/** Checks the chain from a subject back to the first capture of its document. */
export function checkHistory({ record }: Entry, entries: Entries): Finding[] {
  const finding = ofRecord(record, entries);
  return [...(finding ? [finding] : []), ...entries.takeFindings()];
}

function ofRecord(record: Record, entries: Entries): Finding | undefined {
  switch (record.kind) {
    case 'capture':
      return checkChain(record, entries);
    case 'check':
      return checkConfirmation(record, entries);
    case 'provision': {
      const expected = `the quoted capture, entry ${record.capture}`;
      const quoted = entries.entry(record.capture)?.record;
      if (!quoted) return entries.absent('history', record.capture, expected);
      return quoted.kind === 'capture' ? checkChain(quoted, entries) : fails('history', 'a quoted capture', `a quoted ${quoted.kind}`);
    }
    case 'document':
      return new Documents(entries).of(record.index).finding;
    default:
      return undefined;
  }
}

/** A check must have found what its capture had found, of the same document. */
function checkConfirmation(check: RecordOf<'check'>, entries: Entries): Finding {
  const earlier = entries.entry(check.capture);
  if (!earlier) return entries.absent('history', check.capture, `the capture that is confirmed, entry ${check.capture}`);
  const capture = earlier.record;
  if (capture.kind !== 'capture') return fails('history', 'a capture that is confirmed', `a ${capture.kind}`);
  if (likeness(capture) !== likeness(check)) return fails('history', `the text of \`${formatId(earlier.id)}\``, 'another text or outcome');
  const documents = new Documents(entries);
  return documents.whyOthers(capture.document, check.document) ?? documents.whyNotVisited(check.document, check) ?? checkChain(capture, entries);
}

/** What two visits share when the later confirms the earlier: the outcome, and the text, or without one the bytes. */
function likeness(visit: Visit): string {
  const content = textOf(visit)?.sha256 ?? visit.primary.sha256;
  return JSON.stringify([content, visit.outcome.kind, ...visit.outcome.reasons]);
}

/** One capture of a chain, as its record says it, or the withdrawal of its record. */
type Step = { index: bigint; document: bigint; sequence: bigint; previous: Hash | undefined };

function checkChain(newest: RecordOf<'capture'>, entries: Entries): Finding {
  const documents = new Documents(entries);
  const stray = documents.whyNotVisited(newest.document, newest);
  if (stray) return stray;
  const withdrawn: string[] = [];
  let step: Step = newest;
  while (step.previous !== undefined) {
    const { index, sequence, previous, document }: Step = step;
    if (sequence <= 1n) return fails('history', `nothing before entry ${index}, the first capture`, 'a capture is named');
    const earlier = stepBefore(index, previous, sequence, entries, withdrawn);
    if ('check' in earlier) return earlier;
    if (earlier.sequence !== sequence - 1n || earlier.index >= index) {
      return fails('history', `capture ${sequence - 1n} before entry ${index}`, `capture ${earlier.sequence} at entry ${earlier.index}`);
    }
    const other = documents.whyOthers(earlier.document, document);
    if (other) return other;
    step = earlier;
  }
  if (step.sequence !== 1n) return fails('history', `a capture before entry ${step.index}`, 'none is named');
  const whole = `${newest.sequence} capture(s), each naming the one before`;
  return withdrawn.length === 0 ? holds('history', whole, NOBODY) : notShown('history', whole, `${withdrawn.join('; ')}, which alone says what it named`);
}

/** Finds the earlier capture whose statement has a hash. */
function stepBefore(index: bigint, statement: Hash, sequence: bigint, entries: Entries, withdrawn: string[]): Step | Finding {
  const at = entries.bundle.statements.get(statement);
  const nothing = missing('history', `the capture before entry ${index}, whose statement has SHA-256 ${statement}`);
  if (at === undefined || at >= index) return nothing;
  const entry = entries.entry(at);
  if (entry) {
    const { record } = entry;
    if (record.kind !== 'capture') return fails('history', 'a capture in the chain', `\`${formatId(entry.id)}\``);
    return new Documents(entries).whyNotVisited(record.document, record) ?? record;
  }
  const gone = entries.withdrawn(at);
  if (!gone) return nothing;
  const { kind, document, sequence: place, previous } = gone.record;
  if (kind !== 'capture' || document === undefined || place === undefined) {
    return fails('history', 'a capture in the chain', 'a withdrawn record of another kind');
  }
  withdrawn.push(`the record of capture ${sequence} was ${gone.words}`);
  return { index: at, document, sequence: place, previous };
}

/** A document's history goes on under its first record, whichever record amends it. */
type History = { first: bigint; url: string; finding?: undefined } | { finding: Finding };

class Documents {
  readonly #entries: Entries;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  of(index: bigint): History {
    const document = this.#read(index);
    if (!('kind' in document)) return document;
    const { amends, url } = document;
    if (amends === undefined) return { first: index, url };
    const amended = this.#read(amends);
    if (!('kind' in amended)) return amended;
    const isAmended = amends < index && amended.amends === undefined && amended.url === url && vantage(amended) === vantage(document);
    if (isAmended) return { first: amends, url };
    return { finding: fails('history', `entry ${index} to amend the first record of the same document`, `entry ${amends}`) };
  }

  /** Says why two records do not speak of one document. */
  whyOthers(earlier: bigint, later: bigint): Finding | undefined {
    const [a, b] = [this.of(earlier), this.of(later)];
    if (a.finding ?? b.finding) return a.finding ?? b.finding;
    const firsts = [a, b].map((history) => ('first' in history ? history.first : undefined));
    return firsts[0] === firsts[1] ? undefined : fails('history', 'captures of one document', `documents ${firsts.join(' and ')}`);
  }

  /** A visit must be of its document: the address that was asked for is the one that is followed. */
  whyNotVisited(document: bigint, { target }: Visit): Finding | undefined {
    const history = this.of(document);
    if (history.finding) return history.finding;
    return history.url === target ? undefined : fails('history', `a visit of \`${history.url}\`, as entry ${document} says`, `one of \`${target}\``);
  }

  #read(index: bigint): RecordOf<'document'> | { finding: Finding } {
    const expected = `the document, entry ${index}`;
    const record = this.#entries.entry(index)?.record;
    if (record?.kind === 'document') return record;
    return { finding: record ? fails('history', expected, `a ${record.kind}`) : this.#entries.absent('history', index, expected) };
  }
}

function vantage({ vantage: { fetcher, language, region, user_agent } }: RecordOf<'document'>): string {
  return JSON.stringify([fetcher, language ?? null, region ?? null, user_agent ?? null]);
}
