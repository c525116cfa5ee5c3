/**
 * The layout: where each thing lies in a bundle, as the records alone decide it.
 *
 * ```text
 * bagit.txt, bag-info.txt, manifest-sha256.txt, tagmanifest-sha256.txt     the bag
 * tagmanifest-sha256.txt.sig                the seal
 * VERIFY.md, verify.sh                      how to check all this without Affiant
 * data/log/checkpoint                       the signed note that every proof leads to
 * data/keys/…                               the public keys that count at the checkpoint
 * data/entries/af-c-000002-x/record.cbor    the record; record.json reads it out
 * data/entries/af-c-000002-x/statement.cose, proof.tlog-proof, receipt.cose
 * data/entries/af-c-000002-x/record.cbor.sig   a seal over the record, for subjects
 * data/content/af-c-000002-x/page.html, text.md, text-seed.bin, body-01.html, certificate-01.der
 * data/content/af-c-000002-x/text-withheld.md, text-parts.txt   the text where some of it is withheld; from format 2
 * data/withheld/af-c-000002-x.txt           what is withheld of a subject, and why; from format 2
 * data/citations/af-c-000002-x.bibtex.txt
 * data/anchors/12/checkpoint, consistency, tsa.example-0f3a91c2d4e5b607.tsr, w.example-5d0c3e98a2b4c6d7.cosignature
 * data/anchors/12/calendar.example-91f0d2c4a6b8e0f3.ots, bitcoin-863000.header
 * data/anchors/12/renewal, renewal-paths, tsa.example-77c1d0e2a4b6c8f0.renewal-tsr
 * contents.html and other annexes           what no claim leans on; from format 2
 * ```
 *
 * Source: the pages of `src/evidence/bundle/layout.rs` and `annex.rs` in Affiant's repository, bundle formats 1 and 2. A file
 * that no record calls for and that is no annex is refused, and so is a record that no subject leans on.
 */

import { fromText, Refusal } from '../base/bytes.ts';
import { shortHash, type Hash } from '../base/hash.ts';
import { folderOf, type Id } from '../base/id.ts';
import { ML_DSA_COSIGNATURE, NOTE } from '../log/key.ts';
import { spkiPem, sshLine } from '../log/ed25519.ts';
import { textOf, type Record, type Visit, type WithdrawnRecord } from '../record/record.ts';
import { Succession } from '../record/succession.ts';
import { MANIFEST, METADATA, SEAL, TAG_MANIFEST } from './bag.ts';
import { allowedSigner } from './seal.ts';

export const FORMATS = ['1', '2'];
export const FORMAT_WITHOUT_ANNEXES = '1';
export const CHECKPOINT = 'data/log/checkpoint';
export const TAG_FILES = ['bagit.txt', METADATA, MANIFEST, TAG_MANIFEST, SEAL, 'VERIFY.md', 'verify.sh'];
export const RECORD_FILES = ['record.cbor', 'record.json'];
export const PLACE_FILES = ['statement.cose', 'proof.tlog-proof', 'receipt.cose'];
const STYLES = ['bluebook', 'oscola', 'apa', 'mla', 'chicago', 'bibtex', 'biblatex', 'ris', 'csl-json', 'wikipedia', 'html', 'plain'];

const ANNEXES = ['contents.html', 'verify.html', 'data/custody.jsonl', 'data/ro-crate-metadata.json'];

/** Says whether a file is one that travels sealed with the rest, and on which no verdict rests. */
export function isAnnex(name: string): boolean {
  return ANNEXES.includes(name) || /^data\/(exhibits\/[a-z0-9-]{1,64}\.pdf|transparent\/[a-z0-9-]{1,64}\.cose|endorsements\/[a-z0-9-]{1,64}\.(cms|txt))$/.test(name);
}

export const BUNDLE_NAMESPACE = 'affiant-bundle';
export const RECORD_NAMESPACE = 'affiant-record';

export function entryFile(id: Id, file: string): string {
  return `data/entries/${folderOf(id)}/${file}`;
}

export function citationsOf(id: Id): string[] {
  return STYLES.map((style) => `data/citations/${folderOf(id)}.${style}.txt`);
}

/** Parts the name of an anchor's file into the log's size and the rest. */
export function anchorOf(name: string): { size: bigint; file: string } | undefined {
  const [, size, file] = /^data\/anchors\/([1-9]\d{0,18})\/(.+)$/.exec(name) ?? [];
  return size === undefined || file === undefined ? undefined : { size: BigInt(size), file };
}

type Word = 'replies' | 'cosignatures' | 'proofs' | 'headers' | 'renewals';

const WORDS: { [extension: string]: Word } = { tsr: 'replies', cosignature: 'cosignatures', ots: 'proofs', 'renewal-tsr': 'renewals' };

/** What a file of an anchor is by its name, which its hash gives it, but for the headers of blocks. */
export function wordOf(name: string, sha256: Hash): Word | undefined {
  if (/^bitcoin-(0|[1-9]\d{0,18})\.header$/.test(name)) return 'headers';
  const [, party = '', hash, extension = ''] = /^([a-z0-9.-]{1,64})-([0-9a-f]{16})\.(tsr|cosignature|ots|renewal-tsr)$/.exec(name) ?? [];
  return hash !== shortHash(sha256) || /^[.-]|[.-]$/.test(party) ? undefined : WORDS[extension];
}

export function contentFile(id: Id, file: string): string {
  return `data/content/${folderOf(id)}/${file}`;
}

export function withheldFile(id: Id): string {
  return `data/withheld/${folderOf(id)}.txt`;
}

/** Names every blob of a visit, each once, under the first name that fits. */
export function contentOf(id: Id, visit: Visit): Map<Hash, string> {
  const names = new Map<Hash, string>();
  const add = (name: string, blob: Hash): boolean => {
    const isNew = !names.has(blob);
    if (isNew) names.set(blob, contentFile(id, name));
    return isNew;
  };
  add(`page.${extensionOf(visit.primary.media_type, visit.final)}`, visit.primary.sha256);
  const text = textOf(visit);
  if (text) add('text.md', text.sha256);
  for (const { parts } of visit.renditions) if (parts) add('text-seed.bin', parts.seed);
  visit.renditions.forEach(({ media_type, sha256 }, n) => add(`rendition-${two(n + 1)}.${extensionOf(media_type, '')}`, sha256));
  visit.exchanges.forEach(({ response, url, body }, n) => {
    add(`body-${two(n + 1)}.${extensionOf(contentType(response.head), url)}`, body.sha256);
  });
  let certificateCount = 0;
  for (const certificate of visit.exchanges.flatMap(({ connection }) => connection.tls?.chain ?? [])) {
    if (add(`certificate-${two(certificateCount + 1)}.der`, certificate)) certificateCount += 1;
  }
  return names;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** The last `Content-Type` of an answer's head. */
function contentType(head: string): string | undefined {
  const lines = head.split('\r\n').slice(1);
  const end = lines.indexOf('');
  const fields = (end < 0 ? lines : lines.slice(0, end)).map((line) => /^([^:]*):[ \t]*(.*?)[ \t]*$/s.exec(line));
  return fields.filter((field) => field?.[1]?.toLowerCase() === 'content-type').at(-1)?.[2];
}

const EXTENSIONS: [essence: string, extension: string][] = [
  ['text/html', 'html'], ['application/xhtml+xml', 'html'], ['text/plain', 'txt'], ['text/markdown', 'md'],
  ['application/pdf', 'pdf'], ['application/json', 'json'], ['application/xml', 'xml'], ['text/xml', 'xml'],
  ['image/png', 'png'], ['image/jpeg', 'jpg'], ['image/gif', 'gif'], ['image/webp', 'webp'],
  ['application/zip', 'zip'], ['text/css', 'css'], ['text/csv', 'csv'],
];
const CONTENT_TYPE_BYTES_MAX = 4096;

/** An extension by media type (WHATWG MIME Sniffing §4.4), or where there is none by the address. */
function extensionOf(mediaType: string | undefined, url: string): string {
  const first = (mediaType ?? '').split(';')[0] ?? '';
  const essence = first.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const isType = /^[a-z0-9!#$%&'*+.^_`|~-]+\/[a-z0-9!#$%&'*+.^_`|~-]+$/.test(essence) && fromText(mediaType ?? '').length <= CONTENT_TYPE_BYTES_MAX;
  const path = (url.split(/[?#]/)[0] ?? '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const found = EXTENSIONS.find(([known, extension]) => (isType ? known === essence : path.endsWith(`.${extension}`)));
  return found?.[1] ?? 'bin';
}

/** An entry that another cannot be judged without, by index or by its statement's hash. */
export type Lean = bigint | Hash;

/** What a record leans on; entry 0 and the newest key record go without saying. */
export function leansOn(record: Record): Lean[] {
  return [...leansOnByKind(record), ...(record.key_record === undefined ? [] : [record.key_record])];
}

function leansOnByKind(record: Record): Lean[] {
  switch (record.kind) {
    case 'document':
      return record.amends === undefined ? [] : [record.amends];
    case 'capture':
      return [record.document, ...(record.previous === undefined ? [] : [record.previous])];
    case 'check':
      return [record.document, record.capture];
    case 'provision':
      return [record.capture];
    default:
      return [];
  }
}

/** The same for a record that was withdrawn, by what the withdrawal says of it. */
export function leansOnWithdrawn({ document, previous, capture }: WithdrawnRecord): Lean[] {
  return [document, previous, capture].filter((lean) => lean !== undefined);
}

/** Reads what the entries that are here say of the keys; nothing without entry 0. */
export function readSuccession(records: Record[]): Succession | undefined {
  const genesis = records.find((record) => record.kind === 'genesis' && record.index === 0n);
  if (genesis?.kind !== 'genesis') return undefined;
  const succession = new Succession(genesis);
  for (const record of records) if (record.kind === 'key') succession.take(record);
  return succession;
}

/** The public keys that count at a checkpoint's last entry, in the forms that tools read, by file name. */
export function keyFiles(succession: Succession, last: bigint): Map<string, string> {
  const statement = succession.statementKey(last);
  const vkeys = succession.checkpointKeys(last);
  const [log, postQuantum] = [NOTE, ML_DSA_COSIGNATURE].map((type) => vkeys.find((key) => key.type === type));
  if (!statement || !log || !postQuantum) throw new Refusal('there is not one key of each sort');
  const principal = /^[A-Za-z0-9./_+@-]+$/.test(log.name) ? log.name : 'archive';
  const signers = [BUNDLE_NAMESPACE, RECORD_NAMESPACE].map((namespace) => allowedSigner(principal, namespace, statement));
  return new Map([
    ['data/keys/archive.pub', `${sshLine(statement)} ${principal}\n`],
    ['data/keys/archive.pem', spkiPem(statement)],
    ['data/keys/allowed-signers', signers.join('')],
    ['data/keys/log.vkey', `${log}\n`],
    ['data/keys/log.pem', spkiPem(log.bytes)],
    ['data/keys/log-ml-dsa-44.vkey', `${postQuantum}\n`],
  ]);
}
