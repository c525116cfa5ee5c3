/**
 * Timestamps: an authority's signed word that a hash existed at a time.
 *
 * | quantity     | unit         | range                              |
 * |--------------|--------------|------------------------------------|
 * | reply        | bytes        | at most {@link REPLY_BYTES_MAX}    |
 * | token        | bytes        | at most {@link TOKEN_BYTES_MAX}    |
 * | certificates | count        | at most {@link CERTIFICATE_COUNT_MAX} |
 * | attributes   | count        | at most {@link ATTRIBUTE_COUNT_MAX} |
 * | accuracy     | microseconds | from 0                             |
 *
 * Sources: RFC 3161 §2.4.2, RFC 5816, RFC 5652 §5 (CMS), RFC 5035 (ESSCertID). A reply is a status and a token; a token is a CMS
 * `SignedData` over a `TSTInfo`. What contradicts is refused; what a reader cannot judge is {@link Unjudged}.
 */

import { sha1 } from '@noble/hashes/legacy.js';

import { compare, concat, isEqual, Refusal, toHex } from '../base/bytes.ts';
import { moved, type Time } from '../base/time.ts';
import { LIST_COUNT_MAX, type Authorities } from './authorities.ts';
import { Certificate, nameOf } from './certificate.ts';
import { context, Element, primitive, Reader, readSequence, TAG, writeElement } from './der.ts';
import { digest, DIGEST_SIZE_BYTES, readDigest, type Digest } from './digest.ts';
import { readTime } from './moment.ts';
import { RevocationList } from './revocation.ts';
import { checkSignature, readScheme, type Scheme } from './scheme.ts';
import { Unjudged } from './unjudged.ts';

export const TOKEN_BYTES_MAX = 1 << 16;
export const REPLY_BYTES_MAX = TOKEN_BYTES_MAX + 4096;
export const CERTIFICATE_COUNT_MAX = 32;
export const ATTRIBUTE_COUNT_MAX = 32;

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12';
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';
const DIRECTORY_NAME = 0xa4;
const GRANTED_MAX = 1n;

/** A token that holds: between which moments it was made, and the chain that vouches for it. */
export type Dated = { earliest: Time; latest: Time; chain: Certificate[] };

/** Checks a reply over some bytes for a reader who trusts some authorities. */
export function verifyReply(reply: Uint8Array, dated: Uint8Array, authorities: Authorities): Dated {
  if (reply.length > REPLY_BYTES_MAX) throw new Refusal(`a reply of ${reply.length} bytes`);
  const parts = readSequence(reply);
  if (parts.peek() !== TAG.sequence) throw new Refusal('no timestamp reply: its status is missing');
  const status = parts.sequence();
  const number = status.take(TAG.integer).small();
  if (number > GRANTED_MAX) throw new Refusal(`the authority did not grant it: status ${number}`);
  if (parts.isEmpty) throw new Refusal('a reply that grants the request and holds no token');
  const token = new Token(parts.any().raw);
  parts.finish();
  token.checkImprint(dated);
  return token.verify(authorities);
}

/** What the authority signs. */
type Stamp = { digest: Digest; imprint: Uint8Array; time: Time; accuracy: bigint; authority: Uint8Array | undefined };

class Token {
  readonly #content: Uint8Array;
  readonly #stamp: Stamp;
  readonly #certificates: Certificate[];
  readonly #lists: RevocationList[];
  readonly #isSigner: (certificate: Certificate) => boolean;
  readonly #digest: () => Digest;
  readonly #scheme: () => Scheme;
  readonly #attributes: Uint8Array;
  readonly #signature: Uint8Array;

  constructor(bytes: Uint8Array) {
    if (bytes.length > TOKEN_BYTES_MAX) throw new Refusal(`a token of ${bytes.length} bytes`);
    const info = readSequence(bytes);
    expectType(info.take(TAG.oid), SIGNED_DATA);
    const signed = info.take(context(0)).reader().sequence();
    signed.take(TAG.integer);
    signed.take(TAG.set);
    const encapsulated = signed.sequence();
    expectType(encapsulated.take(TAG.oid), TST_INFO);
    this.#content = encapsulated.take(context(0)).reader().take(TAG.octets).octets();
    this.#stamp = readStamp(this.#content);
    this.#certificates = readCertificates(signed.optional(context(0)));
    this.#lists = readLists(signed.optional(context(1)));
    const signers = signed.take(TAG.set).reader();
    const signer = signers.sequence();
    if (!signers.isEmpty) throw new Refusal('a token with more than one signer');
    signer.take(TAG.integer);
    this.#isSigner = readSignerName(signer);
    const [digestId, attributes] = [signer.take(TAG.sequence), signer.optional(context(0))];
    if (!attributes) throw new Refusal('a token that signs no attributes');
    const schemeId = signer.take(TAG.sequence);
    this.#digest = () => readDigest(new Reader(digestId.raw));
    this.#scheme = () => readScheme(new Reader(schemeId.raw), this.#digest());
    this.#attributes = attributes.content;
    this.#signature = signer.take(TAG.octets).octets();
  }

  checkImprint(dated: Uint8Array): void {
    const { digest: algorithm, imprint } = this.#stamp;
    const expected = digest(algorithm, dated);
    if (!isEqual(expected, imprint)) {
      throw new Refusal(`the token is over ${toHex(imprint)}, and what it is said to date hashes to ${toHex(expected)}`);
    }
  }

  verify(authorities: Authorities): Dated {
    const signer = this.#signer([...authorities.side, ...authorities.roots]);
    const { time, accuracy } = this.#stamp;
    const chain = authorities.chain(signer, { certificates: this.#certificates, lists: this.#lists }, time);
    return { earliest: moved(time, -accuracy), latest: moved(time, accuracy), chain };
  }

  /** The certificate that made the token: the one that it names, whose hash it signs, and whose signature it bears. */
  #signer(atHand: Certificate[]): Certificate {
    const attributes = readAttributes(this.#attributes);
    const named = [...this.#certificates, ...atHand].filter(this.#isSigner);
    const certificate = named.find((candidate) => namesCertificate(attributes, candidate));
    if (named.length === 0) throw new Unjudged("the signer's certificate is neither in the token nor at hand");
    if (!certificate) throw new Refusal('the certificate at hand is not the one whose hash the token signs');
    const [type, hash] = [attributes[CONTENT_TYPE], attributes[MESSAGE_DIGEST]];
    if (!type || !hash) throw new Refusal('a token that does not sign its content');
    expectType(type, TST_INFO);
    if (!isEqual(digest(this.#digest(), this.#content), hash.octets())) throw new Refusal("the token's signature is over other content");
    this.#checkSignature(certificate);
    certificate.checkSignsTimestamps();
    this.#checkName(certificate);
    return certificate;
  }

  /** The signature is over the attributes as a SET OF, as they were sent or in DER's order. */
  #checkSignature(certificate: Certificate): void {
    const sorted = concat(...new Reader(this.#attributes).all().map(({ raw }) => raw).sort(compare));
    const check = (attributes: Uint8Array): void =>
      checkSignature(certificate.key, this.#scheme(), writeElement(TAG.set, attributes), this.#signature);
    try {
      check(this.#attributes);
    } catch (error) {
      if (isEqual(sorted, this.#attributes)) throw error;
      check(sorted);
    }
  }

  #checkName(certificate: Certificate): void {
    if (!this.#stamp.authority) return;
    const name = new Reader(this.#stamp.authority).any();
    // The same words in another string type are the same name.
    const isSame = isEqual(name.content, certificate.subject) || nameOf(name.content) === certificate.name;
    if (name.tag === DIRECTORY_NAME && !isSame) {
      throw new Refusal(`the token says that \`${nameOf(name.content)}\` made it, and its certificate is that of \`${certificate.name}\``);
    }
  }
}

function expectType(element: Element, expected: string): void {
  if (element.tag !== TAG.oid || element.oid() !== expected) throw new Refusal('not a timestamp token, but content of another type');
}

function readStamp(bytes: Uint8Array): Stamp {
  const fields = readSequence(bytes);
  const version = fields.take(TAG.integer).small();
  if (version !== 1n) throw new Unjudged(`a token of version ${version}`);
  fields.take(TAG.oid); // The policy: the reader trusts a root, not a policy.
  const message = fields.sequence();
  const algorithm = readDigest(message);
  const imprint = message.take(TAG.octets).octets();
  if (imprint.length !== DIGEST_SIZE_BYTES[algorithm]) throw new Refusal('an imprint of another length than its hash');
  fields.take(TAG.integer).integer();
  const time = readTime(fields.take(TAG.generalizedTime));
  const accuracy = readAccuracy(fields.optional(TAG.sequence));
  fields.optional(TAG.boolean)?.isTrue();
  fields.optional(TAG.integer)?.integer();
  const authority = fields.optional(context(0))?.content;
  for (const extension of fields.optional(context(1))?.reader().all() ?? []) refuseCritical(extension.reader());
  fields.finish();
  return { digest: algorithm, imprint, time, accuracy, authority };
}

function readAccuracy(element: Element | undefined): bigint {
  if (!element) return 0n;
  const parts = element.reader();
  const seconds = parts.optional(TAG.integer)?.small() ?? 0n;
  const milliseconds = parts.optional(primitive(0))?.small() ?? 0n;
  const microseconds = parts.optional(primitive(1))?.small() ?? 0n;
  parts.finish();
  return seconds * 1_000_000n + milliseconds * 1000n + microseconds;
}

function refuseCritical(extension: Reader): void {
  const oid = extension.take(TAG.oid).oid();
  if (extension.optional(TAG.boolean)?.isTrue()) throw new Unjudged(`a critical extension ${oid} that is not known here`);
}

function readCertificates(element: Element | undefined): Certificate[] {
  const elements = element?.reader().all() ?? [];
  if (elements.length > CERTIFICATE_COUNT_MAX) throw new Refusal(`more than ${CERTIFICATE_COUNT_MAX} certificates`);
  return elements.flatMap(({ raw }) => {
    try {
      return [new Certificate(raw)];
    } catch {
      return []; // Attribute certificates, and what cannot be read, are of no use and do no harm.
    }
  });
}

/** The revocation lists that a token brings; what is none, or too many, is of no use and does no harm. */
function readLists(element: Element | undefined): RevocationList[] {
  return (element?.reader().all() ?? []).slice(0, LIST_COUNT_MAX).flatMap(({ raw }) => {
    try {
      return [new RevocationList(raw)];
    } catch {
      return [];
    }
  });
}

function readSignerName(signer: Reader): (certificate: Certificate) => boolean {
  const keyId = signer.optional(primitive(0))?.content;
  if (keyId) return (certificate) => certificate.keyId !== undefined && isEqual(certificate.keyId, keyId);
  const name = signer.sequence();
  const [issuer, serial] = [name.take(TAG.sequence).raw, name.take(TAG.integer).integer()];
  return (certificate) => isEqual(certificate.issuer, issuer) && isEqual(certificate.serial, serial);
}

/** The signed attributes that are known here, by object identifier, each once. */
type Attributes = { [oid: string]: Element };

function readAttributes(bytes: Uint8Array): Attributes {
  const found: Attributes = {};
  const elements = new Reader(bytes).all();
  if (elements.length > ATTRIBUTE_COUNT_MAX) throw new Refusal(`more than ${ATTRIBUTE_COUNT_MAX} signed attributes`);
  for (const element of elements) {
    const attribute = element.reader();
    const oid = attribute.take(TAG.oid).oid();
    const [value, ...others] = attribute.take(TAG.set).reader().all();
    if (![CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2].includes(oid)) continue;
    if (!value || others.length > 0 || found[oid]) throw new Refusal(`the token signs ${oid} twice, or not at all`);
    found[oid] = value;
  }
  if (!found[SIGNING_CERTIFICATE] && !found[SIGNING_CERTIFICATE_V2]) throw new Refusal('a token that does not sign whose certificate made it');
  return found;
}

/** ESSCertID names the certificate by SHA-1, ESSCertIDv2 by any hash; where both stand, both must fit. */
function namesCertificate(attributes: Attributes, certificate: Certificate): boolean {
  const [old, current] = [attributes[SIGNING_CERTIFICATE], attributes[SIGNING_CERTIFICATE_V2]];
  if (old) {
    // SHA-1 names the certificate here, as RFC 3161 has it; what vouches for the token is its signature.
    const named = firstNamed(old);
    if (!isEqual(named.take(TAG.octets).octets(), sha1(certificate.bytes)) || !isOfIssuer(named, certificate)) return false;
  }
  if (current) {
    const named = firstNamed(current);
    const algorithm = named.peek() === TAG.sequence ? readDigest(named) : 'SHA-256';
    const hash = digest(algorithm, certificate.bytes);
    if (!isEqual(named.take(TAG.octets).octets(), hash) || !isOfIssuer(named, certificate)) return false;
  }
  return true;
}

function firstNamed(value: Element): Reader {
  if (value.tag !== TAG.sequence) throw new Refusal('a signing certificate that is none');
  return value.reader().sequence().sequence();
}

function isOfIssuer(named: Reader, certificate: Certificate): boolean {
  const issuerSerial = named.optional(TAG.sequence)?.reader();
  if (!issuerSerial) return true;
  const issuer = issuerSerial.sequence().optional(DIRECTORY_NAME);
  const serial = issuerSerial.take(TAG.integer).integer();
  return issuer !== undefined && isEqual(issuer.content, certificate.issuer) && isEqual(serial, certificate.serial);
}
