/**
 * Revocation lists: what an issuer has said of certificates that it takes back.
 *
 * | quantity | unit  | range                          |
 * |----------|-------|--------------------------------|
 * | list     | bytes | at most {@link SIZE_BYTES_MAX} |
 * | entries  | count | at most {@link ENTRY_COUNT_MAX} |
 *
 * Sources: RFC 5280 §5; RFC 3161 §4 for what a revocation means to tokens. Where the reason is that the certificate is no
 * longer used, tokens of before stand; where none is given, or the key may be in other hands, none does. A list refuses
 * and never accepts. Not done: lists of changes, lists of other issuers' certificates, fetching any.
 */

import { isEqual, Refusal } from '../base/bytes.ts';
import { formatTime, type Time } from '../base/time.ts';
import { type Certificate } from './certificate.ts';
import { context, type Element, Reader, readSequence, TAG } from './der.ts';
import { isTimeTag, readTime } from './moment.ts';
import { checkSignature, readScheme } from './scheme.ts';
import { Unjudged } from './unjudged.ts';

export const SIZE_BYTES_MAX = 1 << 20;
export const ENTRY_COUNT_MAX = 20_000;

const REASON = '2.5.29.21';
/** Says of which part of an issuer's certificates a list speaks. */
const DISTRIBUTION_POINT = '2.5.29.28';
const ENUMERATED = 0x0a;
/** Unspecified, affiliation changed, superseded, cessation of operation. */
const SPARES_THE_PAST: unknown[] = [0n, 3n, 4n, 5n];

/** That a certificate was taken back. */
type Revocation = { serial: Uint8Array; at: Time; reason: bigint | undefined };

/** A list, of which nothing is verified. */
export class RevocationList {
  readonly bytes: Uint8Array;
  readonly #signed: Uint8Array;
  readonly #outside: Uint8Array;
  readonly #signature: Uint8Array;
  readonly #issuer: Uint8Array;
  readonly #entries: Revocation[];

  constructor(bytes: Uint8Array) {
    if (bytes.length > SIZE_BYTES_MAX) throw new Refusal(`a revocation list of ${bytes.length} bytes`);
    this.bytes = bytes;
    const list = readSequence(bytes);
    const signed = list.take(TAG.sequence);
    this.#signed = signed.raw;
    this.#outside = list.take(TAG.sequence).raw;
    this.#signature = list.take(TAG.bits).bits();
    list.finish();
    const fields = signed.reader();
    fields.optional(TAG.integer);
    if (!isEqual(fields.take(TAG.sequence).raw, this.#outside)) throw new Refusal('a revocation list that names two signature algorithms');
    this.#issuer = fields.take(TAG.sequence).raw;
    // When it was made, and when the next comes: what is on it stays on it.
    for (let n = 0; n < 2 && isTimeTag(fields.peek()); n++) readTime(fields.any());
    this.#entries = (fields.optional(TAG.sequence)?.reader().all() ?? []).map(readEntry);
    if (this.#entries.length > ENTRY_COUNT_MAX) throw new Refusal(`a revocation list of more than ${ENTRY_COUNT_MAX} certificates`);
    for (const extension of fields.optional(context(0))?.reader().sequence().all() ?? []) refuseCritical(extension.reader());
    fields.finish();
  }

  /** Refuses a certificate that its issuer took back, for what it signed at a time. */
  check(certificate: Certificate, issuer: Certificate, at: Time): void {
    if (!isEqual(this.#issuer, certificate.issuer) || !isEqual(this.#issuer, issuer.subject)) return;
    const found = this.#entries.find(({ serial }) => isEqual(serial, certificate.serial));
    if (!found || !this.#isBy(issuer)) return;
    const words = `the certificate of \`${certificate.name}\` was taken back at ${formatTime(found.at)}`;
    if (found.at <= at) throw new Refusal(words);
    if (!SPARES_THE_PAST.includes(found.reason)) throw new Unjudged(`${words}, and its key may have been in other hands before`);
  }

  #isBy(issuer: Certificate): boolean {
    try {
      checkSignature(issuer.key, readScheme(new Reader(this.#outside)), this.#signed, this.#signature);
      return issuer.mayRevoke;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }
}

function readEntry(element: Element): Revocation {
  const entry = element.reader();
  const serial = entry.take(TAG.integer).integer();
  const at = readTime(entry.any());
  let reason: bigint | undefined;
  for (const extension of entry.optional(TAG.sequence)?.reader().all() ?? []) {
    const fields = extension.reader();
    const oid = fields.take(TAG.oid).oid();
    const isCritical = fields.optional(TAG.boolean)?.isTrue() ?? false;
    const value = fields.take(TAG.octets).octets();
    if (oid === REASON) reason = new Reader(value).take(ENUMERATED).small();
    else if (isCritical) throw new Refusal(`a critical extension ${oid} that is not known here`);
  }
  entry.finish();
  return { serial, at, reason };
}

/** Refuses a list that is not what it seems: one of changes, or of other issuers' certificates. */
function refuseCritical(extension: Reader): void {
  const oid = extension.take(TAG.oid).oid();
  const isCritical = extension.optional(TAG.boolean)?.isTrue() ?? false;
  if (isCritical && oid !== DISTRIBUTION_POINT) throw new Refusal(`a critical extension ${oid} that is not known here`);
}
