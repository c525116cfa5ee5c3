/**
 * A bundle: its files as they are, against what its records call for.
 *
 * | quantity   | unit  | range                                  |
 * |------------|-------|----------------------------------------|
 * | small file | bytes | at most {@link SMALL_FILE_BYTES_MAX}   |
 *
 * To verify, before any subject:
 * 1. It is a bag whose files are as its manifests say, in the one spelling that bundles have.
 * 2. It names a format of the layout and its subjects; each has its entry.
 * 3. The entries are those that the subjects lean on, the files those that the layout names: no more, no fewer, but for
 *    annexes.
 * 4. The seals over the tag manifest and over each subject's record are by the key that counts at the checkpoint, as entry 0
 *    and the key records say.
 * 5. `data/keys/…` are the keys that count there; each `record.json` reads out its record.
 *
 * What contradicts fails; what is absent is missing, and nothing can be told without it.
 */

import { fromText, isEqual, reasonOf, Refusal } from '../base/bytes.ts';
import { type Hash } from '../base/hash.ts';
import { folderOf, formatId, LETTERS, parseFolder, parseId, type Id } from '../base/id.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import { idOf, parseRecord, visitOf, type Record, type RecordOf, type WithdrawnEntry } from '../record/record.ts';
import { readOut } from '../record/reading.ts';
import { type Succession } from '../record/succession.ts';
import { fails, holds, missing, type Finding } from '../verify/finding.ts';
import { METADATA, SEAL, TAG_MANIFEST, validateBag, valuesOf, type Bag } from './bag.ts';
import { type Folder, type HashedFile } from './folder.ts';
import {
  anchorOf, BUNDLE_NAMESPACE, CHECKPOINT, citationsOf, contentFile, contentOf, entryFile, FORMATS, FORMAT_WITHOUT_ANNEXES, isAnnex, keyFiles, leansOn,
  leansOnWithdrawn, PLACE_FILES, readSuccession, RECORD_FILES, RECORD_NAMESPACE, TAG_FILES, type Lean, withheldFile, wordOf,
} from './layout.ts';
import { checkSeal } from './seal.ts';
import { isWithheld, parseWithheld, type Withheld } from './withheld.ts';

export const SMALL_FILE_BYTES_MAX = 1 << 20;
/** Behind every entry. */
const NEWEST = (1n << 64n) - 1n;

/** Who dated the log at one size; none of it is believed. */
export type Anchor = { size: bigint; checkpoint?: Uint8Array; consistency?: Uint8Array; replies: Named[]; cosignatures: Named[]; proofs: Named[]; headers: Named[]; renewal?: Uint8Array; renewals: Named[] };
type Named = [name: string, bytes: Uint8Array];

/** An entry's folder, its record, and what lies in the record's place when that is another entry's. */
type Entry = { id: Id; record: Record | undefined; stray: Record | undefined };

/** A bundle that was read through. */
export class Bundle {
  readonly subjects: Id[] = [];
  /** What is to be said of the files, each finding `files`. */
  readonly findings: Finding[] = [];
  /** Every entry's folder, by index. */
  readonly entries = new Map<bigint, Entry>();
  /** The index of the entry whose statement has a hash. */
  readonly statements = new Map<Hash, bigint>();
  readonly anchors = new Map<bigint, Anchor>();
  /** What is withheld of subjects, by index. */
  readonly withheld = new Map<bigint, Withheld>();
  readonly #folder: Folder;
  /** Where each blob of an entry must lie. */
  readonly #places = new Map<string, string>();
  readonly #withdrawals: RecordOf<'withdrawal'>[] = [];
  #hasAnnexes = false;
  /** Entries whose record is absent, and named by a withdrawal. */
  readonly #withdrawn = new Set<bigint>();

  constructor(folder: Folder) {
    this.#folder = folder;
    const bag = validateBag(folder);
    this.#reportBag(bag);
    this.#readSubjects(bag);
    this.#readEntries();
    this.#readWithheld();
    const isWhole = this.#checkEntries();
    this.#checkNames(isWhole);
    this.#checkKeysAndSeals();
    this.#checkReadings();
    if (this.findings.length === 0) {
      this.findings.push(holds('files', `${folder.size} files as sealed by the key that entry 0 names`, "who vouches for the archive's key"));
    }
  }

  /** Entry 0, when there is a record of it. */
  get genesis(): RecordOf<'genesis'> | undefined {
    const record = this.entries.get(0n)?.record;
    return record?.kind === 'genesis' ? record : undefined;
  }

  /** Every record that can be read, in the order of the log. */
  get records(): Record[] {
    const records = [...this.entries.values()].map(({ record }) => record).filter((record) => record !== undefined);
    return records.sort((a, b) => (a.index < b.index ? -1 : 1));
  }

  /** A small file's bytes, when it is there. */
  bytes(name: string): Uint8Array | undefined {
    return this.#folder.get(name)?.bytes;
  }

  /** The file in which a blob of an entry must lie, and what lies there. */
  blob(index: bigint, blob: Hash): { name: string; file: HashedFile | undefined } | undefined {
    const name = this.#places.get(`${index} ${blob}`);
    return name === undefined ? undefined : { name, file: this.#folder.get(name) };
  }

  /** A file of a subject's content, by its name. */
  contentFile(id: Id, file: string): HashedFile | undefined {
    return this.#folder.get(contentFile(id, file));
  }

  /** The withdrawals that speak of an entry, and what they say; none of them is verified here. */
  withdrawalsOf(index: bigint): { at: bigint; said: WithdrawnEntry }[] {
    return this.#withdrawals.flatMap((withdrawal) => {
      const said = withdrawal.index > index ? withdrawal.entries.find((entry) => entry.index === index) : undefined;
      return said ? [{ at: withdrawal.index, said }] : [];
    });
  }

  #fails(expected: string, found: string): void {
    this.findings.push(fails('files', expected, found));
  }

  #missing(expected: string, found = 'nothing'): void {
    this.findings.push(missing('files', expected, found));
  }

  #reportBag({ faults, absences }: Bag): void {
    for (const fault of faults) this.#fails('a bag as its manifests say', fault);
    for (const absence of absences) this.#missing('a whole bag', absence);
  }

  #readSubjects(bag: Bag): void {
    const formats = valuesOf(bag, 'Affiant-Bundle-Format').join('`, `');
    // Where the format is not told, which is said here, an annex is not to blame.
    this.#hasAnnexes = formats !== FORMAT_WITHOUT_ANNEXES;
    if (!FORMATS.includes(formats)) this.#missing(`\`Affiant-Bundle-Format: ${FORMATS.join('` or `')}\``, `\`${formats}\` in \`${METADATA}\``);
    for (const value of valuesOf(bag, 'External-Identifier')) {
      const id = parseId(value);
      if (!id || this.subjects.some((subject) => formatId(subject) === value)) {
        this.#fails(`citation ids in \`${METADATA}\`, each once`, `\`External-Identifier: ${value}\``);
      } else {
        this.subjects.push(id);
      }
    }
    if (this.subjects.length === 0) this.#missing(`a subject, \`External-Identifier\` in \`${METADATA}\``, 'none');
  }

  #readEntries(): void {
    const folders = [...this.#folder.keys()].map((name) => /^data\/entries\/([^/]+)\//.exec(name)?.[1]);
    for (const folder of new Set(folders)) {
      const id = folder === undefined ? undefined : parseFolder(folder);
      if (!id) continue; // No record calls for such a name: the layout refuses it.
      const other = this.entries.get(id.index);
      if (other) this.#fails(`one folder for entry ${id.index}`, `\`data/entries/${folderOf(other.id)}/\` and \`data/entries/${folder}/\``);
      else this.#readEntry(id);
    }
    for (const [index, { id, record }] of this.entries) {
      const name = entryFile(id, 'record.cbor');
      if (record || this.#folder.has(name)) continue;
      // Whether the withdrawal is to be believed is for the verifier; here it only says what must lie there.
      const withdrawn = this.withdrawalsOf(index).find(({ said }) => said.record)?.said.record;
      if (withdrawn && LETTERS[withdrawn.kind] === id.letter) this.#withdrawn.add(index);
      else this.#missing(`\`${name}\``);
    }
  }

  #readEntry(id: Id): void {
    const name = entryFile(id, 'record.cbor');
    const entry: Entry = { id, record: undefined, stray: undefined };
    this.entries.set(id.index, entry);
    if (this.#folder.has(name)) {
      try {
        const record = parseRecord(this.bytes(name) ?? new Uint8Array());
        const found = formatId(idOf(record, id.prefix));
        if (found === formatId(id)) {
          entry.record = record;
          if (record.kind === 'withdrawal') this.#withdrawals.push(record);
        } else {
          entry.stray = record;
          this.#fails(`the record of ${formatId(id)} in \`${name}\``, found);
        }
      } catch (error) {
        this.#fails(`a record in \`${name}\``, reasonOf(error));
      }
    }
    const statement = this.#folder.get(entryFile(id, 'statement.cose'));
    if (statement) this.statements.set(statement.sha256, id.index);
  }

  /** Reads what is withheld of the captures and checks that are subjects, which says what is not there. Format 1 withholds nothing. */
  #readWithheld(): void {
    for (const id of this.#hasAnnexes ? this.subjects.filter(({ letter }) => letter === 'C' || letter === 'V') : []) {
      const name = withheldFile(id);
      try {
        if (this.#folder.has(name)) this.withheld.set(id.index, parseWithheld(this.bytes(name) ?? new Uint8Array()));
      } catch (error) {
        this.#fails(`what is withheld in \`${name}\``, reasonOf(error));
      }
    }
  }

  /** The entries are the subjects, entry 0, and what they lean on. Says whether all of them can be read. */
  #checkEntries(): boolean {
    for (const subject of this.subjects) {
      const id = this.entries.get(subject.index)?.id;
      if (!id) this.#missing(`the entry of the subject ${formatId(subject)}`);
      else if (formatId(id) !== formatId(subject)) this.#fails(`the entry of the subject ${formatId(subject)}`, formatId(id));
    }
    const reached = new Set<bigint>();
    const newestKeyRecord = this.records.filter(({ kind }) => kind === 'key').at(-1);
    const waiting = [...this.subjects.map(({ index }) => index), 0n, ...(newestKeyRecord ? [newestKeyRecord.index] : [])];
    // Without subjects nothing is leant on, and nothing can be superfluous.
    let isWhole = this.subjects.length > 0;
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      const leans = this.#leansOf(index);
      if (!leans) isWhole = false;
      if (!leans || reached.has(index)) continue;
      reached.add(index);
      waiting.push(...this.withdrawalsOf(index).map(({ at }) => at));
      for (const lean of leans) {
        const earlier = typeof lean === 'bigint' ? lean : this.statements.get(lean);
        if (earlier !== undefined && this.entries.has(earlier)) {
          waiting.push(earlier);
        } else {
          isWhole = false;
          this.#missing(`what entry ${index} leans on: ${typeof lean === 'bigint' ? `entry ${lean}` : `the statement with SHA-256 ${lean}`}`);
        }
      }
    }
    // Where a link is missing, what lies behind it is not to blame.
    for (const [index, { id }] of this.entries) {
      if (isWhole && !reached.has(index)) this.#fails('only entries that a subject leans on', `\`data/entries/${folderOf(id)}/\``);
    }
    return isWhole;
  }

  #leansOf(index: bigint): Lean[] | undefined {
    const record = this.entries.get(index)?.record;
    if (record) return leansOn(record);
    if (!this.#withdrawn.has(index)) return undefined;
    const withdrawn = this.withdrawalsOf(index).find(({ said }) => said.record)?.said.record;
    return withdrawn && leansOnWithdrawn(withdrawn);
  }

  /** Names every file that must be there, but for the keys. */
  #expected(): Set<string> {
    const expected = new Set([...TAG_FILES, CHECKPOINT]);
    const add = (...names: string[]): void => names.forEach((name) => expected.add(name));
    const subjects = new Set(this.subjects.map(({ index }) => index));
    for (const [index, { id, record }] of this.entries) {
      if (record || this.#withdrawn.has(index)) add(...PLACE_FILES.map((file) => entryFile(id, file)));
      if (record) add(...RECORD_FILES.map((file) => entryFile(id, file)));
      if (!record || !subjects.has(index)) continue;
      add(entryFile(id, 'record.cbor.sig'));
      const visit = visitOf(record);
      if (visit) add(...this.#place(index, contentOf(id, visit)), ...citationsOf(id));
      const quoted = record.kind === 'provision' ? this.entries.get(record.capture) : undefined;
      const quotedVisit = quoted?.record && visitOf(quoted.record);
      if (record.kind === 'provision' && quoted && quotedVisit) {
        const content = [...contentOf(quoted.id, quotedVisit)].filter(([blob]) => blob === record.rendition);
        add(...this.#place(record.capture, new Map(content)));
      }
      const withheld = this.withheld.get(index);
      if (withheld) add(withheldFile(id), ...(withheld.text ? ['text-withheld.md', 'text-parts.txt'].map((file) => contentFile(id, file)) : []));
    }
    return expected;
  }

  /** Notes where blobs must lie, but for those that are withdrawn or withheld; returns the files. */
  #place(index: bigint, content: Map<Hash, string>): string[] {
    const withdrawals = this.withdrawalsOf(index);
    const isWithdrawn = (blob: Hash): boolean => withdrawals.some(({ said }) => said.blobs.includes(blob) || said.record?.sha256 === blob);
    const withheld = this.withheld.get(index);
    const left = [...content].filter(([blob]) => !isWithdrawn(blob) && !(withheld && isWithheld(withheld, blob)));
    for (const [blob, name] of left) this.#places.set(`${index} ${blob}`, name);
    return left.map(([, name]) => name);
  }

  #checkNames(isWhole: boolean): void {
    const expected = this.#expected();
    this.#readAnchors().forEach((name) => expected.add(name));
    for (const name of expected) if (!this.#folder.has(name)) this.#missing(`\`${name}\``);
    for (const name of this.#folder.keys()) {
      if (expected.has(name) || name.startsWith('data/keys/')) continue; // Keys are checked with what they must hold.
      if (this.#hasAnnexes && isAnnex(name)) continue;
      const [, group, folder = ''] = /^data\/(entries|content|citations|withheld)\/([^/]+)/.exec(name) ?? [];
      const isRead = [...this.entries].some(([index, { id, record }]) => {
        const isKnown = record !== undefined || this.#withdrawn.has(index);
        return isKnown && (group === 'citations' || group === 'withheld' ? folder.startsWith(`${folderOf(id)}.`) : folder === folderOf(id));
      });
      // A record that is not there does not say which files it has; its absence is said already.
      if (isWhole || group === undefined || (this.subjects.length > 0 && isRead)) this.#fails('only files that the layout names', `\`${name}\``);
    }
  }

  /** Reads who dated the log. A name that is not its reply's is left to be refused. */
  #readAnchors(): string[] {
    const expected: string[] = [];
    for (const [name, { sha256 }] of this.#folder) {
      const { size, file } = anchorOf(name) ?? {};
      const bytes = this.bytes(name);
      if (size === undefined || file === undefined || !bytes) continue;
      const word = wordOf(file, sha256);
      const anchor = this.anchors.get(size) ?? { size, replies: [], cosignatures: [], proofs: [], headers: [], renewals: [] };
      this.anchors.set(size, anchor);
      if (bytes.length > SMALL_FILE_BYTES_MAX) this.#fails(`an anchor in \`${name}\``, `${bytes.length} bytes`);
      else if (file === 'checkpoint') anchor.checkpoint = bytes;
      else if (file === 'consistency') anchor.consistency = bytes;
      else if (file === 'renewal' || file === 'renewal-paths') anchor.renewal = bytes; // Followed by the program alone.
      else if (word) anchor[word].push([file, bytes]);
      else continue;
      expected.push(name);
    }
    for (const { size, replies, cosignatures, proofs, renewals } of this.anchors.values()) {
      expected.push(`data/anchors/${size}/checkpoint`, `data/anchors/${size}/consistency`);
      if (replies.length + cosignatures.length + proofs.length + renewals.length === 0) this.#missing(`a timestamp, a cosignature or a proof in \`data/anchors/${size}/\``);
    }
    return expected;
  }

  #checkKeysAndSeals(): void {
    const records = this.records;
    // Which keys count cannot be told, which is said of the entry that is not there.
    const isUntold = records.some(({ key_record }) => key_record !== undefined && !this.entries.get(key_record)?.record);
    let succession: Succession | undefined;
    try {
      succession = readSuccession(records);
      if (!succession) this.#missing("entry 0, which names the archive's keys", 'no record of it');
    } catch (error) {
      this.#fails('key records that follow one another', reasonOf(error));
    }
    if (!succession || isUntold) return;
    const last = this.#last();
    try {
      this.#checkKeys(keyFiles(succession, last));
    } catch (error) {
      this.#fails("the archive's keys in entry 0", reasonOf(error));
    }
    const key = succession.statementKey(last);
    if (!key) return;
    this.#checkSeal(SEAL, TAG_MANIFEST, BUNDLE_NAMESPACE, key);
    for (const { index } of this.subjects) {
      const entry = this.entries.get(index);
      if (!entry?.record) continue;
      this.#checkSeal(entryFile(entry.id, 'record.cbor.sig'), entryFile(entry.id, 'record.cbor'), RECORD_NAMESPACE, key);
    }
  }

  /** The last entry of the checkpoint; where that cannot be read, which is said of it, the newest keys are meant. */
  #last(): bigint {
    try {
      const { size } = parseCheckpoint(this.bytes(CHECKPOINT) ?? new Uint8Array());
      return size === 0n ? 0n : size - 1n;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return NEWEST;
    }
  }

  #checkKeys(keys: Map<string, string>): void {
    for (const [name, expected] of keys) {
      const found = this.bytes(name);
      if (!this.#folder.has(name)) this.#missing(`\`${name}\``);
      else if (!found || !isEqual(found, fromText(expected))) this.#fails(`the key that entry 0 names in \`${name}\``, 'something else');
    }
    for (const name of this.#folder.keys()) {
      if (name.startsWith('data/keys/') && !keys.has(name)) this.#fails('only files that the layout names', `\`${name}\``);
    }
  }

  #checkSeal(seal: string, sealed: string, namespace: string, key: Uint8Array): void {
    const [armored, message] = [this.bytes(seal), this.bytes(sealed)];
    if (!armored || !message) return; // Which of the two is missing is said already.
    try {
      checkSeal(armored, key, namespace, message);
    } catch (error) {
      this.#fails(`a seal in \`${seal}\` over \`${sealed}\` by the key that entry 0 names`, reasonOf(error));
    }
  }

  #checkReadings(): void {
    for (const { id, record } of this.entries.values()) {
      const [name, reading] = [entryFile(id, 'record.cbor'), entryFile(id, 'record.json')];
      const [bytes, found] = [this.bytes(name), this.bytes(reading)];
      if (record && bytes && found && !isEqual(found, readOut(bytes))) this.#fails(`what \`${name}\` says in \`${reading}\``, 'something else');
    }
  }
}
