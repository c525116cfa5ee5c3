/**
 * A folder of files, each hashed once.
 *
 * | quantity | unit  | range                                          |
 * |----------|-------|------------------------------------------------|
 * | kept     | bytes | files that are read again, at most {@link KEPT_BYTES_MAX} each |
 *
 * Content is hashed and let go, so that memory does not grow with it.
 */

import { hashOf, type Hash } from '../base/hash.ts';

/** The longest file that is kept: a manifest of as many names as a ZIP can hold. */
export const KEPT_BYTES_MAX = 32 << 20;

/** A file that was read through. */
export type HashedFile = {
  sha256: Hash;
  sizeBytes: number;
  /** Its bytes, when they are kept. */
  bytes: Uint8Array | undefined;
  /** What a checksum beside it said against it. */
  damage: string | undefined;
  /** Where in a ZIP its bytes begin. */
  offset?: number;
  /** Reads it again. */
  read(): Promise<Uint8Array>;
};

/** Files by name, in order of name. */
export type Folder = Map<string, HashedFile>;

/** Says whether a file is one that the verifier reads, and does not only hash. */
export function isKept(name: string, sizeBytes: number): boolean {
  const isRead = !name.startsWith('data/') || /^data\/(entries|log|keys|anchors|withheld)\//.test(name);
  return isRead && sizeBytes <= KEPT_BYTES_MAX;
}

/** A folder in memory. */
export function inMemory(files: Map<string, Uint8Array>): Folder {
  const names = [...files.keys()].sort();
  return new Map(names.map((name) => [name, hashed(name, files.get(name) ?? new Uint8Array())]));
}

function hashed(name: string, bytes: Uint8Array): HashedFile {
  const kept = isKept(name, bytes.length) ? bytes : undefined;
  return { sha256: hashOf(bytes), sizeBytes: bytes.length, bytes: kept, damage: undefined, read: async () => bytes };
}

