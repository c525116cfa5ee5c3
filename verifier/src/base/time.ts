/**
 * Moments: microseconds since 1970-01-01T00:00:00Z, up to the end of the year 9999.
 *
 * Source: RFC 3339 §5.6 for people, always with `Z`, and with microseconds only where they are not zero. ASN.1's two
 * forms (RFC 5280 §4.1.2.5, RFC 3161 §2.4.2) are read in UTC to the second, the later one with a fraction.
 */

/** A moment. */
export type Time = bigint;

export const SECOND: Time = 1_000_000n;
const MICROSECONDS_MAX: Time = 253_402_300_799_999_999n;

export function isTime(microseconds: bigint): boolean {
  return microseconds >= 0n && microseconds <= MICROSECONDS_MAX;
}

/** Leaves the fraction of a second away. */
export function toSecond(time: Time): Time {
  return time - (time % SECOND);
}

/** Moves a moment, unless it would leave the range. */
export function moved(time: Time, microseconds: bigint): Time {
  const sum = time + microseconds;
  return isTime(sum) ? sum : sum < 0n ? 0n : time;
}

export function formatTime(time: Time): string {
  const whole = new Date(Number(time / 1000n)).toISOString().slice(0, 19);
  const fraction = time % SECOND;
  return `${whole}${fraction === 0n ? '' : `.${fraction.toString().padStart(6, '0')}`}Z`;
}

const SECONDS = String.raw`(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?Z$`;
const UTC_TIME = new RegExp(`^(\\d\\d)${SECONDS}`);
const GENERALIZED_TIME = new RegExp(`^(\\d{4})${SECONDS}`);

/** Reads ASN.1's UTCTime or GeneralizedTime; `undefined` when it is neither. */
export function parseAsn1Time(text: string, form: 'utc' | 'generalized'): Time | undefined {
  const parts = (form === 'utc' ? UTC_TIME : GENERALIZED_TIME).exec(text);
  const fraction = parts?.[7];
  if (!parts || (form === 'utc' && fraction !== undefined)) return undefined;
  const [written = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const year = form === 'generalized' ? written : written < 50 ? 2000 + written : 1900 + written;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // A day or an hour that does not exist has become another one.
  const spelt = [date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  if ([month, day, hour, minute, second].some((part, n) => part !== spelt[n])) return undefined;
  const time = BigInt(date.getTime()) * 1000n + BigInt((fraction ?? '').slice(0, 6).padEnd(6, '0'));
  return isTime(time) ? time : undefined;
}

/** Writes a span of time in its largest unit and the next. */
export function formatSpan(seconds: bigint): string {
  const units: [bigint, string][] = [[86_400n, 'd'], [3600n, 'h'], [60n, 'min'], [1n, 's']];
  const first = units.findIndex(([length]) => seconds >= length);
  const [length, unit] = units[first] ?? [1n, 's'];
  const [next, nextUnit] = units[first + 1] ?? [1n, 's'];
  const rest = first < 0 ? 0n : (seconds % length) / next;
  return `${seconds / length} ${unit}${rest > 0n && next !== length ? ` ${rest} ${nextUnit}` : ''}`;
}
