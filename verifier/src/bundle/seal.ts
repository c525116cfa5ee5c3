/**
 * Seals: detached signatures as OpenSSH makes them.
 *
 * | quantity   | unit  | range                                   |
 * |------------|-------|-----------------------------------------|
 * | armored    | bytes | at most {@link ARMORED_BYTES_MAX}       |
 *
 * Sources: OpenSSH `PROTOCOL.sshsig`, RFC 8709, RFC 8032. What such a seal must be is known but for the signature: it is
 * built from the key and the namespace and compared, so that there is one spelling. Ed25519 alone; the message is hashed
 * with SHA-512, as `ssh-keygen` does, or with SHA-256.
 */

import { sha256, sha512 } from '@noble/hashes/sha2.js';

import { bigEndian, concat, fromBase64, fromText, isEqual, Refusal, toBase64 } from '../base/bytes.ts';
import { SIGNATURE_SIZE_BYTES, sshString, sshWire, verifyEd25519 } from '../log/ed25519.ts';

export const ARMORED_BYTES_MAX = 4096;
/** Where `ssh-keygen` breaks lines. */
const COLUMNS = 70;
const MAGIC = fromText('SSHSIG');

/** Refuses what is not a seal over a message, by this key and for this purpose. */
export function checkSeal(armored: Uint8Array, key: Uint8Array, namespace: string, message: Uint8Array): void {
  if (armored.length > ARMORED_BYTES_MAX) throw new Refusal(`a seal of ${armored.length} bytes`);
  const isBy = ([name, hash]: [string, (bytes: Uint8Array) => Uint8Array]): boolean => {
    const fields = [fromText(namespace), new Uint8Array(), fromText(name)].map(sshString);
    const signature = signatureIn(armored);
    const blob = concat(MAGIC, bigEndian(1n, 4), sshString(sshWire(key)), ...fields, sshString(sshSignature(signature)));
    if (!isEqual(armored, armor(blob))) return false;
    return verifyEd25519(key, concat(MAGIC, ...fields, sshString(hash(message))), signature);
  };
  const hashes: [string, (bytes: Uint8Array) => Uint8Array][] = [['sha512', sha512], ['sha256', sha256]];
  if (!hashes.some(isBy)) throw new Refusal('by another key, for another purpose, or over other bytes');
}

/** The last bytes of a seal. */
function signatureIn(armored: Uint8Array): Uint8Array {
  const base64 = String.fromCharCode(...armored).replace(/-----[A-Z ]+-----|\n/g, '');
  return (fromBase64(base64) ?? new Uint8Array()).slice(-SIGNATURE_SIZE_BYTES);
}

function sshSignature(signature: Uint8Array): Uint8Array {
  return concat(sshString(fromText('ssh-ed25519')), sshString(signature));
}

function armor(blob: Uint8Array): Uint8Array {
  const lines = toBase64(blob).match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
  return fromText(['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n'));
}

/** The line of `allowed_signers` that lets a name seal for a purpose. */
export function allowedSigner(principal: string, namespace: string, key: Uint8Array): string {
  return `${principal} namespaces="${namespace}" ssh-ed25519 ${toBase64(sshWire(key))}\n`;
}
