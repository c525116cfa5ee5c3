/**
 * Certificates of timestamp authorities, so far as a timestamp's chain needs them.
 *
 * | quantity    | unit  | range                              |
 * |-------------|-------|------------------------------------|
 * | certificate | bytes | at most {@link SIZE_BYTES_MAX}     |
 * | extensions  | count | at most {@link EXTENSION_COUNT_MAX} |
 *
 * Source: RFC 5280 §4. Stricter: an extension that comes twice, or is critical and not known here, makes a certificate
 * that no chain goes through. Not weighed: certificate policies. What was taken back is for `revocation.ts`.
 */

import { isEqual, Refusal, toShownText } from '../base/bytes.ts';
import { hashOf, shortHash } from '../base/hash.ts';
import { formatTime, type Time } from '../base/time.ts';
import { context, type Element, primitive, Reader, readSequence, TAG } from './der.ts';
import { readTime } from './moment.ts';
import { checkSignature, readPublicKey, readScheme, type PublicKey, type Scheme } from './scheme.ts';

export const SIZE_BYTES_MAX = 1 << 15;
export const EXTENSION_COUNT_MAX = 64;

const SUBJECT_KEY_ID = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXTENDED_KEY_USAGE = '2.5.29.37';
/** Key ids, alternative names and policies: whatever they say makes no chain hold. */
const HARMLESS = ['2.5.29.35', '2.5.29.17', '2.5.29.18', '2.5.29.32'];
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const ANY_PURPOSE = '2.5.29.37.0';
const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const NAME_LENGTH_MAX = 100;
/** Of the first byte of a key usage. */
const SIGNS = 0xc0;
const SIGNS_CERTIFICATES = 0x04;
const SIGNS_LISTS = 0x02;

/** A certificate, of which nothing is verified. */
export class Certificate {
  readonly bytes: Uint8Array;
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly key: PublicKey;
  keyId: Uint8Array | undefined;
  readonly #signed: Uint8Array;
  /** Read when it is needed: a root's own signature may be of a kind that nothing stands on. */
  readonly #scheme: () => Scheme;
  readonly #signature: Uint8Array;
  readonly #notBefore: Time;
  readonly #notAfter: Time;
  #isAuthority = false;
  #pathLengthMax: bigint | undefined;
  #usage: number | undefined;
  #purposes: { isCritical: boolean; oids: string[] } | undefined;
  #unknown: string | undefined;

  constructor(bytes: Uint8Array) {
    if (bytes.length > SIZE_BYTES_MAX) throw new Refusal(`a certificate of ${bytes.length} bytes`);
    this.bytes = bytes;
    const certificate = readSequence(bytes);
    const signed = certificate.take(TAG.sequence);
    const outside = certificate.take(TAG.sequence).raw;
    this.#signed = signed.raw;
    this.#scheme = () => readScheme(new Reader(outside));
    this.#signature = certificate.take(TAG.bits).bits();
    certificate.finish();

    const fields = signed.reader();
    fields.optional(context(0)); // The version: what a certificate may hold is told by what it holds.
    this.serial = fields.take(TAG.integer).integer();
    if (!isEqual(fields.take(TAG.sequence).raw, outside)) throw new Refusal('a certificate that names two signature algorithms');
    this.issuer = fields.take(TAG.sequence).raw;
    const validity = fields.sequence();
    [this.#notBefore, this.#notAfter] = [readTime(validity.any()), readTime(validity.any())];
    this.subject = fields.take(TAG.sequence).raw;
    this.key = readPublicKey(fields);
    fields.optional(primitive(1));
    fields.optional(primitive(2));
    const extensions = fields.optional(context(3))?.reader().sequence().all() ?? [];
    fields.finish();
    this.#readExtensions(extensions);
  }

  get name(): string {
    return nameOf(this.subject);
  }

  get issuerName(): string {
    return nameOf(this.issuer);
  }

  /** The beginning of what `openssl x509 -fingerprint -sha256` prints. */
  get fingerprint(): string {
    return shortHash(hashOf(this.bytes));
  }

  get isSelfIssued(): boolean {
    return isEqual(this.issuer, this.subject);
  }

  isSame(other: Certificate): boolean {
    return isEqual(this.bytes, other.bytes);
  }

  #readExtensions(extensions: Element[]): void {
    const seen = new Set<string>();
    if (extensions.length > EXTENSION_COUNT_MAX) throw new Refusal(`more than ${EXTENSION_COUNT_MAX} extensions`);
    for (const element of extensions) {
      if (element.tag !== TAG.sequence) throw new Refusal('an extension that is none');
      const extension = element.reader();
      const oid = extension.take(TAG.oid).oid();
      const isCritical = extension.optional(TAG.boolean)?.isTrue() ?? false;
      const value = new Reader(extension.take(TAG.octets).octets());
      if (seen.has(oid)) throw new Refusal(`the extension ${oid} comes twice`);
      seen.add(oid);
      this.#readExtension(oid, isCritical, value);
    }
  }

  #readExtension(oid: string, isCritical: boolean, value: Reader): void {
    if (oid === BASIC_CONSTRAINTS) {
      const constraints = value.sequence();
      this.#isAuthority = constraints.optional(TAG.boolean)?.isTrue() ?? false;
      this.#pathLengthMax = constraints.optional(TAG.integer)?.small();
    } else if (oid === KEY_USAGE) {
      this.#usage = value.take(TAG.bits).content[1] ?? 0;
    } else if (oid === EXTENDED_KEY_USAGE) {
      const purposes = value.sequence();
      const oids: string[] = [];
      while (!purposes.isEmpty) oids.push(purposes.take(TAG.oid).oid());
      this.#purposes = { isCritical, oids };
    } else if (oid === SUBJECT_KEY_ID) {
      this.keyId = value.take(TAG.octets).content;
    } else if (isCritical && !HARMLESS.includes(oid)) {
      this.#unknown = oid;
    }
  }

  checkValidity(at: Time): void {
    if (at < this.#notBefore) this.#refuse(`began at ${formatTime(this.#notBefore)}, after ${formatTime(at)}`);
    if (at > this.#notAfter) this.#refuse(`ended at ${formatTime(this.#notAfter)}, before ${formatTime(at)}`);
  }

  /** It may sign timestamps, and nothing else (RFC 3161 §2.3). */
  checkSignsTimestamps(): void {
    this.#checkExtensions();
    const { oids = [], isCritical = false } = this.#purposes ?? {};
    if (!oids.includes(TIME_STAMPING)) this.#refuse('may not sign timestamps: it has no extended key usage for them');
    if (oids.length !== 1) this.#refuse('may not sign timestamps: its extended key usage is for other things too');
    if (!isCritical) this.#refuse('may not sign timestamps: its extended key usage is not critical');
    if (this.#usage !== undefined && (this.#usage & SIGNS) === 0) this.#refuse('may not sign: its key usage has no signatures');
  }

  /** It may issue certificates of authorities, with so many others between it and the last. */
  checkIssues(below: number): void {
    this.#checkExtensions();
    if (!this.#isAuthority) this.#refuse('may not issue certificates: its basic constraints do not make it an authority');
    if (this.#usage !== undefined && (this.#usage & SIGNS_CERTIFICATES) === 0) this.#refuse('may not issue certificates: its key usage');
    if (this.#pathLengthMax !== undefined && below > this.#pathLengthMax) this.#refuse('allows no path of this length');
    const purposes = this.#purposes?.oids;
    const isFitting = !purposes || purposes.includes(TIME_STAMPING) || purposes.includes(ANY_PURPOSE);
    if (!isFitting) this.#refuse('may not issue this: its extended key usage is for something else');
  }

  /** Whether it may sign revocation lists. */
  get mayRevoke(): boolean {
    return this.#usage === undefined || (this.#usage & SIGNS_LISTS) !== 0;
  }

  checkSignedBy(issuer: Certificate): void {
    checkSignature(issuer.key, this.#scheme(), this.#signed, this.#signature);
  }

  #checkExtensions(): void {
    if (this.#unknown !== undefined) this.#refuse(`has a critical extension ${this.#unknown} that is not known here`);
  }

  #refuse(what: string): never {
    throw new Refusal(`the certificate of \`${this.name}\` ${what}`);
  }
}

/** The common name in a Name, or else the organisation, for people. */
export function nameOf(name: Uint8Array): string {
  const found: { [oid: string]: string } = {};
  try {
    for (const set of new Reader(name).sequence().all()) {
      for (const attribute of set.reader().all()) {
        const fields = attribute.reader();
        found[fields.take(TAG.oid).oid()] = toShownText(fields.any().content);
      }
    }
  } catch {
    // What could be read until here is shown; whether a name is another is told by its bytes.
  }
  const text = (found[COMMON_NAME] ?? found[ORGANIZATION] ?? '').replace(/[\p{Cc}\ufffd]/gu, '').slice(0, NAME_LENGTH_MAX);
  return text === '' ? 'a certificate without a name' : text;
}

