/**
 * Origin: where the bytes came from, as the archive saw it on the very connection that carried them.
 *
 * No archive proves origin against a dishonest archivist without a third party on the connection. What can be checked is
 * that the record does not contradict itself.
 */

import { formatTime } from '../base/time.ts';
import { visitOf, type Visit } from '../record/record.ts';
import { type Entry } from './entries.ts';
import { fails, holds, notShown, type Finding } from './finding.ts';

export function checkOrigin({ record }: Entry): Finding[] {
  const visit = visitOf(record);
  if (!visit) return [];
  const contradictions = contradictionsIn(visit);
  return contradictions.length > 0 ? contradictions : [account(visit)];
}

function account(visit: Visit): Finding {
  const last = visit.exchanges.at(-1)?.connection;
  const expected = 'a connection over which the bytes came';
  if (visit.method === 'file') return notShown('origin', expected, 'the bytes were read from a file');
  if (!last) return fails('origin', expected, 'none');
  if (!last.tls) return notShown('origin', 'a connection whose other end showed a certificate', `plain HTTP from ${last.remote}`);
  if (last.tls.validation !== 'valid') return notShown('origin', 'a valid certificate', last.tls.validation);
  return holds('origin', `${visit.final} from ${last.remote} over ${last.tls.version}, certificate valid`, 'the archive, which alone saw the connection');
}

function contradictionsIn(visit: Visit): Finding[] {
  const [first, last] = [visit.exchanges.at(0), visit.exchanges.at(-1)];
  const findings: Finding[] = [];
  const expect = (isSo: boolean, expected: string, found: string): void => {
    if (!isSo) findings.push(fails('origin', expected, found));
  };
  expect(visit.finished >= visit.started, `an end after ${formatTime(visit.started)}`, formatTime(visit.finished));
  if (first && last) {
    expect(first.url === visit.target, `a first request for \`${visit.target}\``, first.url);
    expect(last.url === visit.final, `a last request for \`${visit.final}\``, last.url);
    const isBody = last.body.sha256 === visit.primary.sha256 && last.body.size === visit.primary.size;
    expect(isBody, `the last answer's body ${last.body.sha256}`, visit.primary.sha256);
  }
  for (const { url, response } of visit.exchanges) {
    const said = /^HTTP\/[^ ]* (\d{3})/.exec(response.head)?.[1];
    expect(Number(said) === response.status, `status ${response.status} in the head of \`${url}\``, response.head.split(/\r?\n/)[0] ?? '');
  }
  return findings;
}
