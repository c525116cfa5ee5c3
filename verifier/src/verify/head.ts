/**
 * The checkpoint: who signed size and root, and who has witnessed it.
 *
 * Entry 0 names the log's keys, so an altered checkpoint is found even by a reader who trusts nobody yet. That a log
 * agrees with itself is all that such a reader learns.
 */

import { reasonOf } from '../base/bytes.ts';
import { moved, SECOND, type Time } from '../base/time.ts';
import { CHECKPOINT } from '../bundle/layout.ts';
import { type Bundle } from '../bundle/bundle.ts';
import { parseCheckpoint, verifyCheckpoint, type Checkpoint } from '../log/checkpoint.ts';
import { type VerifierKey } from '../log/key.ts';
import { applyPolicy, isMet, trusting, type Policy, type PolicyReport } from '../log/policy.ts';
import { Succession } from '../record/succession.ts';
import { fails, holds, missing, notShown, type Finding, type Moment } from './finding.ts';
import { type Trust } from './trust.ts';

/** The checkpoint, and what was found about it. */
export type Head = { succession: Succession | undefined; bytes?: Uint8Array; checkpoint?: Checkpoint; policy?: Policy; report?: PolicyReport; findings: Finding[] };

export function readHead(bundle: Bundle, trust: Trust): Head {
  const head: Head = { succession: undefined, findings: [] };
  readKeys(bundle, head);
  const bytes = bundle.bytes(CHECKPOINT);
  if (!bytes) {
    head.findings.push(missing('checkpoint', 'a checkpoint', 'none'));
    return head;
  }
  head.bytes = bytes;
  let checkpoint: Checkpoint;
  try {
    checkpoint = parseCheckpoint(bytes);
  } catch (error) {
    head.findings.push(fails('checkpoint', 'a checkpoint', reasonOf(error)));
    return head;
  }
  head.checkpoint = checkpoint;
  const own = checkOwn(head, checkpoint);
  const policy = policyOf(trust, head.succession);
  if (!policy) {
    head.findings.push(unknownKey(checkpoint, own), notShown('witnesses', 'a policy that names witnesses', 'no policy'));
    return head;
  }
  head.policy = policy;
  try {
    head.report = applyPolicy(policy, checkpoint);
    head.findings.push(logFinding(head, policy, checkpoint, own));
  } catch (error) {
    head.findings.push(fails('checkpoint', 'good signatures by the keys of your policy', reasonOf(error)));
  }
  return head;
}

/** Reads entry 0 and the key records; what is read here is verified like every other entry. */
function readKeys(bundle: Bundle, head: Head): void {
  if (!bundle.genesis) return;
  const succession = new Succession(bundle.genesis);
  head.succession = succession;
  for (const record of bundle.records) {
    if (record.kind !== 'key') continue;
    try {
      succession.take(record);
    } catch (error) {
      head.findings.push(fails('signature', `entry ${record.index} to change the keys as those who hold them may`, reasonOf(error)));
      return;
    }
  }
}

/** A checkpoint is judged as if it were its last entry. */
export function lastOf({ size }: Checkpoint): bigint {
  return size === 0n ? 0n : size - 1n;
}

/** A key that the log's records name must have signed, and count there. Returns those that do. */
function checkOwn({ succession, findings }: Head, checkpoint: Checkpoint): VerifierKey[] {
  const named = succession?.checkpointKeysEver() ?? [];
  if (!succession || named.length === 0) return [];
  const last = lastOf(checkpoint);
  const expected = succession.newest === undefined ? 'a checkpoint signed by the keys that entry 0 names' : `a checkpoint signed by a key that speaks for the log at entry ${last}`;
  try {
    const signers = verifyCheckpoint(checkpoint, named).map(({ key }) => key);
    const valid = succession.checkpointKeys(last);
    const own = signers.filter((key) => valid.some((one) => one.isSame(key)));
    if (own.length === 0) findings.push(fails('checkpoint', expected, signers[0] ? signerInWords(succession, signers[0], last) : 'not signed by any of them'));
    // Without its post-quantum line a checkpoint is worth what Ed25519 is worth by then.
    valid.forEach((key, n) => {
      const isAlone = own.length > 0 && ![...own, ...valid.slice(0, n)].some(({ type }) => type === key.type);
      if (isAlone) findings.push(missing('checkpoint', `a signature of the log's key ${key.fingerprint} on the checkpoint`, 'none'));
    });
    return own;
  } catch (error) {
    findings.push(fails('checkpoint', expected, reasonOf(error)));
    return [];
  }
}

function signerInWords(succession: Succession, key: VerifierKey, last: bigint): string {
  return `one signed by ${key.fingerprint}, ${succession.whyNot('checkpoint', key.bytes, last) ?? 'which counts'}`;
}

/**
 * Whose word the reader takes. A fingerprint stands for a key of the log's, or for a key of the archive's: that one has
 * signed the entry that names the log's keys where it took up its office, and where its signature is bad the verdict is
 * `failed` whatever is found here.
 */
function policyOf({ policy: given, fingerprints }: Trust, succession: Succession | undefined): Policy | undefined {
  if (!given && fingerprints.length === 0) return undefined;
  const policy = given ?? trusting([]);
  const isNamed = (fingerprint: string): boolean => fingerprints.includes(fingerprint);
  const named = [...(succession?.checkpointKeysEver() ?? []).filter(({ fingerprint }) => isNamed(fingerprint)), ...(succession?.logKeysVouchedBy(isNamed) ?? [])];
  const logs = [...policy.logs];
  for (const key of named) if (!logs.some((log) => log.isSame(key))) logs.push(key);
  return { ...policy, logs };
}

function unknownKey({ origin }: Checkpoint, own: VerifierKey[]): Finding {
  const keys = join(own);
  const found = keys === '' ? 'no key that you trust' : `it agrees with the keys it brings, ${keys}: compare them with what the archive publishes`;
  return missing('checkpoint', `a key that you trust for the log \`${origin}\``, found);
}

/** Says whether a key that the reader trusts signed, or one that took over from it. */
function logFinding({ succession, report }: Head, policy: Policy, checkpoint: Checkpoint, own: VerifierKey[]): Finding {
  const last = lastOf(checkpoint);
  const [signers, said] = [report?.signers ?? [], `\`${checkpoint.origin}\` at size ${checkpoint.size} signed by `];
  const trusted = signers.filter((key) => succession?.whyNot('checkpoint', key.bytes, last) === undefined);
  const [first, objected] = [trusted[0], signers[0]];
  if (first) return holds('checkpoint', said + join(trusted), `who vouches for the log's key ${first.fingerprint}`);
  if (objected && succession) return fails('checkpoint', `a checkpoint signed by a key that speaks for the log at entry ${last}`, signerInWords(succession, objected, last));
  for (const key of own) {
    const { before, at } = succession?.handedOver(key, policy.logs) ?? {};
    if (before) return holds('checkpoint', said + join(own), `who vouches for the log's key ${before.fingerprint}, which handed over to ${key.fingerprint} in entry ${at}`);
  }
  return unknownKey(checkpoint, own);
}

function join(keys: VerifierKey[]): string {
  return keys.map(({ fingerprint }) => fingerprint).join(' and ');
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
