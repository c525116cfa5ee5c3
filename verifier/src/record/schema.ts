/**
 * Schemas: what a record's fields must be, said once and read off as a type.
 *
 * A map has the fields that its schema names and no others, so nothing can be smuggled in. Every refusal names the
 * field by its path, as `record.exchanges[2].response.status`.
 */

import { Refusal } from '../base/bytes.ts';
import { CborMap, type Value } from '../base/cbor.ts';
import { asHash, type Hash } from '../base/hash.ts';
import { isTime, type Time } from '../base/time.ts';

/** Takes a value that stands at a path. */
export type Schema<T> = (value: Value, path: string) => T;

/** A schema of something that may be absent. */
type Optional<T> = { optional: Schema<T> };
type Fields = Record<string, Schema<unknown> | Optional<unknown>>;
type Taken<F extends Fields> = {
  [K in keyof F]: F[K] extends Schema<infer T> ? T : F[K] extends Optional<infer T> ? T | undefined : never;
};

export function refuse(path: string, expected: string): never {
  throw new Refusal(`\`${path}\` must be ${expected}`);
}

export const unsigned: Schema<bigint> = (value, path) =>
  typeof value === 'bigint' && value >= 0n ? value : refuse(path, 'an unsigned integer');

export const text: Schema<string> = (value, path) => (typeof value === 'string' ? value : refuse(path, 'text'));

export const bytes: Schema<Uint8Array> = (value, path) =>
  value instanceof Uint8Array ? value : refuse(path, 'a byte string');

export const hash: Schema<Hash> = (value, path) =>
  (value instanceof Uint8Array ? asHash(value) : undefined) ?? refuse(path, 'a SHA-256 hash');

export const time: Schema<Time> = (value, path) =>
  typeof value === 'bigint' && isTime(value) ? value : refuse(path, 'microseconds before the year 10000');

/** A text that says something. */
export const words: Schema<string> = (value, path) =>
  typeof value === 'string' && /\P{White_Space}/u.test(value) ? value : refuse(path, 'a text that says something');

export function oneOf<const T extends string>(...allowed: T[]): Schema<T> {
  return (value, path) => allowed.find((word) => word === value) ?? refuse(path, allowed.map((word) => `\`${word}\``).join(' or '));
}

export function array<T>(member: Schema<T>): Schema<T[]> {
  return (value, path) =>
    Array.isArray(value) ? value.map((one, n) => member(one, `${path}[${n}]`)) : refuse(path, 'an array');
}

export function optional<T>(schema: Schema<T>): Optional<T> {
  return { optional: schema };
}

/** A map of any text keys to values of one kind. */
export function mapOf(member: Schema<unknown>): Schema<CborMap> {
  return (value, path) => {
    if (!(value instanceof CborMap)) return refuse(path, 'a map');
    for (const [key, one] of value.fields) member(one, `${path}.${text(key, path)}`);
    return value;
  };
}

/** A map with just these fields. */
export function map<F extends Fields>(fields: F): Schema<Taken<F>> {
  return (value, path) => {
    if (!(value instanceof CborMap)) return refuse(path, 'a map with text keys');
    for (const [key] of value.fields) {
      if (!Object.hasOwn(fields, text(key, path))) throw new Refusal(`\`${path}.${String(key)}\` is not a field of this record`);
    }
    const taken = Object.entries(fields).map(([key, schema]) => {
      const found = value.at(key);
      const at = `${path}.${key}`;
      if (typeof schema === 'function') {
        if (found === undefined) throw new Refusal(`\`${at}\` is missing`);
        return [key, schema(found, at)];
      }
      return [key, found === undefined ? undefined : schema.optional(found, at)];
    });
    return Object.fromEntries(taken) as Taken<F>;
  };
}
