/**
 * Checkpoints: a log's signed word on how long it is and what it holds; and cosignatures, others' word on the same.
 *
 * | line  | what                                     | range            |
 * |-------|------------------------------------------|------------------|
 * | 1     | origin, the log's name                   | 1 … 255 bytes    |
 * | 2     | tree size, without leading zeros         | 0 … 2⁶⁴ − 1      |
 * | 3     | root hash, base64                        | 32 bytes         |
 * | 4 …   | extension lines, not empty               |                  |
 *
 * A line of type 0x04 signs `cosignature/v1`, the time and the text; one of type 0x06 signs `subtree/v1`, the
 * cosigner's name, the time, the origin, 0, the size and the root. The signature begins with the time, eight bytes;
 * 0 says nothing of it.
 *
 * Sources: C2SP tlog-checkpoint, C2SP tlog-cosignature.
 */

import { bigEndian, concat, fromBase64, fromText, Refusal, toInteger } from '../base/bytes.ts';
import { asHash, hashBytes, hashOf, type Hash } from '../base/hash.ts';
import { isTime, SECOND, type Time } from '../base/time.ts';
import { COSIGNATURE, NOTE, type VerifierKey } from './key.ts';
import { byKnownKeys, parseNote, type Note } from './note.ts';

export const ORIGIN_SIZE_BYTES_MAX = 255;
const SIZE_MAX = (1n << 64n) - 1n;

/** A checkpoint, of which nothing is verified. */
export type Checkpoint = { origin: string; size: bigint; root: Hash; note: Note };

/** Who signed, and when that key says so. */
export type Signer = { key: VerifierKey; time: Time | undefined };

export function parseCheckpoint(bytes: Uint8Array): Checkpoint {
  const note = parseNote(bytes);
  const [origin = '', sizeText = '', rootText = '', ...extension] = note.text.slice(0, -1).split('\n');
  const originBytes = fromText(origin).length;
  if (originBytes < 1 || originBytes > ORIGIN_SIZE_BYTES_MAX || /\p{Cc}/u.test(origin)) {
    throw new Refusal('line 1 is not an origin of 1 to 255 bytes');
  }
  const size = parseSize(sizeText);
  if (size === undefined) throw new Refusal(`line 2: \`${sizeText.slice(0, 64)}\` is not a tree size`);
  const root = asHash(fromBase64(rootText));
  if (root === undefined) throw new Refusal('line 3 is not the base64 of a 32-byte root hash');
  if (size === 0n && root !== hashOf()) throw new Refusal('an empty log has the root SHA-256 of nothing');
  if (extension.includes('')) throw new Refusal('an empty line in the text');
  return { origin, size, root, note };
}

/** Reads a number without sign and leading zeros. */
export function parseSize(text: string): bigint | undefined {
  if (!/^(0|[1-9]\d{0,19})$/.test(text)) return undefined;
  const size = BigInt(text);
  return size <= SIZE_MAX ? size : undefined;
}

/** Checks every line by a known key, and returns whose they are. A bad one rejects the checkpoint. */
export function verifyCheckpoint(checkpoint: Checkpoint, keys: VerifierKey[]): Signer[] {
  const signers: Signer[] = [];
  for (const [key, signature] of byKnownKeys(checkpoint.note, keys)) {
    const time = verifyLine(checkpoint, key, signature.bytes);
    const known = signers.find((signer) => signer.key === key);
    if (!known) signers.push({ key, time });
    else if (time !== undefined && (known.time === undefined || time < known.time)) known.time = time;
  }
  return signers;
}

/** Checks one line by a key, and returns when that key says that it signed. */
export function verifyLine(checkpoint: Checkpoint, key: VerifierKey, bytes: Uint8Array): Time | undefined {
  const bad = new Refusal(`the signature by \`${key.name}\` (id ${key.id}, type 0x0${key.type}) is bad`);
  if (key.type === NOTE) {
    if (!key.verify(fromText(checkpoint.note.text), bytes)) throw bad;
    return undefined;
  }
  const seconds = toInteger(bytes.subarray(0, 8));
  const time = seconds * SECOND;
  if (bytes.length < 8 || !isTime(time) || !key.verify(cosigned(checkpoint, key, seconds), bytes.subarray(8))) throw bad;
  return seconds === 0n ? undefined : time;
}

function cosigned(checkpoint: Checkpoint, key: VerifierKey, seconds: bigint): Uint8Array {
  if (key.type === COSIGNATURE) return fromText(`cosignature/v1\ntime ${seconds}\n${checkpoint.note.text}`);
  return concat(
    fromText('subtree/v1\n\0'),
    prefixed(key.name),
    bigEndian(seconds, 8),
    prefixed(checkpoint.origin),
    bigEndian(0n, 8),
    bigEndian(checkpoint.size, 8),
    hashBytes(checkpoint.root),
  );
}

function prefixed(text: string): Uint8Array {
  const bytes = fromText(text);
  return concat(Uint8Array.of(bytes.length), bytes);
}
