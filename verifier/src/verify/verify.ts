/**
 * Verifying: a bundle, the reader's trust and the time come in, one report for each subject comes out.
 *
 * To verify, in this order, once for each subject:
 * 1. `files` ({@link Bundle}).
 * 2. `signature`, `inclusion` and `checkpoint` of the subject, of entry 0, which names the archive's keys, and of every
 *    other entry that the subject leans on ({@link Entries}).
 * 3. `content`, `history`, `origin`, each in the file of its name.
 * 4. `witnesses` (`head.ts`), `not-after` and `not-before` (`times.ts`).
 * 5. The verdict.
 *
 * Nothing stops at the first failure that it can pass.
 */

import { reasonOf } from '../base/bytes.ts';
import { formatId, type Id } from '../base/id.ts';
import { formatTime, type Time } from '../base/time.ts';
import { Bundle } from '../bundle/bundle.ts';
import { type Folder } from '../bundle/folder.ts';
import { type Progress, type Source } from '../bundle/source.ts';
import { readZip } from '../bundle/zip.ts';
import { visitOf } from '../record/record.ts';
import { checkContent } from './content.ts';
import { Entries, type Checked, type Entry } from './entries.ts';
import { fails, notShown, reportOf, type Report, type Subject } from './finding.ts';
import { readHead, witnessFindings, type Head } from './head.ts';
import { checkHistory } from './history.ts';
import { checkOrigin } from './origin.ts';
import { checkTimes } from './times.ts';
import { type Trust } from './trust.ts';

/** What was found in a bundle: one report for each subject, at least one, and its files when it could be opened. */
export type Verification = { reports: Report[]; folder: Folder | undefined };

/** Verifies a ZIP; what is none gets a report that says so. */
export async function verifyZip(name: string, source: Source, trust: Trust, now: Time, progress: Progress): Promise<Verification> {
  try {
    const folder = await readZip(source, progress);
    return { reports: await verifyFolder(name, folder, trust, now, progress), folder };
  } catch (error) {
    return { reports: [unopened(name, [fails('files', 'a ZIP as bundles are', reasonOf(error))])], folder: undefined };
  }
}

/** Verifies a bundle wherever its files lie; `name` is what a bundle without subjects is called. */
export async function verifyFolder(name: string, folder: Folder, trust: Trust, now: Time, progress: Progress): Promise<Report[]> {
  const bundle = new Bundle(folder);
  if (bundle.subjects.length === 0) return [unopened(name, bundle.findings)];
  const reading = { bundle, head: readHead(bundle, trust), checked: new Map(), trust, now };
  const reports: Report[] = [];
  for (const subject of bundle.subjects) {
    reports.push(await verifySubject(subject, reading));
    await progress.judged(reports.length, bundle.subjects.length);
  }
  return reports;
}

/** What all subjects of a bundle share. */
type Reading = { bundle: Bundle; head: Head; checked: Checked; trust: Trust; now: Time };

function unopened(name: string, findings: Report['findings']): Report {
  return reportOf({ id: name }, { notBefore: undefined, notAfter: undefined }, findings);
}

async function verifySubject(id: Id, { bundle, head, checked, trust, now }: Reading): Promise<Report> {
  const entries = new Entries(bundle, head, checked);
  const aboutGenesis = entries.takeFindings();
  const entry = entries.subject(id);
  const findings = [...bundle.findings, ...entries.takeFindings(), ...aboutGenesis];
  const withdrawn = entry ? undefined : entries.withdrawn(id.index);
  if (withdrawn) findings.push(notShown('content', 'the record, and the files that it names', `it was ${withdrawn.words}`));
  const subject = entry ? describe(id, entry, entries) : { id: formatId(id) };
  if (entry) {
    findings.push(...(await checkContent(entry, entries)), ...checkHistory(entry, entries), ...checkOrigin(entry));
  }
  const times = checkTimes(bundle, head, entry?.record, trust, now);
  findings.push(...entries.takeFindings(), ...head.findings, ...witnessFindings(head, times.witnessed), ...times.findings);
  return reportOf(subject, times.interval, findings);
}

/** What the signed records say a subject is. */
function describe(id: Id, { record, recordHash }: Entry, entries: Entries): Subject {
  const visit = visitOf(record);
  const described = visit ? entries.entry(visit.document)?.record : record;
  const document = described?.kind === 'document' ? described : undefined;
  const fields: { [K in keyof Subject]: Subject[K] | undefined } = {
    id: formatId(id),
    kind: record.kind,
    origin: record.origin,
    entity: document?.entity,
    title: document?.title,
    url: document?.url,
    captured_at: visit && formatTime(visit.started),
    outcome: visit?.outcome.kind,
    sha256: visit?.primary.sha256,
    record_sha256: recordHash,
    fingerprint: entries.fingerprint(record.index),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Subject;
}
