/**
 * The log's tree: that an entry lies under a root, and that one root grew from another.
 *
 * | quantity         | unit    | range                   |
 * |------------------|---------|-------------------------|
 * | index            | entries | from 0, below the size  |
 * | size             | entries | from 1                  |
 * | inclusion path   | hashes  | at most 64              |
 * | consistency path | hashes  | at most 65              |
 *
 * Source: RFC 9162 §2.1.1 (hashes), §2.1.3.2 (inclusion), §2.1.4.2 (consistency), step by step as they are written there.
 * Stricter: between equal sizes, and from size 0, a consistency path must be empty.
 */

import { hashBytes, hashOf, type Hash } from '../base/hash.ts';

export function leafHash(entry: Hash): Hash {
  return hashOf(Uint8Array.of(0), hashBytes(entry));
}

function nodeHash(left: Hash, right: Hash): Hash {
  return hashOf(Uint8Array.of(1), hashBytes(left), hashBytes(right));
}

/** Computes the root above a leaf, or nothing when the path does not fit index and size. */
export function rootAbove(leaf: Hash, index: bigint, size: bigint, path: Hash[]): Hash | undefined {
  if (index >= size) return undefined;
  let [fn, sn, r] = [index, size - 1n, leaf];
  for (const p of path) {
    if (sn === 0n) return undefined;
    if ((fn & 1n) === 1n || fn === sn) {
      r = nodeHash(p, r);
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n ? r : undefined;
}

/** Says whether a log of the first size and root grew into one of the second. */
export function isConsistent(first: Tree, second: Tree, path: Hash[]): boolean {
  if (first.size > second.size) return false;
  if (first.size === 0n) return path.length === 0 && first.root === hashOf();
  if (first.size === second.size) return path.length === 0 && first.root === second.root;
  const isPowerOfTwo = (first.size & (first.size - 1n)) === 0n;
  const [start, ...rest] = isPowerOfTwo ? [first.root, ...path] : path;
  if (start === undefined || path.length === 0) return false;
  let [fn, sn, fr, sr] = [first.size - 1n, second.size - 1n, start, start];
  while ((fn & 1n) === 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  for (const c of rest) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return fr === first.root && sr === second.root && sn === 0n;
}

/** A log at a moment: how many entries, under which root. */
export type Tree = { size: bigint; root: Hash };
