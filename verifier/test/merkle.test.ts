/** The tree, against its definition: RFC 9162 §2.1.1 to §2.1.4, by recursion. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hashBytes, hashOf, type Hash } from '../src/base/hash.ts';
import { isConsistent, leafHash, rootAbove } from '../src/log/merkle.ts';

const SIZE_MAX = 24;
const entries = Array.from({ length: SIZE_MAX }, (_, n) => hashOf(Uint8Array.of(n)));

const split = (size: number): number => 2 ** Math.floor(Math.log2(size - 1));
const node = (left: Hash, right: Hash): Hash => hashOf(Uint8Array.of(1), hashBytes(left), hashBytes(right));

function rootOf(from: Hash[]): Hash {
  const [first, ...others] = from;
  if (first === undefined) return hashOf();
  if (others.length === 0) return leafHash(first);
  const k = split(from.length);
  return node(rootOf(from.slice(0, k)), rootOf(from.slice(k)));
}

function pathOf(index: number, from: Hash[]): Hash[] {
  if (from.length <= 1) return [];
  const k = split(from.length);
  return index < k ? [...pathOf(index, from.slice(0, k)), rootOf(from.slice(k))] : [...pathOf(index - k, from.slice(k)), rootOf(from.slice(0, k))];
}

function proofOf(size: number, from: Hash[], isWhole: boolean): Hash[] {
  if (size === from.length) return isWhole ? [] : [rootOf(from)];
  const k = split(from.length);
  return size <= k ? [...proofOf(size, from.slice(0, k), isWhole), rootOf(from.slice(k))] : [...proofOf(size - k, from.slice(k), false), rootOf(from.slice(0, k))];
}

test('every entry of every small tree lies under its root, and nowhere else', () => {
  for (let size = 1; size <= SIZE_MAX; size++) {
    const root = rootOf(entries.slice(0, size));
    for (let index = 0; index < size; index++) {
      const leaf = leafHash(entries[index] ?? hashOf());
      const path = pathOf(index, entries.slice(0, size));
      const above = (i: number, s: number, p: Hash[]): Hash | undefined => rootAbove(leaf, BigInt(i), BigInt(s), p);
      assert.equal(above(index, size, path), root, `${index} of ${size}`);
      assert.notEqual(above(index, size, [...path, root]), root, 'a longer path');
      if (path.length > 0) assert.notEqual(above(index, size, path.slice(1)), root, 'a shorter path');
      for (let other = 0; other < size; other++) if (other !== index) assert.notEqual(above(other, size, path), root, `${index} as ${other} of ${size}`);
      assert.equal(above(size, size, path), undefined, 'past the end');
    }
  }
});

test('every small tree grew from every smaller one, and from no other', () => {
  const other = hashOf(Uint8Array.of(1, 2, 3));
  for (let second = 1; second <= SIZE_MAX; second++) {
    const to = { size: BigInt(second), root: rootOf(entries.slice(0, second)) };
    for (let first = 1; first <= second; first++) {
      const from = { size: BigInt(first), root: rootOf(entries.slice(0, first)) };
      const path = proofOf(first, entries.slice(0, second), true);
      assert.ok(isConsistent(from, to, path), `${first} to ${second}`);
      assert.ok(!isConsistent({ ...from, root: other }, to, path) && !isConsistent(from, { ...to, root: other }, path));
      assert.ok(!isConsistent(from, to, [...path, other]), 'a longer path');
      path.forEach((_, n) => assert.ok(!isConsistent(from, to, path.map((hash, at) => (at === n ? other : hash))), `${first} to ${second}: ${n}`));
      if (first < second) assert.ok(!isConsistent(to, from, path), 'a log that shrinks');
    }
    assert.ok(isConsistent({ size: 0n, root: hashOf() }, to, []) && !isConsistent({ size: 0n, root: other }, to, []));
  }
});
