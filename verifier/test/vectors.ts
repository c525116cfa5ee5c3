/** Other people's test vectors, in `../shared/vectors` beside the repository or where `AFFIANT_VECTORS` says. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { fromHex } from '../src/base/bytes.ts';

const folder = process.env['AFFIANT_VECTORS'] ?? join(process.cwd(), '../../shared/vectors');

/** Says aloud that vectors are absent; where nothing may be skipped that is a failure. */
export const skip = existsSync(folder) ? false : `no vectors in ${folder}`;
if (skip && process.env['CI']) throw new Error(skip);

export function readVector(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, name)));
}

export function parseVector<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
}

export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (!bytes) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}
