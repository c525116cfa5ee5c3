/** Reports as a person reads them: the verdict, what it is about, and each finding with what it shows and what it does not. */

import { formatSpan, formatTime } from '../base/time.ts';
import { RESULTS, widthSeconds, type Finding, type Interval, type Report, type Subject } from '../verify/finding.ts';
import { make, prose } from './element.ts';
import { CHECK_WORDS, MEANING, RESULT_NAME, VERDICT_NAME } from './words.ts';

const RESULT_COUNT = { holds: 'hold', 'not-shown': 'not shown', fails: 'fail' };
const MARKS = { holds: '✓', 'not-shown': '–', fails: '✗' };

/** One report; its findings are folded away unless they are asked for, or fail. */
export function renderReport({ verdict, subject, interval, findings }: Report, isOpen = true): HTMLElement {
  const list = make('details', {}, make('summary', {}, summarize(findings)), make('ul', { class: 'findings' }, ...findings.map(renderFinding)));
  list.open = isOpen || verdict === 'failed';
  return make(
    'article',
    { class: `report ${verdict}` },
    make(
      'header',
      {},
      make('p', { class: 'subject' }, subject.id),
      make('h2', { tabindex: '-1' }, VERDICT_NAME[verdict]),
      make('p', { class: 'meaning' }, MEANING[verdict]),
    ),
    renderFacts(subject, interval),
    list,
  );
}

function summarize(findings: Finding[]): string {
  const counts = RESULTS.map((result) => [findings.filter((finding) => finding.result === result).length, RESULT_COUNT[result]] as const);
  return `Findings: ${counts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`).join(', ')}`;
}

function renderFacts(subject: Subject, interval: Interval): HTMLElement {
  const captured = subject.captured_at && `${subject.captured_at.replace(/\.\d+/, '')} by the archive's clock, ${subject.outcome ?? ''}`;
  const facts: [name: string, value: string | undefined, isCode: boolean][] = [
    ['Document', [subject.title, subject.entity].filter((word) => word !== undefined).join(' · '), false],
    ['Address', subject.url, true],
    ['Captured', captured, false],
    ['Made', madeBetween(interval), false],
    ['Content', subject.sha256, true],
    ['Record', subject.record_sha256, true],
    ['Log', subject.origin, true],
    ["Archive's key", subject.fingerprint, true],
  ];
  const rows = facts.flatMap(([name, value, isCode]) =>
    value ? [make('div', {}, make('dt', {}, name), make('dd', {}, isCode ? make('code', {}, value) : value))] : [],
  );
  return make('dl', {}, ...rows);
}

/** When a record was made, as far as anyone but the archive says so. */
function madeBetween(interval: Interval): string | undefined {
  const { notBefore, notAfter } = interval;
  const ends = [
    ...(notBefore ? [`not before ${formatTime(notBefore.time)}`] : []),
    ...(notAfter ? [`not after ${formatTime(notAfter.time)}`] : []),
  ];
  const width = widthSeconds(interval);
  return ends.length === 0 ? undefined : ends.join(', ') + (width === undefined ? '' : `: ${formatSpan(width)} apart`);
}

function renderFinding(finding: Finding): HTMLElement {
  const { check, result } = finding;
  const { title } = CHECK_WORDS[check];
  return make(
    'li',
    { class: result },
    make('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[result]),
    make(
      'div',
      {},
      make('h3', {}, title, ' ', make('span', { class: 'result' }, RESULT_NAME[result]), ' ', make('code', { class: 'check' }, check)),
      ...renderWords(finding),
    ),
  );
}

function renderWords({ check, result, expected, found, reliesOn }: Finding): HTMLElement[] {
  const { shows, doesNotShow } = CHECK_WORDS[check];
  if (result !== 'holds') {
    return [
      make('p', { class: 'found' }, make('b', {}, 'Expected '), ...prose(expected)),
      make('p', { class: 'found' }, make('b', {}, 'Found '), ...prose(found)),
    ];
  }
  return [
    make('p', { class: 'found it' }, ...prose(found)),
    make('p', { class: 'note' }, ...prose(`Shows that ${shows}. Does not show ${doesNotShow}. Relies on ${reliesOn}.`)),
  ];
}
