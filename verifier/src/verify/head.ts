/**
 * The checkpoint: who signed size and root, and who has witnessed it.
 *
 * Entry 0 names the log's keys, so an altered checkpoint is found even by a reader who trusts nobody yet. That a log
 * agrees with itself is all that such a reader learns.
 */

import { reasonOf } from '../base/bytes.ts';
import { moved, SECOND, type Time } from '../base/time.ts';
import { CHECKPOINT, checkpointKeys, statementKey } from '../bundle/layout.ts';
import { type Bundle } from '../bundle/bundle.ts';
import { parseCheckpoint, verifyCheckpoint, type Checkpoint } from '../log/checkpoint.ts';
import { sshFingerprint } from '../log/ed25519.ts';
import { type VerifierKey } from '../log/key.ts';
import { applyPolicy, isMet, trusting, type Policy, type PolicyReport } from '../log/policy.ts';
import { fails, holds, missing, notShown, type Finding, type Moment } from './finding.ts';
import { type Trust } from './trust.ts';

/** The checkpoint, and what was found about it. */
export type Head = { bytes?: Uint8Array; checkpoint?: Checkpoint; policy?: Policy; report?: PolicyReport; findings: Finding[] };

export function readHead(bundle: Bundle, trust: Trust): Head {
  const bytes = bundle.bytes(CHECKPOINT);
  if (!bytes) return { findings: [missing('checkpoint', 'a checkpoint', 'none')] };
  const head: Head = { bytes, findings: [] };
  let checkpoint: Checkpoint;
  try {
    checkpoint = parseCheckpoint(bytes);
  } catch (error) {
    head.findings.push(fails('checkpoint', 'a checkpoint', reasonOf(error)));
    return head;
  }
  head.checkpoint = checkpoint;
  const own = bundle.genesis ? checkpointKeys(bundle.genesis, checkpoint.origin) : [];
  checkOwn(head, checkpoint, own);
  const policy = policyOf(trust, bundle, own);
  if (!policy) {
    head.findings.push(unknownKey(checkpoint, own), notShown('witnesses', 'a policy that names witnesses', 'no policy'));
    return head;
  }
  head.policy = policy;
  try {
    head.report = applyPolicy(policy, checkpoint);
    head.findings.push(logFinding(head.report, checkpoint, own));
  } catch (error) {
    head.findings.push(fails('checkpoint', 'good signatures by the keys of your policy', reasonOf(error)));
  }
  return head;
}

/** The log's own keys must have signed, whoever they are. */
function checkOwn(head: Head, checkpoint: Checkpoint, own: VerifierKey[]): void {
  if (own.length === 0) return;
  const expected = 'a checkpoint signed by the keys that entry 0 names';
  try {
    const signers = verifyCheckpoint(checkpoint, own);
    if (signers.length === 0) head.findings.push(fails('checkpoint', expected, 'not signed by any of them'));
  } catch (error) {
    head.findings.push(fails('checkpoint', expected, reasonOf(error)));
  }
}

/**
 * Whose word the reader takes. A fingerprint stands for the log's key, or for the archive's key: that one has signed
 * entry 0, which names the log's, and where its signature is bad the verdict is `failed` whatever is found here.
 */
function policyOf(trust: Trust, bundle: Bundle, own: VerifierKey[]): Policy | undefined {
  const statement = bundle.genesis && statementKey(bundle.genesis);
  const isNamed = (fingerprint: string): boolean => trust.fingerprints.includes(fingerprint);
  const isArchiveNamed = statement !== undefined && isNamed(sshFingerprint(statement));
  const named = own.filter((key) => isArchiveNamed || isNamed(key.fingerprint));
  if (!trust.policy && trust.fingerprints.length === 0) return undefined;
  const policy = trust.policy ?? trusting([]);
  return { ...policy, logs: [...policy.logs, ...named.filter((key) => !policy.logs.some((log) => log.isSame(key)))] };
}

function unknownKey({ origin }: Checkpoint, own: VerifierKey[]): Finding {
  const keys = own.map(({ fingerprint }) => fingerprint).join(' and ');
  const found = keys === '' ? 'no key that you trust' : `it agrees with the keys it brings, ${keys}: compare them with what the archive publishes`;
  return missing('checkpoint', `a key that you trust for the log \`${origin}\``, found);
}

function logFinding({ signers }: PolicyReport, checkpoint: Checkpoint, own: VerifierKey[]): Finding {
  const [first] = signers;
  if (!first) return unknownKey(checkpoint, own);
  const keys = signers.map(({ fingerprint }) => fingerprint).join(' and ');
  return holds('checkpoint', `\`${checkpoint.origin}\` at size ${checkpoint.size} signed by ${keys}`, `who vouches for the log's key ${first.fingerprint}`);
}

/**
 * Who has witnessed the log with a record: at the checkpoint at hand, or at an earlier one that has the record and from
 * which the log grew, where more did.
 */
export function witnessFindings({ report: here }: Head, earlier: { size: bigint; report: PolicyReport } | undefined): Finding[] {
  if (!here) return []; // Said already, by the checkpoint's own check.
  const hasMore = earlier !== undefined && earlier.report.quorum.met > here.quorum.met;
  const finding = witnessFinding(hasMore ? earlier.report : here);
  return [hasMore ? { ...finding, found: `${finding.found}, at size ${earlier.size}` } : finding];
}

function witnessFinding({ quorum, witnesses }: PolicyReport): Finding {
  const signed = witnesses.filter(({ hasSigned }) => hasSigned).map(({ key }) => key.name);
  const names = signed.filter((name, n) => name !== signed[n - 1]).join(', '); // One that signs with two keys is one.
  if (quorum.needed === 0) {
    return notShown('witnesses', 'a policy that asks for witnesses', `it asks for none; signed: ${names === '' ? 'none' : names}`);
  }
  if (!isMet(quorum)) return missing('witnesses', `${quorum.needed} of ${quorum.members} witnesses`, String(quorum.met));
  return holds('witnesses', `${quorum.met} of ${quorum.members} (${quorum.needed} needed): ${names}`, `the witnesses ${names}`);
}

export function witnessName({ name }: VerifierKey): string {
  return `the witness \`${name}\``;
}

/** A cosignature's time is a whole second, the one in which the witness signed. */
export function endOfSecond(time: Time): Time {
  return moved(time, SECOND - 1n);
}

/** The earliest moment at which a witness saw the log. One whose clock is ahead of the reader's says nothing. */
export function witnessedAt({ report }: Head, now: Time): Moment | undefined {
  const said = (report?.witnesses ?? []).flatMap(({ key, time }) => (time === undefined || time > now ? [] : [{ time: endOfSecond(time), who: witnessName(key) }]));
  return said.reduce<Moment | undefined>((first, one) => (first && first.time <= one.time ? first : one), undefined);
}
