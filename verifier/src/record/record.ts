/**
 * Records: what the archive says, as one byte string.
 *
 * | quantity | unit  | range                          |
 * |----------|-------|--------------------------------|
 * | record   | bytes | at most {@link SIZE_BYTES_MAX} |
 * | index    |       | the position in the log        |
 *
 * A deterministic CBOR map with text keys: `v` 1, `kind`, `origin`, `index`, `made`, `after`, `software`, `key_record`, and
 * the fields of its kind. Times are microseconds since the Unix epoch, hashes 32 bytes; a field that does not apply is absent.
 *
 * Source: the page of `src/evidence/record/` in Affiant's repository, record format 1.
 */

import { Refusal, toHex } from '../base/bytes.ts';
import { CborMap, decode } from '../base/cbor.ts';
import { LETTERS, type Id } from '../base/id.ts';
import { isAddress, isSocket } from './address.ts';
import { PART_BYTES } from './parts.ts';
import {
  array, bytes, hash, map, mapOf, oneOf, optional, refuse, text, time, unsigned, words, type Schema,
} from './schema.ts';

export const SIZE_BYTES_MAX = 16 << 20;
export const CHANGE_COUNT_MAX = 16;
export const SIGNATURE_COUNT_MAX = 32;

const common = {
  v: unsigned,
  kind: text,
  origin: text,
  index: unsigned,
  made: time,
  after: map({ size: unsigned, root: hash, tokens: array(hash) }),
  software: map({ name: text, version: text, commit: text }),
  /** The newest key record before this one. */
  key_record: optional(unsigned),
};

const genesis = map({
  ...common,
  prefix: text,
  keys: array(map({ purpose: oneOf('statement', 'checkpoint'), algorithm: text, public: bytes })),
  recovery: hash,
  policy: text,
});

const vantage = map({ fetcher: text, language: optional(text), region: optional(text), user_agent: optional(text) });

const document = map({
  ...common,
  entity: optional(text),
  title: optional(text),
  document_type: optional(text),
  url: text,
  vantage,
  amends: optional(unsigned),
});

const address: Schema<string> = (value, path) => (isAddress(text(value, path)) ? text(value, path) : refuse(path, 'an IP address'));
const socket: Schema<string> = (value, path) => (isSocket(text(value, path)) ? text(value, path) : refuse(path, 'an IP address and port'));
const status: Schema<number> = (value, path) =>
  unsigned(value, path) >= 100n && unsigned(value, path) <= 999n ? Number(value) : refuse(path, 'a status of 100 to 999');
const partSize: Schema<bigint> = (value, path) => (value === BigInt(PART_BYTES) ? unsigned(value, path) : refuse(path, 'the size of a part, 32'));
const option: Schema<unknown> = (value, path) => {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return Array.isArray(value) ? array(text)(value, path) : unsigned(value, path);
};

const exchange = map({
  url: text,
  started: time,
  finished: time,
  connection: map({
    dns: array(address),
    remote: socket,
    tls: optional(map({ version: text, cipher: text, alpn: optional(text), chain: array(hash), validation: text, roots: text })),
  }),
  request: map({ head: text, redacted: array(text) }),
  response: map({ status, head: text }),
  body: map({ sha256: hash, size: unsigned }),
});

const visit = {
  method: oneOf('http', 'file'),
  target: text,
  final: text,
  started: time,
  finished: time,
  outcome: map({ kind: oneOf('complete', 'truncated', 'challenge', 'error'), reasons: array(text) }),
  exchanges: array(exchange),
  primary: map({ sha256: hash, size: unsigned, media_type: optional(text) }),
  renditions: array(
    map({
      role: oneOf('text'),
      media_type: text,
      sha256: hash,
      size: unsigned,
      tool: map({ name: text, version: text }),
      parts: optional(map({ size: partSize, sha256: hash, seed: hash })),
    }),
  ),
  options: mapOf(option),
  host: mapOf(text),
};

const capture = map({ ...common, document: unsigned, sequence: unsigned, previous: optional(hash), ...visit });
const check = map({ ...common, document: unsigned, capture: unsigned, ...visit });

const provision = map({
  ...common,
  capture: unsigned,
  rendition: hash,
  exact: text,
  prefix: text,
  suffix: text,
  start: unsigned,
  end: unsigned,
  clause: optional(text),
  author: text,
});

const anchor = map({
  ...common,
  size: unsigned,
  root: hash,
  checkpoint: hash,
  proofs: array(map({ kind: text, sha256: hash })),
});

/** What other records need of one that was withdrawn; which fields it has depends on its kind. */
const withdrawnRecord: Schema<WithdrawnRecord> = (value, path) => {
  const kind = value instanceof CborMap ? value.at('kind') : undefined;
  const known = { sha256: hash, kind: oneOf('capture', 'check', 'provision') };
  if (kind === 'capture') return map({ ...known, document: unsigned, sequence: unsigned, previous: optional(hash) })(value, path);
  if (kind === 'check') return map({ ...known, document: unsigned, capture: unsigned })(value, path);
  return map({ ...known, capture: unsigned })(value, path);
};

export type WithdrawnRecord = {
  sha256: ReturnType<typeof hash>;
  kind: 'capture' | 'check' | 'provision';
  document?: bigint;
  sequence?: bigint;
  previous?: ReturnType<typeof hash> | undefined;
  capture?: bigint;
};

const withdrawnEntry = map({ index: unsigned, blobs: array(hash), record: optional(withdrawnRecord) });

const withdrawal = map({
  ...common,
  manner: oneOf('erased', 'withheld'),
  reason: words,
  authority: words,
  rule: optional(text),
  entries: array(withdrawnEntry),
});

const hold = map({
  ...common,
  reason: words,
  authority: optional(text),
  entries: optional(array(unsigned)),
  releases: optional(unsigned),
});

const change = map({
  act: oneOf('add', 'retire', 'distrust'),
  from: optional(unsigned),
  purpose: oneOf('statement', 'checkpoint', 'recovery'),
  algorithm: text,
  public: bytes,
});

const key = map({
  ...common,
  reason: optional(text),
  changes: array(change),
  signatures: array(map({ public: bytes, algorithm: text, signature: bytes })),
});

export type Visit = Pick<ReturnType<typeof capture>, keyof typeof visit>;
export type WithdrawnEntry = ReturnType<typeof withdrawnEntry>;

/** A record. */
export type Record =
  | (ReturnType<typeof genesis> & { kind: 'genesis' })
  | (ReturnType<typeof document> & { kind: 'document' })
  | (ReturnType<typeof capture> & { kind: 'capture' })
  | (ReturnType<typeof check> & { kind: 'check' })
  | (ReturnType<typeof provision> & { kind: 'provision' })
  | (ReturnType<typeof anchor> & { kind: 'anchor' })
  | (ReturnType<typeof withdrawal> & { kind: 'withdrawal' })
  | (ReturnType<typeof hold> & { kind: 'hold' })
  | (ReturnType<typeof key> & { kind: 'key'; signed: Uint8Array });

/** A record of one kind. */
export type RecordOf<K extends Record['kind']> = Extract<Record, { kind: K }>;

const KINDS: { [K in Record['kind']]: Schema<unknown> } = {
  genesis, document, capture, check, provision, anchor, withdrawal, hold, key,
};

export function parseRecord(encoded: Uint8Array): Record {
  if (encoded.length > SIZE_BYTES_MAX) throw new Refusal(`${encoded.length} bytes, more than the limit of ${SIZE_BYTES_MAX}`);
  const value = decode(encoded);
  const [version, kind] = value instanceof CborMap ? [value.at('v'), value.at('kind')] : [];
  if (version !== 1n) throw new Refusal('a record of another format than 1');
  const schema = typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind as Record['kind']] : undefined;
  if (!schema) throw new Refusal('a record of a kind that is not known to this version of the page');
  const record = schema(value, 'record') as Record;
  if (record.kind === 'withdrawal') checkWithdrawal(record);
  if (record.kind === 'hold') checkHold(record);
  if (record.key_record !== undefined && (record.key_record === 0n || record.key_record >= record.index)) {
    refuse('record.key_record', 'an entry between entry 0 and this one');
  }
  if (record.kind !== 'key') return record;
  checkKeyRecord(record);
  // All but the signatures, whose name sorts behind every other.
  return { ...record, signed: encoded.subarray(0, value instanceof CborMap ? value.lastAt : 0) };
}

function checkWithdrawal(record: RecordOf<'withdrawal'>): void {
  checkEarlier(record.entries.map(({ index }) => index), record.index);
  for (const { blobs, record: withdrawn } of record.entries) {
    if (!isRising(blobs) || (blobs.length === 0 && !withdrawn)) refuse('record.entries.blobs', 'hashes, each once, ascending');
  }
}

function checkHold(record: RecordOf<'hold'>): void {
  if ((record.entries === undefined) === (record.releases === undefined)) refuse('record', 'a hold that places or releases');
  checkEarlier(record.entries ?? [record.releases ?? 0n], record.index);
}

function checkKeyRecord({ index, changes, signatures }: RecordOf<'key'>): void {
  const signers = new Set(signatures.map((one) => toHex(one.public)));
  const isCounted = changes.length >= 1 && changes.length <= CHANGE_COUNT_MAX && signatures.length >= 1 && signatures.length <= SIGNATURE_COUNT_MAX;
  if (!isCounted || signers.size !== signatures.length) refuse('record', '1 to 16 changes, and 1 to 32 signatures of one key each');
  for (const { act, from } of changes) {
    const isFit = act === 'distrust' ? from !== undefined && from >= 1n && from <= index : from === undefined;
    if (!isFit) refuse('record.changes.from', 'an entry from 1 up to this one, and only with `distrust`');
  }
}

function checkEarlier(indexes: bigint[], index: bigint): void {
  const last = indexes.at(-1);
  if (last === undefined || last >= index || !isRising(indexes)) refuse('record.entries', 'earlier entries, each once, in order');
}

function isRising<T extends string | bigint>(values: T[]): boolean {
  return values.every((value, n) => n === 0 || (values[n - 1] ?? value) < value);
}

/** The record's name in an archive with this prefix. */
export function idOf(record: Record, prefix: string): Id {
  return { prefix, letter: LETTERS[record.kind] ?? '', index: record.index };
}

/** The visit, when the record is of one. */
export function visitOf(record: Record): (Visit & { document: bigint }) | undefined {
  return record.kind === 'capture' || record.kind === 'check' ? record : undefined;
}

/** Every blob that a visit names, each once, in the order in which it names them. */
export function blobsOf(visit: Visit): ReturnType<typeof hash>[] {
  const exchanges = visit.exchanges.flatMap(({ body, connection }) => [body.sha256, ...(connection.tls?.chain ?? [])]);
  const seeds = visit.renditions.flatMap(({ parts }) => (parts ? [parts.seed] : []));
  return [...new Set([visit.primary.sha256, ...visit.renditions.map(({ sha256 }) => sha256), ...seeds, ...exchanges])];
}

/** The text that a person would read, when there is one. */
export function textOf(visit: Visit): Visit['renditions'][number] | undefined {
  return visit.renditions.find(({ role }) => role === 'text');
}
