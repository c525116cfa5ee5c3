/**
 * Trust: whose word a reader takes, as they write it.
 *
 * | what a person has                     | how it is told                              |
 * |---------------------------------------|---------------------------------------------|
 * | a policy                              | it has a `quorum` line                      |
 * | a fingerprint                         | `SHA256:` and 43 characters of base64       |
 * | a vkey                                | name, id and key with `+` between           |
 * | a public key                          | OpenSSH, PEM, or 64 hexadecimal digits      |
 * | a timestamp authority's root          | PEM or DER, from a file                     |
 */

import { Refusal } from '../base/bytes.ts';
import { keyFromText, sshFingerprint } from '../log/ed25519.ts';
import { VerifierKey } from '../log/key.ts';
import { parsePolicy, trusting, type Policy } from '../log/policy.ts';
import { Authorities } from '../timestamp/authorities.ts';

/** Whose word is enough. */
export type Trust = { policy: Policy | undefined; fingerprints: string[]; authorities: Authorities };

export function trustNobody(): Trust {
  return { policy: undefined, fingerprints: [], authorities: new Authorities() };
}

/** Reads what a person wrote or pasted. */
export function parseTrust(text: string, authorities = new Authorities()): Trust {
  const trust: Trust = { ...trustNobody(), authorities };
  const trimmed = text.trim();
  if (/^[ \t]*quorum\s/m.test(trimmed)) return { ...trust, policy: parsePolicy(`${trimmed.replace(/\r/g, '')}\n`) };
  const words = trimmed.startsWith('-----BEGIN PUBLIC KEY') ? [trimmed] : trimmed.split('\n');
  const vkeys: VerifierKey[] = [];
  for (const word of words.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))) {
    const key = keyFromText(word);
    if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(word)) trust.fingerprints.push(word);
    else if (key) trust.fingerprints.push(sshFingerprint(key));
    else if (word.includes('+')) vkeys.push(VerifierKey.parse(word));
    else throw new Refusal(`\`${word.slice(0, 64)}\` is not a fingerprint, a key or a policy`);
  }
  return vkeys.length === 0 ? trust : { ...trust, policy: trusting(vkeys) };
}
