/**
 * Signatures in certificates and tokens: which scheme an identifier means, and whether a key made one.
 *
 * | scheme | accepted                                                                             |
 * |--------|--------------------------------------------------------------------------------------|
 * | RSA    | PKCS #1 v1.5, or PSS with one hash throughout and a salt as long                     |
 * | ECDSA  | P-256 and P-384, with any of the hashes                                              |
 *
 * Sources: RFC 4055, RFC 5480, RFC 5754. The defaults of PSS are SHA-1, so its parameters must all be there.
 */

import { Refusal } from '../base/bytes.ts';
import { context, type Reader, TAG } from './der.ts';
import { digest, DIGEST_SIZE_BYTES, readDigest, refuseAlgorithm, type Digest } from './digest.ts';
import { P256, P384, verifyEcdsa, type Curve } from './ecdsa.ts';
import { verifyRsa } from './rsa.ts';
import { Unjudged } from './unjudged.ts';

const RSA = '1.2.840.113549.1.1.1';
const RSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';
const EC = '1.2.840.10045.2.1';
const RSA_WITH: { [oid: string]: Digest } = {
  '1.2.840.113549.1.1.11': 'SHA-256', '1.2.840.113549.1.1.12': 'SHA-384', '1.2.840.113549.1.1.13': 'SHA-512',
};
const ECDSA_WITH: { [oid: string]: Digest } = {
  '1.2.840.10045.4.3.2': 'SHA-256', '1.2.840.10045.4.3.3': 'SHA-384', '1.2.840.10045.4.3.4': 'SHA-512',
};
const CURVES: { [oid: string]: Curve } = { '1.2.840.10045.3.1.7': P256, '1.3.132.0.34': P384 };

/** How a signature is made. */
export type Scheme = { kind: 'PKCS1' | 'PSS' | 'ECDSA'; digest: Digest };

/** Reads a scheme. Some authorities name the key's kind alone; the hash is then the one that is named beside it. */
export function readScheme(reader: Reader, beside?: Digest): Scheme {
  const identifier = reader.sequence();
  const oid = identifier.take(TAG.oid).oid();
  if (oid === RSA_PSS) return readPss(identifier);
  if (beside && oid === RSA) return { kind: 'PKCS1', digest: beside };
  if (beside && oid === EC) return { kind: 'ECDSA', digest: beside };
  const [rsa, ecdsa] = [RSA_WITH[oid], ECDSA_WITH[oid]];
  if (rsa) return { kind: 'PKCS1', digest: rsa };
  return ecdsa ? { kind: 'ECDSA', digest: ecdsa } : refuseAlgorithm(oid);
}

function readPss(identifier: Reader): Scheme {
  const parameters = identifier.sequence();
  const [hash, mask] = [parameters.optional(context(0)), parameters.optional(context(1))];
  if (!hash || !mask) throw new Unjudged('RSA-PSS with SHA-1 is broken');
  const algorithm = readDigest(hash.reader());
  const generator = mask.reader().sequence();
  const isMgf1 = generator.take(TAG.oid).oid() === MGF1;
  const salt = parameters.optional(context(2))?.reader().take(TAG.integer).small();
  if (!isMgf1 || readDigest(generator) !== algorithm || salt !== BigInt(DIGEST_SIZE_BYTES[algorithm])) {
    throw new Unjudged('RSA-PSS with two hashes, or with a salt of another length than the hash');
  }
  return { kind: 'PSS', digest: algorithm };
}

/** A certificate's key. */
export type PublicKey = { kind: 'RSA'; bytes: Uint8Array } | { kind: 'EC'; curve: Curve; bytes: Uint8Array } | { kind: 'other'; oid: string };

export function readPublicKey(reader: Reader): PublicKey {
  const key = reader.sequence();
  const algorithm = key.sequence();
  const oid = algorithm.take(TAG.oid).oid();
  const bytes = key.take(TAG.bits).bits();
  if (oid === RSA || oid === RSA_PSS) return { kind: 'RSA', bytes };
  const named = algorithm.optional(TAG.oid)?.oid();
  const curve = oid === EC && named !== undefined ? CURVES[named] : undefined;
  return curve ? { kind: 'EC', curve, bytes } : { kind: 'other', oid: named ?? oid };
}

/** Refuses a signature that a key did not make. */
export function checkSignature(key: PublicKey, scheme: Scheme, message: Uint8Array, signature: Uint8Array): void {
  if (key.kind === 'other') throw new Unjudged(`the key's algorithm or curve ${key.oid} is not one that is verified here`);
  if ((key.kind === 'EC') !== (scheme.kind === 'ECDSA')) throw new Refusal('the signature is of another kind than the key');
  const isGood = key.kind === 'EC'
    ? verifyEcdsa(key.curve, key.bytes, digest(scheme.digest, message), signature)
    : verifyRsa(scheme.kind === 'PSS' ? 'PSS' : 'PKCS1', key.bytes, scheme.digest, message, signature);
  if (!isGood) throw new Refusal('the signature is bad');
}
