/**
 * The reading of a record: `record.json`, byte for byte as bundles have it.
 *
 * The same names in the same order; bytes in hexadecimal, the moments `made`, `started` and `finished` in RFC 3339.
 * JSON as most programs indent it, by two spaces, with a newline at the end.
 */

import { fromText, toHex } from '../base/bytes.ts';
import { CborMap, CborTag, decode, type Value } from '../base/cbor.ts';
import { formatTime, isTime } from '../base/time.ts';

const MOMENTS: Value[] = ['made', 'started', 'finished'];

export function readOut(record: Uint8Array): Uint8Array {
  return fromText(`${write(decode(record), '')}\n`);
}

function write(value: Value, indent: string): string {
  if (value instanceof CborTag) return write(value.value, indent);
  if (value instanceof Uint8Array) return quote(toHex(value));
  if (Array.isArray(value)) return block('[', value.map((member) => write(member, `${indent}  `)), ']', indent);
  if (value instanceof CborMap) {
    const fields = value.fields.map(([key, field]) => `${quote(String(key))}: ${writeField(key, field, `${indent}  `)}`);
    return block('{', fields, '}', indent);
  }
  return typeof value === 'string' ? quote(value) : String(value);
}

function writeField(key: Value, value: Value, indent: string): string {
  const isMoment = MOMENTS.includes(key) && typeof value === 'bigint' && isTime(value);
  return isMoment ? quote(formatTime(value)) : write(value, indent);
}

/** Quotes as JSON must (RFC 8259 §7), which leaves U+2028 and all else above U+001F but `"` and `\` as it is. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function block(open: string, members: string[], close: string, indent: string): string {
  if (members.length === 0) return open + close;
  return `${open}\n${members.map((member) => `${indent}  ${member}`).join(',\n')}\n${indent}${close}`;
}
