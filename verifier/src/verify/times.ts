/**
 * Times: between which moments a record was made, by the word of parties other than the archive.
 *
 * | end        | who says so                                                                            |
 * |------------|----------------------------------------------------------------------------------------|
 * | not after  | a token over a checkpoint that has the record, or a witness that cosigned one          |
 * | not before | a token or cosignature whose hash the record names in `after`: nobody can name what does not exist yet |
 *
 * | quantity          | unit    | range                                      |
 * |-------------------|---------|--------------------------------------------|
 * | anchors and tokens | judged | at most {@link JUDGED_COUNT_MAX}           |
 * | cosignature       | bytes   | one line, at most {@link COSIGNATURE_BYTES_MAX} |
 * | clock's skew      | seconds | at most 300 between the archive's and others' |
 *
 * What is merely unknown to the reader is *not shown*; what contradicts *fails*.
 */

import { reasonOf, Refusal, toText } from '../base/bytes.ts';
import { hashOf } from '../base/hash.ts';
import { formatTime, moved, SECOND, type Time } from '../base/time.ts';
import { type Anchor, type Bundle } from '../bundle/bundle.ts';
import { parseCheckpoint, verifyLine, type Checkpoint } from '../log/checkpoint.ts';
import { isConsistent } from '../log/merkle.ts';
import { isBy, parseSignature, type Signature } from '../log/note.ts';
import { applyPolicy, type Policy, type PolicyReport } from '../log/policy.ts';
import { parseConsistency } from '../log/proof.ts';
import { type Record } from '../record/record.ts';
import { type Authorities } from '../timestamp/authorities.ts';
import { whyNoProof } from '../timestamp/opentimestamps.ts';
import { verifyReply } from '../timestamp/token.ts';
import { Unjudged } from '../timestamp/unjudged.ts';
import { fails, holds, notShown, type Check, type Finding, type Interval, type Moment } from './finding.ts';
import { endOfSecond, witnessedAt, witnessName, type Head } from './head.ts';
import { type Trust } from './trust.ts';

export const JUDGED_COUNT_MAX = 64;
export const COSIGNATURE_BYTES_MAX = 4096;
const SKEW_MAX: Time = 300n * SECOND;

/** What one token or cosignature came to. */
type Judged =
  | { kind: 'says'; earliest: Time; latest: Time; who: string }
  | { kind: 'wrong' | 'unknown'; expected: string; found: string };

/** What was found about a record's times. */
export type Times = { interval: Interval; findings: Finding[]; witnessed: Witnessed | undefined };

/** Who has witnessed an earlier checkpoint that has the record. */
type Witnessed = { size: bigint; report: PolicyReport };

export function checkTimes(bundle: Bundle, head: Head, record: Record | undefined, trust: Trust, now: Time): Times {
  const witnessed = witnessedAt(head, now);
  const judging = record && head.checkpoint ? new Judging(head, head.checkpoint, record, trust.authorities, now) : undefined;
  judging?.judgeAll([...bundle.anchors.values()].sort((a, b) => (a.size < b.size ? -1 : 1)));
  const { after = [], before = [] } = judging ?? {};
  const moments = (judged: Judged[], end: 'earliest' | 'latest'): Moment[] =>
    judged.flatMap((one) => (one.kind === 'says' ? [{ time: one[end], who: one.who }] : []));
  const interval: Interval = {
    notBefore: best(moments(before, 'earliest'), (a, b) => a >= b),
    notAfter: best([...(witnessed ? [witnessed] : []), ...moments(after, 'latest')], (a, b) => a < b),
  };
  const claimed = record ? `; the archive's own clock said ${formatTime(record.made)}` : '';
  const findings = [
    ...(judging?.findings ?? []),
    endFinding('not-after', interval.notAfter, after, `no timestamp token and no witness's cosignature${claimed}`),
    endFinding('not-before', interval.notBefore, before, `the record names no timestamp token that came before it${claimed}`),
    ...(judging && record ? compareClock(record, interval) : []),
  ];
  return { interval, findings, witnessed: judging?.witnessed };
}

function best(moments: Moment[], isBetter: (a: Time, b: Time) => boolean): Moment | undefined {
  return moments.reduce<Moment | undefined>((found, one) => (found && !isBetter(one.time, found.time) ? found : one), undefined);
}

/** What is wrong is said wherever something is, what is unknown only where nothing is shown. */
function endFinding(check: Check, end: Moment | undefined, judged: Judged[], nobody: string): Finding {
  const [wrong, unknown] = (['wrong', 'unknown'] as const).map((kind) => judged.find((one) => one.kind === kind));
  if (wrong && wrong.kind !== 'says') return fails(check, wrong.expected, wrong.found);
  if (end) return holds(check, formatTime(end.time), end.who);
  if (unknown && unknown.kind !== 'says') return notShown(check, unknown.expected, unknown.found);
  return notShown(check, 'the word of someone other than the archive', nobody);
}

/** The archive's own clock is believed in nothing, and must not contradict those that are. */
function compareClock(record: Record, { notBefore, notAfter }: Interval): Finding[] {
  const findings: Finding[] = [];
  const clock = `${formatTime(record.made)} by the archive's own clock`;
  if (notAfter && record.made > moved(notAfter.time, SKEW_MAX)) {
    findings.push(fails('not-after', `a record made by ${formatTime(notAfter.time)}, when ${notAfter.who} saw the log with it`, clock));
  }
  if (notBefore && moved(record.made, SKEW_MAX) < notBefore.time) {
    findings.push(fails('not-before', `a record made after ${formatTime(notBefore.time)}, when ${notBefore.who} signed what it names`, clock));
  }
  if (notBefore && notAfter && moved(notAfter.time, SKEW_MAX) < notBefore.time) {
    const found = `a log that has the record at ${formatTime(notAfter.time)} already`;
    findings.push(fails('not-before', `a record made after ${formatTime(notBefore.time)}`, found));
  }
  return findings;
}

/** The judging of one record's anchors. */
class Judging {
  readonly after: Judged[] = [];
  readonly before: Judged[] = [];
  /** What is wrong with a witness's word. */
  readonly findings: Finding[] = [];
  witnessed: Witnessed | undefined;
  readonly #policy: Policy | undefined;
  readonly #checkpoint: Checkpoint;
  readonly #record: Record;
  readonly #authorities: Authorities;
  readonly #now: Time;

  constructor({ policy }: Head, checkpoint: Checkpoint, record: Record, authorities: Authorities, now: Time) {
    this.#policy = policy;
    this.#checkpoint = checkpoint;
    this.#record = record;
    this.#authorities = authorities;
    this.#now = now;
  }

  judgeAll(anchors: Anchor[]): void {
    const { index, after } = this.#record;
    const fitting = anchors.filter(({ size }) => size > index || size === after.size);
    for (const anchor of fitting.slice(0, JUDGED_COUNT_MAX)) this.#judge(anchor);
    const held = new Set(fitting.filter(({ size }) => size === after.size).flatMap(({ replies, cosignatures, headers }) => [...replies, ...cosignatures, ...headers].map(([, bytes]) => hashOf(bytes))));
    for (const token of after.tokens.filter((named) => !held.has(named)).slice(0, JUDGED_COUNT_MAX)) {
      this.before.push({ kind: 'unknown', expected: `the token, cosignature or header with SHA-256 ${token} that the record names`, found: 'nothing' });
    }
  }

  #judge(anchor: Anchor): void {
    const { index, after } = this.#record;
    const isAfter = anchor.size > index;
    const isNamed = anchor.size === after.size && after.tokens.length > 0;
    if (!anchor.checkpoint || !anchor.consistency) {
      const found = 'it, or how the log grew from it, is not there';
      (isAfter ? this.after : this.before).push({ kind: 'unknown', expected: `the checkpoint that was dated at size ${anchor.size}`, found });
      return;
    }
    const dated = this.#read(anchor);
    if (typeof dated === 'string') {
      const place = isAfter ? this.after : this.before;
      place.push({ kind: 'wrong', expected: `the checkpoint that was dated at size ${anchor.size}`, found: dated });
      return;
    }
    if (isNamed && dated.root !== after.root) {
      this.before.push({ kind: 'wrong', expected: `the root ${after.root} that the record names at size ${anchor.size}`, found: dated.root });
    }
    for (const [name, line] of anchor.cosignatures.slice(0, JUDGED_COUNT_MAX)) {
      const judged = this.#cosignature(name, line, dated);
      if (isAfter) this.after.push(...judged);
      else if (isNamed && after.tokens.includes(hashOf(line))) this.before.push(...judged);
    }
    if (isAfter) this.#countWitnesses(anchor, dated);
    this.#judgeBlocks(anchor);
    if (isAfter) this.#judgeRenewals(anchor);
    for (const [name, reply] of anchor.replies.slice(0, JUDGED_COUNT_MAX)) {
      if (isAfter) this.after.push(this.#token(name, reply, anchor));
      else if (isNamed && after.tokens.includes(hashOf(reply))) this.before.push(this.#token(name, reply, anchor));
    }
  }

  /** Blocks are Bitcoin's when the reader knows them, and this page knows none: what they may say is not shown. */
  #judgeBlocks({ size, checkpoint = new Uint8Array(), proofs, headers }: Anchor): void {
    const { index, after } = this.#record;
    const found = 'this page knows no blocks: `affiant verify` and `ots verify` can follow it';
    const isAfter = size > index;
    for (const [name, proof] of isAfter ? proofs.slice(0, JUDGED_COUNT_MAX) : []) {
      const wrong = whyNoProof(proof, checkpoint, headers);
      this.after.push({ kind: wrong === undefined ? 'unknown' : 'wrong', expected: `an OpenTimestamps proof in \`${name}\` that ends at a block which you know`, found: wrong ?? found });
    }
    const named = headers.filter(([, bytes]) => !isAfter && size === after.size && after.tokens.includes(hashOf(bytes)));
    for (const [name] of named.slice(0, JUDGED_COUNT_MAX)) {
      this.before.push({ kind: 'unknown', expected: `the block of \`${name}\`, which the record names, as one that you know`, found });
    }
  }

  /** Renewals are followed by the program alone: what they may say is not shown. */
  #judgeRenewals({ renewals }: Anchor): void {
    const found = 'this page does not follow renewals: `affiant verify` does';
    for (const [name] of renewals.slice(0, JUDGED_COUNT_MAX)) {
      this.after.push({ kind: 'unknown', expected: `a renewal's timestamp in \`${name}\` that you trust`, found });
    }
  }

  /** Reads the note that was dated, and compares its tree with the one at hand; or says what is wrong. */
  #read({ size, checkpoint, consistency }: Anchor): Checkpoint | string {
    if (!checkpoint) return 'nothing';
    let dated: Checkpoint;
    try {
      dated = parseCheckpoint(checkpoint);
    } catch (error) {
      return reasonOf(error);
    }
    if (dated.origin !== this.#checkpoint.origin || dated.size !== size) return `one of \`${dated.origin}\` at size ${dated.size}`;
    if (dated.size > this.#checkpoint.size) return `one of a log that is longer than ${this.#checkpoint.size}`;
    const path = consistency && parseConsistency(consistency);
    if (!path) return 'no proof that the log grew from it';
    return isConsistent(dated, this.#checkpoint, path) ? dated : 'another tree: the log did not grow from it';
  }

  /** Judges a witness's line. A witness of the policy that says no time is heard, and says none. */
  #cosignature(name: string, bytes: Uint8Array, dated: Checkpoint): Judged[] {
    const expected = `a cosignature in \`${name}\` by a witness that you trust`;
    try {
      const line = readCosignature(bytes);
      const key = [...(this.#policy?.witnesses.values() ?? [])].find((witness) => isBy(line, witness));
      if (!key) return [{ kind: 'unknown', expected, found: `one by \`${line.name}\`, which your policy does not name` }];
      const time = verifyLine(dated, key, line.bytes);
      if (time === undefined) return [];
      if (time > moved(this.#now, SKEW_MAX)) return [{ kind: 'unknown', expected, found: `one of ${formatTime(time)}, which is yet to come` }];
      return [{ kind: 'says', earliest: time, latest: endOfSecond(time), who: witnessName(key) }];
    } catch (error) {
      this.findings.push(fails('witnesses', expected, reasonOf(error)));
      return [];
    }
  }

  /** Looks who has witnessed the checkpoint of an anchor, in the note and beside it. */
  #countWitnesses({ size, cosignatures }: Anchor, dated: Checkpoint): void {
    if (!this.#policy) return;
    const beside = cosignatures.flatMap(([, bytes]) => {
      try {
        return [readCosignature(bytes)];
      } catch {
        return []; // Said already, of the line itself.
      }
    });
    const note = { ...dated.note, signatures: [...dated.note.signatures, ...beside] };
    try {
      const report = applyPolicy(this.#policy, { ...dated, note });
      if (report.quorum.met > (this.witnessed?.report.quorum.met ?? 0)) this.witnessed = { size, report };
    } catch (error) {
      this.findings.push(fails('witnesses', `good signatures over the checkpoint that was dated at size ${size}`, reasonOf(error)));
    }
  }

  #token(name: string, reply: Uint8Array, { checkpoint = new Uint8Array() }: Anchor): Judged {
    const expected = `a timestamp in \`${name}\` that you trust`;
    try {
      const { earliest, latest, chain } = verifyReply(reply, checkpoint, this.#authorities);
      if (earliest > moved(this.#now, SKEW_MAX)) return { kind: 'unknown', expected, found: `one of ${formatTime(earliest)}, which is yet to come` };
      const [signer, root] = [chain[0], chain.at(-1)];
      return { kind: 'says', earliest, latest, who: `the timestamp authority \`${signer?.name}\`, under your root \`${root?.name}\` (${root?.fingerprint})` };
    } catch (error) {
      return { kind: error instanceof Unjudged ? 'unknown' : 'wrong', expected, found: reasonOf(error) };
    }
  }
}

/** Reads a cosignature: one signature line and its newline, nothing else. */
function readCosignature(bytes: Uint8Array): Signature {
  const line = bytes.length > COSIGNATURE_BYTES_MAX ? undefined : toText(bytes);
  if (!line?.endsWith('\n')) throw new Refusal('no signature line');
  return parseSignature(line.slice(0, -1));
}
