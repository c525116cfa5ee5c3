/**
 * Entries: that the archive signed a record, and that it is where it says in the log.
 *
 * | quantity | unit    | range                            |
 * |----------|---------|----------------------------------|
 * | entries  | checked | at most {@link ENTRY_COUNT_MAX}  |
 *
 * Entry 0 names the key for statements. Whether that is the right one follows from the checkpoint, which covers entry 0
 * and is signed by the log that the reader trusts. Each entry is checked once, when it is first asked for.
 */

import { isEqual, reasonOf } from '../base/bytes.ts';
import { hashOf, type Hash } from '../base/hash.ts';
import { formatId, LETTERS, type Id } from '../base/id.ts';
import { formatTime, toSecond } from '../base/time.ts';
import { type Bundle } from '../bundle/bundle.ts';
import { entryFile } from '../bundle/layout.ts';
import { sshFingerprint } from '../log/ed25519.ts';
import { NOTE } from '../log/key.ts';
import { leafHash, rootAbove } from '../log/merkle.ts';
import { parseProof } from '../log/proof.ts';
import { verifyReceipt } from '../log/receipt.ts';
import { idOf, type Record, type WithdrawnEntry, type WithdrawnRecord } from '../record/record.ts';
import { parseStatement, type Statement } from '../record/statement.ts';
import { fails, holds, missing, NOBODY, notShown, type Check, type Finding } from './finding.ts';
import { lastOf, type Head } from './head.ts';

export const ENTRY_COUNT_MAX = 100_000;

/** A record that was read, whatever its checks found. */
export type Entry = { id: Id; record: Record; recordHash: Hash; entry: Hash };

/** An entry whose record is not to be had, because a withdrawal that was verified names it. */
export type Withdrawn = { entry: Hash; record: WithdrawnRecord; words: string };

/** What was found of each entry, whichever subject asked for it first. */
export type Checked = Map<bigint, { entry: Entry; findings: Finding[] }>;

/** A verified withdrawal, as it speaks of one entry. */
export type Withdrawing = { said: WithdrawnEntry; words: string };

export class Entries {
  readonly bundle: Bundle;
  readonly #head: Head;
  readonly #checked: Checked;
  /** What this subject asked for. */
  readonly #asked = new Map<bigint, Entry | undefined>();
  readonly #withdrawn = new Map<bigint, Withdrawn>();
  #findings: Finding[] = [];

  constructor(bundle: Bundle, head: Head, checked: Checked) {
    this.bundle = bundle;
    this.#head = head;
    this.#checked = checked;
    if (!bundle.genesis) {
      const expected = "entry 0, which names the archive's keys";
      const stray = bundle.entries.get(0n)?.stray ?? bundle.entries.get(0n)?.record;
      this.#say(stray ? fails('signature', expected, `a ${stray.kind} record`) : missing('signature', expected, 'no record of it'));
    } else {
      if (!head.succession?.statementKey(0n)) this.#say(fails('signature', 'an Ed25519 key for statements in entry 0', 'none'));
      this.entry(0n);
    }
    for (const { kind, index } of bundle.records) if (kind === 'key') this.entry(index);
  }

  /** What was found since the last time. */
  takeFindings(): Finding[] {
    const taken = this.#findings;
    this.#findings = [];
    return taken;
  }

  /** The archive's key for the statement at an index, as `ssh-keygen -l` prints it. */
  fingerprint(index: bigint): string | undefined {
    const key = this.#head.succession?.statementKey(index);
    return key && sshFingerprint(key);
  }

  /** Checks the entry that a subject names. */
  subject(id: Id): Entry | undefined {
    const entry = this.entry(id.index);
    if (!entry || formatId(entry.id) === formatId(id)) return entry;
    this.#say(fails('signature', formatId(id), `the record of \`${formatId(entry.id)}\``));
    return undefined;
  }

  /** Checks the entry at an index, once. */
  entry(index: bigint): Entry | undefined {
    if (this.#asked.has(index)) return this.#asked.get(index);
    if (this.#asked.size >= ENTRY_COUNT_MAX) {
      this.#say(missing('history', `at most ${ENTRY_COUNT_MAX} entries to lean on`, 'more'));
      return undefined;
    }
    const known = this.#checked.get(index);
    const before = this.#findings.length;
    const entry = known ? known.entry : this.#check(index);
    if (known) this.#say(...known.findings);
    else if (entry) this.#checked.set(index, { entry, findings: this.#findings.slice(before) });
    this.#asked.set(index, entry);
    return entry;
  }

  /** What is withdrawn of an entry, the latest word first, by withdrawals that are verified as entries of their own. */
  withdrawing(index: bigint): Withdrawing[] {
    return this.bundle.withdrawalsOf(index).reverse().flatMap(({ at, said }) => {
      const entry = this.entry(at);
      if (entry?.record.kind !== 'withdrawal') return [];
      const { manner, made, reason, authority } = entry.record;
      const words = `${manner} by ${formatId(entry.id)} of ${formatTime(toSecond(made))}: ${reason} (authority: ${authority})`;
      return [{ said, words }];
    });
  }

  /** The entry at an index that was asked for, when its record was withdrawn. */
  withdrawn(index: bigint): Withdrawn | undefined {
    return this.#withdrawn.get(index);
  }

  /** Says that what a check needs is not there: withdrawn, or missing. */
  absent(check: Check, index: bigint, expected: string): Finding {
    const withdrawn = this.withdrawn(index);
    return withdrawn ? notShown(check, expected, `its record was ${withdrawn.words}`) : missing(check, expected);
  }

  #say(...findings: Finding[]): void {
    this.#findings.push(...findings);
  }

  #check(index: bigint): Entry | undefined {
    const known = this.bundle.entries.get(index);
    if (!known) {
      this.#say(missing('signature', `entry ${index}`));
      return undefined;
    }
    const folder = entryFile(known.id, '').slice(0, -1);
    const [recordBytes, statementBytes] = ['record.cbor', 'statement.cose'].map((file) => this.bundle.bytes(entryFile(known.id, file)));
    if (!statementBytes) {
      this.#say(missing('signature', `record and statement of \`${folder}\``, 'no statement'));
      return undefined;
    }
    let statement: Statement;
    try {
      statement = parseStatement(statementBytes);
    } catch (error) {
      this.#say(fails('signature', `a statement in \`${folder}\``, reasonOf(error)));
      return undefined;
    }
    if (!recordBytes) {
      if (!this.#checkWithdrawn(known.id, folder, statement)) this.#say(missing('signature', `record and statement of \`${folder}\``, 'no record'));
      return undefined;
    }
    const record = known.record ?? known.stray;
    if (!record) {
      this.#say(fails('signature', `a record in \`${folder}\``, 'one that cannot be read'));
      return undefined;
    }
    const prefix = this.bundle.genesis?.prefix.toUpperCase();
    if (prefix === undefined) return undefined; // Said already, of entry 0.
    const id = idOf(record, prefix);
    const entry = { id, record, recordHash: hashOf(recordBytes), entry: statement.entry };
    this.#checkClaims(index, folder, entry, statement);
    if (this.#checkKeyRecord(index, folder, record)) this.#checkKey(index, folder, statement);
    this.#checkInclusion(known.id, folder, { id, origin: entry.record.origin, entry: entry.entry });
    return entry;
  }

  /** Checks an entry without a record as far as its statement goes, when a withdrawal names that very record. */
  #checkWithdrawn(folderId: Id, folder: string, statement: Statement): boolean {
    const prefix = this.bundle.genesis?.prefix.toUpperCase();
    const found = this.withdrawing(folderId.index).find(({ said }) => said.record?.sha256 === statement.record);
    const record = found?.said.record;
    if (!found || !record || prefix === undefined) return false;
    const id = { prefix, letter: LETTERS[record.kind] ?? '', index: folderId.index };
    if (statement.subject !== formatId(id)) this.#say(fails('signature', `the statement's subject ${formatId(id)} in \`${folder}\``, statement.subject));
    this.#checkKey(folderId.index, folder, statement);
    this.#checkInclusion(folderId, folder, { id, origin: statement.issuer, entry: statement.entry });
    this.#withdrawn.set(folderId.index, { entry: statement.entry, record, words: found.words });
    return true;
  }

  #checkClaims(index: bigint, folder: string, { id, record, recordHash }: Entry, statement: Statement): void {
    const comparisons: [what: string, expected: string, found: string][] = [
      ['SHA-256 of the record', statement.record, recordHash],
      ["the statement's subject", formatId(id), statement.subject],
      ["the statement's issuer", record.origin, statement.issuer],
      ["the statement's time", formatTime(toSecond(record.made)), formatTime(statement.issuedAt)],
      ["the record's index", String(index), String(record.index)],
    ];
    for (const [what, expected, found] of comparisons) {
      if (expected !== found) this.#say(fails('signature', `${what} ${expected} in \`${folder}\``, found));
    }
    if (record.after.size > index) this.#say(fails('signature', `a record made after a log of at most ${index} entries in \`${folder}\``, `one of ${record.after.size}`));
  }

  /** A record names the newest key record before it. Says whether it can be told which key counts. */
  #checkKeyRecord(index: bigint, folder: string, { key_record: named }: Record): boolean {
    if (!this.#head.succession) return false;
    const newest = this.#head.succession.newestBefore(index);
    if (named === newest) return true;
    const isBehind = named === undefined || (newest !== undefined && named < newest);
    if (isBehind) this.#say(fails('signature', `entry ${newest ?? 'none'} as the newest key record before \`${folder}\``, String(named ?? 'none')));
    else this.#say(missing('signature', `entry ${named}, the key record that \`${folder}\` names`));
    return isBehind;
  }

  #checkKey(index: bigint, folder: string, statement: Statement): void {
    const fingerprint = this.fingerprint(index);
    if (!this.#head.succession || fingerprint === undefined) return; // Said already, of entry 0.
    const wrong = this.#head.succession.objection(statement, index);
    this.#say(
      wrong === undefined
        ? holds('signature', `signed by ${fingerprint}`, `who vouches for the archive's key ${fingerprint}`)
        : fails('signature', `the signature of ${fingerprint} over \`${folder}\``, wrong),
    );
  }

  #checkInclusion(folderId: Id, folder: string, placed: Placed): void {
    const { checkpoint, bytes: head } = this.#head;
    if (!checkpoint || !head) return; // Said already, by the checkpoint's own check.
    const index = folderId.index;
    const bytes = this.bundle.bytes(entryFile(folderId, 'proof.tlog-proof'));
    if (!bytes) return this.#say(missing('inclusion', `a proof for \`${folder}\``, 'none'));
    let proof;
    try {
      proof = parseProof(bytes);
    } catch (error) {
      return this.#say(fails('inclusion', `a tlog-proof in \`${folder}\``, reasonOf(error)));
    }
    if (proof.hasExtra) this.#say(fails('inclusion', `a tlog-proof in \`${folder}\` that says nothing more`, 'an `extra` line, which nobody signed'));
    if (!isEqual(proof.checkpoint, head)) {
      return this.#say(fails('inclusion', `the proof of \`${folder}\` over the checkpoint at hand`, 'another checkpoint'));
    }
    if (placed.origin !== checkpoint.origin) this.#say(fails('inclusion', `a record of the log \`${checkpoint.origin}\` in \`${folder}\``, `one of \`${placed.origin}\``));
    if (proof.index !== index) return this.#say(fails('inclusion', `a proof for entry ${index} in \`${folder}\``, `one for entry ${proof.index}`));
    const root = rootAbove(leafHash(placed.entry), index, checkpoint.size, proof.path);
    this.#say(
      root === checkpoint.root
        ? holds('inclusion', `entry ${index} of ${checkpoint.size} under root ${root}`, NOBODY)
        : fails('inclusion', `\`${folder}\` as entry ${index} under root ${checkpoint.root}`, root ?? 'a path that does not fit index and size'),
    );
    this.#checkReceipt(folderId, folder, placed);
  }

  /** The receipt says the same as the proof, in the form that SCITT tools read: it must not say anything else. */
  #checkReceipt(folderId: Id, folder: string, { id, entry }: Placed): void {
    const bytes = this.bundle.bytes(entryFile(folderId, 'receipt.cose'));
    const { checkpoint, succession } = this.#head;
    if (!bytes || !checkpoint) return;
    const keys = (succession?.checkpointKeys(lastOf(checkpoint)) ?? []).filter(({ type }) => type === NOTE);
    const expected = `the receipt of \`${folder}\` to say what its proof says`;
    try {
      const said = verifyReceipt(bytes, entry, keys);
      const isSame = said.root === checkpoint.root && said.index === folderId.index && said.size === checkpoint.size &&
        said.origin === checkpoint.origin && said.subject === formatId(id);
      if (!isSame) this.#say(fails('inclusion', expected, 'another entry, size, root or origin'));
    } catch (error) {
      this.#say(fails('inclusion', expected, reasonOf(error)));
    }
  }
}

/** What an entry says of its place. */
type Placed = { id: Id; origin: string; entry: Hash };
