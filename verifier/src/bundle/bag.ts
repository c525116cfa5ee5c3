/**
 * Bags: a folder that lists its own files and their hashes.
 *
 * | file                     | says                                                                  |
 * |--------------------------|-----------------------------------------------------------------------|
 * | `bagit.txt`              | the version, and that tag files are UTF-8                             |
 * | `bag-info.txt`           | what the bag is, and in `Payload-Oxum` how many bytes and files       |
 * | `manifest-sha256.txt`    | the hash and name of each file below `data/`                          |
 * | `tagmanifest-sha256.txt` | the hash and name of each other file, but for itself and its seal     |
 *
 * Source: RFC 8493. Stricter: BagIt 1.0 alone, in one spelling, SHA-256 alone, nothing to be fetched, no name twice or differing only in
 * case, and no tag file that no manifest lists.
 */

import { reasonOf, Refusal, toText } from '../base/bytes.ts';
import { type Hash } from '../base/hash.ts';
import { type Folder } from './folder.ts';

export const MANIFEST = 'manifest-sha256.txt';
export const TAG_MANIFEST = 'tagmanifest-sha256.txt';
export const METADATA = 'bag-info.txt';
export const SEAL = 'tagmanifest-sha256.txt.sig';
const DECLARATION = 'bagit.txt';
const PAYLOAD = 'data/';
const NAME_LENGTH_MAX = 4096;

/** What was found in a bag: what is wrong with it, what is absent, and what it says of itself. */
export type Bag = { faults: string[]; absences: string[]; metadata: [label: string, value: string][] };

export function validateBag(folder: Folder): Bag {
  const bag: Bag = { faults: [], absences: [], metadata: [] };
  const say = (fault: string): void => void bag.faults.push(fault);
  const attempt = <T>(name: string, read: (text: string) => T): T | undefined => {
    const file = folder.get(name);
    if (!file) return undefined;
    try {
      const text = file.bytes && toText(file.bytes);
      if (text === undefined) throw new Refusal(`\`${name}\` is not UTF-8, or too long`);
      return read(text);
    } catch (error) {
      say(reasonOf(error));
      return undefined;
    }
  };
  checkNames(folder, say);
  if (!folder.has(DECLARATION)) bag.absences.push(`\`${DECLARATION}\` is absent`);
  attempt(DECLARATION, checkDeclaration);
  const payload = attempt(MANIFEST, (text) => parseManifest(MANIFEST, text));
  const tags = attempt(TAG_MANIFEST, (text) => parseManifest(TAG_MANIFEST, text));
  if (!folder.has(MANIFEST)) bag.absences.push('no manifest lists the payload');
  if (payload) checkList(folder, MANIFEST, payload, (name) => name.startsWith(PAYLOAD), bag);
  if (tags) checkList(folder, TAG_MANIFEST, tags, (name) => !name.startsWith(PAYLOAD) && name !== TAG_MANIFEST && name !== SEAL, bag);
  for (const [, { damage }] of folder) if (damage !== undefined) say(damage);
  const metadata = attempt(METADATA, (text) => ({ text, elements: parseMetadata(text) }));
  bag.metadata = metadata?.elements ?? [];
  const spelt = bag.metadata.map(([label, value]) => `${label}: ${value}\n`).join('');
  if (metadata && spelt !== metadata.text) say(`\`${METADATA}\` is not spelt as bundles spell it`);
  checkOxum(folder, bag);
  return bag;
}

function checkNames(folder: Folder, say: (fault: string) => void): void {
  const folded = new Map<string, string>();
  for (const name of folder.keys()) {
    if (escapes(name)) say(`the name \`${name}\` leads out of the folder or nowhere`);
    const other = folded.get(name.toLowerCase());
    if (other !== undefined) say(`\`${name}\` and \`${other}\` differ only in case`);
    folded.set(name.toLowerCase(), name);
  }
  if (folder.has('fetch.txt')) say('`fetch.txt` lists files to be fetched from the network; a bag must be whole');
}

function escapes(name: string): boolean {
  return /^~|[\\:\0]/.test(name) || name.split('/').some((part) => part === '' || part === '.' || part === '..');
}

/** Lines may end in LF, CR or both; the last may be left open. */
function linesOf(text: string): string[] {
  return text.replace(/(\r\n|\r|\n)$/, '').split(/\r\n|\r|\n/);
}

function checkDeclaration(text: string): void {
  if (linesOf(text).join('\n') !== 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8') {
    throw new Refusal('`bagit.txt` does not have the two lines that make a bag of BagIt 1.0');
  }
}

function parseManifest(file: string, text: string): Map<string, Hash> {
  const hashes = new Map<string, Hash>();
  linesOf(text).forEach((line, n) => {
    if (text === '') return;
    const [, hash = '', encoded = ''] = /^([0-9a-fA-F]{64})[ \t]+(.+)$/s.exec(line) ?? [];
    const isDecodable = !/%(?!0[AaDd]|25)/.test(encoded);
    const name = encoded.replace(/%(0[Aa]|0[Dd]|25)/g, (escape) => decodeURIComponent(escape));
    if (hash === '' || !isDecodable || name.length > NAME_LENGTH_MAX) throw new Refusal(`\`${file}\`, line ${n + 1}, cannot be read`);
    if (escapes(name)) throw new Refusal(`the name \`${name}\` in ${file} leads out of the folder or nowhere`);
    if (hashes.has(name)) throw new Refusal(`\`${file}\` lists \`${name}\` twice`);
    hashes.set(name, hash.toLowerCase() as Hash);
  });
  const plain = (name: string): string => name.replace(/%/g, '%25').replace(/\n/g, '%0A').replace(/\r/g, '%0D');
  const spelt = [...hashes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, hash]) => `${hash}  ${plain(name)}\n`).join('');
  if (spelt !== text) throw new Refusal(`\`${file}\` is not spelt as bundles spell it`);
  return hashes;
}

/** A list and the files that belong on it are the same, and each has its hash. */
function checkList(folder: Folder, file: string, hashes: Map<string, Hash>, belongs: (name: string) => boolean, bag: Bag): void {
  for (const [name, expected] of hashes) {
    const found = folder.get(name);
    if (!belongs(name)) bag.faults.push(`\`${file}\` lists \`${name}\`, which does not belong there`);
    if (!found) bag.absences.push(`\`${name}\` is absent, but ${file} lists it`);
    else if (found.sha256 !== expected) bag.faults.push(`\`${name}\` is not as \`${file}\` says: hash \`${found.sha256}\`, expected \`${expected}\``);
  }
  for (const name of folder.keys()) {
    if (belongs(name) && !hashes.has(name)) bag.faults.push(`\`${name}\` is there, but \`${file}\` does not list it`);
  }
}

function parseMetadata(text: string): [string, string][] {
  const elements: [string, string][] = [];
  if (text === '') return elements;
  linesOf(text).forEach((line, n) => {
    const last = elements.at(-1);
    if (/^[ \t]/.test(line) && last) {
      last[1] += ` ${line.trim()}`; // A long value goes on in the next line.
      return;
    }
    const [, label = '', value = ''] = /^([^:]*):(.*)$/s.exec(line) ?? [];
    if (label.trim() === '') throw new Refusal(`\`${METADATA}\`, line ${n + 1}, cannot be read`);
    elements.push([label.trim(), value.trim()]);
  });
  return elements;
}

/** What is said under a label, whatever its case. */
export function valuesOf(bag: Bag, label: string): string[] {
  return bag.metadata.filter(([other]) => other.toLowerCase() === label.toLowerCase()).map(([, value]) => value);
}

function checkOxum(folder: Folder, bag: Bag): void {
  const claimed = valuesOf(bag, 'Payload-Oxum');
  const payload = [...folder].filter(([name]) => name.startsWith(PAYLOAD));
  const computed = `${payload.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0)}.${payload.length}`;
  // What is absent is said already, and says more.
  const isWrong = claimed.length > 1 || (claimed[0] !== computed && claimed.length === 1 && bag.absences.length === 0);
  if (isWrong) bag.faults.push(`the payload has \`${computed}\` (bytes.files), but \`Payload-Oxum\` says \`${claimed.join(', ')}\``);
}
