import { LIMITS } from '../../schemas/limits.ts';
import { excerpt, type Refusal } from './refusal.ts';

/**
 * Epoch milliseconds of an RFC 3339 timestamp (section 5.6), or NaN. Strict where `Date.parse` is generous: full date,
 * `T`, full time, and an offset; fractions beyond milliseconds are cut. A leap second counts as the second after it.
 */
export function parseRfc3339(text: string): number {
  const end = text.length;
  if (end < 20 || !separatorsFit(text)) return Number.NaN;
  const year = pair(text, 0) * 100 + pair(text, 2);
  const month = pair(text, 5);
  const day = pair(text, 8);
  const hour = pair(text, 11);
  const minute = pair(text, 14);
  const second = pair(text, 17);
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return Number.NaN;
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return Number.NaN;
  let at = 19;
  let millis = 0;
  if (text.charCodeAt(at) === DOT) {
    const first = ++at;
    for (let scale = 100; at < end && isDigit(text.charCodeAt(at)); at++, scale /= 10) {
      if (scale >= 1) millis += (text.charCodeAt(at) - ZERO) * scale;
    }
    if (at === first) return Number.NaN;
  }
  const offset_minutes = parseOffset(text, at);
  const minutes = daysSinceEpoch(year, month, day) * 1440 + hour * 60 + minute - offset_minutes;
  if (second === 60 && ((minutes % 1440) + 1440) % 1440 !== 1439) return Number.NaN;
  return (minutes * 60 + second) * 1000 + millis;
}

const ZERO = 0x30;
const DOT = 0x2e;
const COLON = 0x3a;
const DASH = 0x2d;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

/** Two digits as a number, NaN unless both are digits. */
function pair(text: string, at: number): number {
  const high = text.charCodeAt(at);
  const low = text.charCodeAt(at + 1);
  return isDigit(high) && isDigit(low) ? (high - ZERO) * 10 + low - ZERO : Number.NaN;
}

function separatorsFit(text: string): boolean {
  const t = text.charCodeAt(10);
  return (
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    (t === 0x54 || t === 0x74) &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON
  );
}

/** Minutes east of UTC, NaN when the text does not end in `Z` or `+HH:MM`. */
function parseOffset(text: string, at: number): number {
  const sign = text.charCodeAt(at);
  if (sign === 0x5a || sign === 0x7a) return text.length === at + 1 ? 0 : Number.NaN;
  if ((sign !== 0x2b && sign !== DASH) || text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON)
    return Number.NaN;
  const hours = pair(text, at + 1);
  const minutes = pair(text, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  return sign === DASH ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

const DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (DAYS[month] as number);
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, chrono-compatible date algorithms). */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const year_of_era = y - era * 400;
  const day_of_year = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const day_of_era = year_of_era * 365 + Math.floor(year_of_era / 4) - Math.floor(year_of_era / 100) + day_of_year;
  return era * 146_097 + day_of_era - 719_468;
}

/** Epoch milliseconds of an event's time, or why there are none. */
export function readTime(value: string | number, field: string): number | Refusal {
  const time_ms = typeof value === 'number' ? value : parseRfc3339(value);
  if (time_ms >= LIMITS.time_ms_min && time_ms <= LIMITS.time_ms_max) return time_ms;
  return refuseTime(value, field);
}

const FORM = 'RFC 3339 with an offset (2025-03-03T09:00:00Z) or whole epoch milliseconds (1740992400000)';

/** Names what is wrong with a time: of the wrong form, in the wrong unit, or outside the accepted years. */
export function refuseTime(value: unknown, field: string): Refusal {
  const refuse = (reason: Refusal['reason'], problem: string): Refusal => {
    return { kind: 'refused', reason, field, message: `${field}: ${excerpt(value)} ${problem}` };
  };
  if (value === undefined) return refuse('time_invalid', `stands where a time is needed; send ${FORM}`);
  if (typeof value === 'number') {
    const unit = wrongUnit(value);
    if (unit !== undefined) return refuse('time_out_of_range', `looks like ${unit}; send ${FORM}`);
    if (value >= LIMITS.time_ms_min && value <= LIMITS.time_ms_max)
      return refuse('time_invalid', `is not whole; send ${FORM}`);
    return refuse('time_out_of_range', outOfRange());
  }
  if (typeof value === 'string' && !Number.isNaN(parseRfc3339(value))) return refuse('time_out_of_range', outOfRange());
  return refuse('time_invalid', `is no time; send ${FORM}`);
}

/** A number that would be an acceptable time in another unit. */
function wrongUnit(value: number): string | undefined {
  const fits = (time_ms: number): boolean => time_ms >= LIMITS.time_ms_min && time_ms <= LIMITS.time_ms_max;
  if (fits(value * 1000)) return `seconds (multiply by 1000, or set format: epoch_s in the mapping)`;
  if (fits(value / 1000)) return `microseconds (divide by 1000, or set format: epoch_us in the mapping)`;
  if (fits(value / 1_000_000)) return `nanoseconds (divide by 1000000, or set format: epoch_ns in the mapping)`;
  return undefined;
}

function outOfRange(): string {
  const year = (time_ms: number): number => new Date(time_ms).getUTCFullYear();
  return `lies outside ${year(LIMITS.time_ms_min)} to ${year(LIMITS.time_ms_max)}; correct the clock of the source`;
}
