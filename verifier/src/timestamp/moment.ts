/** Moments as ASN.1 writes them: UTCTime and GeneralizedTime, in UTC (RFC 5280 §4.1.2.5). */

import { Refusal, toShownText } from '../base/bytes.ts';
import { parseAsn1Time, type Time } from '../base/time.ts';
import { type Element, TAG } from './der.ts';

export function isTimeTag(tag: number | undefined): boolean {
  return tag === TAG.utcTime || tag === TAG.generalizedTime;
}

export function readTime({ tag, content }: Element): Time {
  const time = isTimeTag(tag) ? parseAsn1Time(toShownText(content), tag === TAG.utcTime ? 'utc' : 'generalized') : undefined;
  if (time === undefined) throw new Refusal('a time that is not UTC to the second');
  return time;
}
