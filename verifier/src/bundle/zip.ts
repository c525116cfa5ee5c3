/**
 * ZIP files in the one spelling that bundles have, so that nothing can hide between the members.
 *
 * | quantity | unit  | range                                       |
 * |----------|-------|---------------------------------------------|
 * | members  | count | 0 … {@link MEMBERS_MAX}                     |
 * | file     | bytes | 22 … {@link SIZE_BYTES_MAX}                 |
 * | name     | bytes | 1 … 255, of `[a-z0-9._/-]`, or `VERIFY.md`  |
 * | piece    | bytes | {@link PIECE_BYTES} are read at once        |
 *
 * Source: PKWARE APPNOTE 6.3.10 §4.3.7, §4.3.12, §4.3.16. Stricter: members stand end to end from the first byte, in
 * bytewise order of name, stored, without flags, comments or extra fields, dated 1980-01-01; each local header says what
 * the directory says; the directory follows at once, and the end record ends the file.
 *
 * Headers are built from what the directory says and compared whole, and everything is read once, from the front.
 */

import { concat, isEqual, Refusal, toShownText } from '../base/bytes.ts';
import { Hasher } from '../base/hash.ts';
import { crc32 } from './crc32.ts';
import { isKept, type Folder, type HashedFile } from './folder.ts';
import { type Progress, type Source } from './source.ts';

export const MEMBERS_MAX = 0xfffe;
export const SIZE_BYTES_MAX = 0xfffffffe;
export const NAME_BYTES_MAX = 255;
export const PIECE_BYTES = 1 << 20;

const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
/** `rw-r--r--`, as Unix has it in the upper half. */
const REGULAR_FILE = 0o100644 * 0x10000;
const REPACKED = 'if another tool packed this ZIP again, verify the unpacked folder with Affiant';

/** One file in a ZIP, as the directory has it. */
type Member = { name: string; nameBytes: Uint8Array; sizeBytes: number; crc: number; at: number };

/** Reads a ZIP through, and hashes each of its files. */
export async function readZip(source: Source, progress: Progress): Promise<Folder> {
  const { members, end } = await readDirectory(source);
  const pieces = new Pieces(source, end, progress);
  const folder: Folder = new Map();
  for (const member of members) {
    const header = await pieces.next(LOCAL_BYTES + member.nameBytes.length);
    const expected = concat(littleEndian([0x04034b50, 4]), sharedFields(member), member.nameBytes);
    if (!isEqual(header, expected)) {
      throw new Refusal(`\`${member.name}\` has another local header than its entry in the directory calls for: bytes are hidden, or the two disagree`);
    }
    folder.set(member.name, await readMember(pieces, source, member));
  }
  return folder;
}

async function readMember(pieces: Pieces, source: Source, member: Member): Promise<HashedFile> {
  const { name, sizeBytes, crc, at } = member;
  const hasher = new Hasher();
  const kept: Uint8Array[] = [];
  let computed = 0;
  for (let rest = sizeBytes; rest > 0; ) {
    const piece = await pieces.some(rest);
    hasher.update(piece);
    computed = crc32(computed, piece);
    if (isKept(name, sizeBytes)) kept.push(piece.slice());
    rest -= piece.length;
  }
  const damage = computed === crc ? undefined : `\`${name}\` has another CRC-32 than the ZIP says: it is damaged`;
  const bytes = isKept(name, sizeBytes) ? concat(...kept) : undefined;
  const content = at + LOCAL_BYTES + member.nameBytes.length;
  return { sha256: hasher.finish(), sizeBytes, bytes, damage, offset: content, read: () => source.read(content, sizeBytes) };
}

async function readDirectory(source: Source): Promise<{ members: Member[]; end: number }> {
  const size = source.sizeBytes;
  if (size > SIZE_BYTES_MAX) throw new Refusal(`the ZIP has ${size} bytes, at most ${SIZE_BYTES_MAX} are allowed`);
  const last = size < END_BYTES ? new Uint8Array() : await source.read(size - END_BYTES, END_BYTES);
  const count = numberAt(last, 10, 2);
  const [directoryBytes, start] = [numberAt(last, 12, 4), numberAt(last, 16, 4)];
  const expected = littleEndian([0x06054b50, 4], [0, 4], [count, 2], [count, 2], [directoryBytes, 4], [start, 4], [0, 2]);
  if (!isEqual(last, expected)) throw new Refusal(`not a ZIP as bundles are: no plain end record in the last ${END_BYTES} bytes; ${REPACKED}`);
  if (count > MEMBERS_MAX) throw new Refusal(`more than ${MEMBERS_MAX} members`);
  const isFitting = start + directoryBytes === size - END_BYTES && directoryBytes <= count * (CENTRAL_BYTES + NAME_BYTES_MAX);
  if (!isFitting) throw new Refusal('the directory does not end where the end record begins');
  const directory = await source.read(start, directoryBytes);
  const members = parseDirectory(directory, count);
  const after = members.at(-1);
  const end = after ? after.at + LOCAL_BYTES + after.nameBytes.length + after.sizeBytes : 0;
  if (end !== start) throw new Refusal('bytes are hidden or missing before the directory');
  return { members, end };
}

function parseDirectory(directory: Uint8Array, count: number): Member[] {
  const members: Member[] = [];
  let at = 0;
  let offset = 0;
  for (let n = 0; n < count; n++) {
    const header = directory.subarray(at, at + CENTRAL_BYTES);
    const nameBytes = directory.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + numberAt(header, 28, 2));
    const name = toShownText(nameBytes);
    checkName(name);
    const member = { name, nameBytes, sizeBytes: numberAt(header, 24, 4), crc: numberAt(header, 16, 4), at: offset };
    // Made by 3.10; the comment's length, the disk and the attributes follow the fields that both headers have.
    const own = littleEndian([0, 2], [0, 2], [0, 2], [REGULAR_FILE, 4], [offset, 4]);
    const expected = concat(littleEndian([0x02014b50, 4], [0x030a, 2]), sharedFields(member), own);
    if (!isEqual(header, expected)) throw new Refusal(`\`${name}\` has fields in the directory that bundles do not have, or does not begin where the file before it ends; ${REPACKED}`);
    const previous = members.at(-1)?.name;
    if (previous === name) throw new Refusal(`\`${name}\` is there twice`);
    if (previous !== undefined && previous > name) throw new Refusal(`\`${name}\` stands after \`${previous}\`, but members are in order of name; ${REPACKED}`);
    members.push(member);
    at += CENTRAL_BYTES + nameBytes.length;
    offset += LOCAL_BYTES + nameBytes.length + member.sizeBytes;
  }
  if (at !== directory.length) throw new Refusal('the directory is longer or shorter than its members');
  checkFolders(members);
  return members;
}

/** What the local header and the directory's both say: from the version needed to the length of the extra field. */
function sharedFields({ nameBytes, sizeBytes, crc }: Member): Uint8Array {
  return littleEndian(
    [10, 2], [0, 2], [0, 2], [0, 2], [0x21, 2], [crc, 4], [sizeBytes, 4], [sizeBytes, 4], [nameBytes.length, 2], [0, 2],
  );
}

function checkName(name: string): void {
  const isPlain = name === 'VERIFY.md' || (/^[a-z0-9._/-]+$/.test(name) && !name.split('/').some((part) => part === '' || part.endsWith('.')));
  if (!isPlain || name.length > NAME_BYTES_MAX) throw new Refusal(`the name \`${name.slice(0, 300)}\` is not one that bundles have`);
}

/** No file is also the folder of another. */
function checkFolders(members: Member[]): void {
  const names = new Set(members.map(({ name }) => name));
  for (const { name } of members) {
    for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
      if (names.has(name.slice(0, at))) throw new Refusal(`\`${name.slice(0, at)}\` is a file and also a folder of other files`);
    }
  }
}

function numberAt(bytes: Uint8Array, at: number, sizeBytes: number): number {
  let number = 0;
  for (let n = sizeBytes - 1; n >= 0; n--) number = number * 256 + (bytes[at + n] ?? 0);
  return number;
}

function littleEndian(...fields: [value: number, sizeBytes: number][]): Uint8Array {
  return Uint8Array.from(fields.flatMap(([value, sizeBytes]) => Array.from({ length: sizeBytes }, (_, n) => Math.floor(value / 256 ** n) & 0xff)));
}

/** The members' part of the file, from the front. */
class Pieces {
  #piece: Uint8Array = new Uint8Array();
  #at = 0;
  readonly #source: Source;
  readonly #end: number;
  readonly #progress: Progress;

  constructor(source: Source, end: number, progress: Progress) {
    this.#source = source;
    this.#end = end;
    this.#progress = progress;
  }

  /** Just so many bytes. */
  async next(sizeBytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let rest = sizeBytes; rest > 0; ) {
      const part = await this.some(rest);
      parts.push(part);
      rest -= part.length;
    }
    return concat(...parts);
  }

  /** From one byte up to so many. */
  async some(sizeBytesMax: number): Promise<Uint8Array> {
    if (this.#piece.length === 0) {
      const sizeBytes = Math.min(PIECE_BYTES, this.#end - this.#at);
      if (sizeBytes <= 0) throw new Refusal('the ZIP ends within a file');
      this.#piece = await this.#source.read(this.#at, sizeBytes);
      if (this.#piece.length !== sizeBytes) throw new Refusal('the ZIP became shorter while it was read');
      this.#at += sizeBytes;
      await this.#progress.read(this.#at, this.#source.sizeBytes);
    }
    const part = this.#piece.subarray(0, sizeBytesMax);
    this.#piece = this.#piece.subarray(part.length);
    return part;
  }
}
