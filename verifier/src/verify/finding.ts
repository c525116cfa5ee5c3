/**
 * Findings and verdicts: what checks say, and what they add up to.
 *
 * Source: the page of `src/evidence/verify/` in Affiant's repository, whose words these are: one JSON comes of both.
 * *Not shown* is never *holds*.
 */

import { type Hash } from '../base/hash.ts';
import { formatTime, SECOND, type Time } from '../base/time.ts';

/** What is checked, in the order in which it is reported. */
export const CHECKS = [
  'files', 'content', 'signature', 'inclusion', 'checkpoint', 'witnesses', 'not-after', 'not-before', 'history', 'origin',
] as const;
export type Check = (typeof CHECKS)[number];

/** What a check came to, the worst last. */
export const RESULTS = ['holds', 'not-shown', 'fails'] as const;
export type Result = (typeof RESULTS)[number];

/** One check's result. */
export type Finding = {
  check: Check;
  result: Result;
  expected: string;
  found: string;
  reliesOn: string;
  /** Whether nothing can be told without what is not shown. */
  isNeeded: boolean;
};

export const NOBODY = 'nobody: it is arithmetic that anyone can repeat';

export function holds(check: Check, found: string, reliesOn: string): Finding {
  return { check, result: 'holds', expected: found, found, reliesOn, isNeeded: false };
}

export function fails(check: Check, expected: string, found: string): Finding {
  return { check, result: 'fails', expected, found, reliesOn: NOBODY, isNeeded: false };
}

/** Something that may well be absent is. */
export function notShown(check: Check, expected: string, found: string): Finding {
  return { check, result: 'not-shown', expected, found, reliesOn: NOBODY, isNeeded: false };
}

/** Something is absent without which nothing can be told. */
export function missing(check: Check, expected: string, found = 'nothing'): Finding {
  return { ...notShown(check, expected, found), isNeeded: true };
}

/** The verdicts, the worst last. */
export const VERDICTS = ['verified', 'verified-with-gaps', 'cannot-tell', 'failed'] as const;
export type Verdict = (typeof VERDICTS)[number];

export function verdictOf(findings: Finding[]): Verdict {
  if (findings.some(({ result }) => result === 'fails')) return 'failed';
  // Trust begins at the checkpoint: where no finding says that it holds, nothing does.
  const holdsFor = (check: Check): boolean => findings.some((finding) => finding.check === check && finding.result === 'holds');
  const isAnchored = holdsFor('signature') && holdsFor('inclusion') && holdsFor('checkpoint');
  if (!isAnchored || findings.some(({ result, isNeeded }) => result === 'not-shown' && isNeeded)) return 'cannot-tell';
  return findings.some(({ result }) => result === 'not-shown') ? 'verified-with-gaps' : 'verified';
}

/** When a record was made, as far as anyone but the archive says so. */
export type Interval = { notBefore: Moment | undefined; notAfter: Moment | undefined };

/** A moment, and who says so. */
export type Moment = { time: Time; who: string };

/** What a verdict is about, as the signed records say it. */
export type Subject = {
  id: string;
  kind?: string;
  origin?: string;
  entity?: string;
  title?: string;
  url?: string;
  captured_at?: string;
  outcome?: string;
  sha256?: Hash;
  record_sha256?: Hash;
  fingerprint?: string;
};

/** All findings about one subject, and the verdict. */
export type Report = { verdict: Verdict; subject: Subject; interval: Interval; findings: Finding[] };

/** Judges by every finding, then joins each check's: where one fails only failures stand, where all hold the first. */
export function reportOf(subject: Subject, interval: Interval, all: Finding[]): Report {
  const findings = CHECKS.flatMap((check) => {
    const ofCheck = all.filter((finding) => finding.check === check);
    const worst = RESULTS.filter((result) => ofCheck.some((finding) => finding.result === result)).at(-1);
    const standing = ofCheck.filter(({ result }) => result === worst);
    const isNew = (finding: Finding, n: number): boolean => {
      const before = standing[n - 1];
      return !before || before.expected !== finding.expected || before.found !== finding.found;
    };
    return worst === 'holds' ? standing.slice(0, 1) : standing.filter(isNew);
  });
  return { verdict: verdictOf(all), subject, interval, findings };
}

/** How many seconds an interval has, rounded up, when both of its ends are said. */
export function widthSeconds({ notBefore, notAfter }: Interval): bigint | undefined {
  if (!notBefore || !notAfter) return undefined;
  const width = notAfter.time - notBefore.time;
  return width <= 0n ? 0n : (width + SECOND - 1n) / SECOND;
}

/** The object that `affiant verify --json` prints. */
export function toJson({ verdict, subject, interval, findings }: Report): unknown {
  const width = widthSeconds(interval);
  return {
    verdict,
    subject,
    interval: {
      not_before: interval.notBefore ? formatTime(interval.notBefore.time) : null,
      not_after: interval.notAfter ? formatTime(interval.notAfter.time) : null,
      ...(width === undefined ? {} : { width_seconds: Number(width) }),
    },
    findings: findings.map(({ check, result, expected, found, reliesOn }) => ({ check, result, expected, found, relies_on: reliesOn })),
  };
}
