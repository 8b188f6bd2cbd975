import { UNITS } from '../../schemas/limits.ts';
import type { Hours } from '../../schemas/pulse.ts';
import { AT } from '../layout.ts';
import { slotOf, weekendSlotOf } from '../rhythm.ts';
import type { StateRef } from '../state.ts';
import { fadeGaps, heaviestOf, learnGap, surpriseOfGap, weightAt } from './gaps.ts';
import { learnHour, rateOf, weightOf } from './rates.ts';

/**
 * An identity that is heard of no more, against its own habit.
 *
 * Statistics: a survival model over whole hours of the log's clock. Each hour without an event weighs the surprise that
 * its hour of the week holds none (rates.ts), so nights and weekends of an office agent weigh next to nothing; what the
 * hours weigh together is held against the identity's own heaviest silences (gaps.ts), so bursts and days off are part of
 * its habit. The surprise is that of a day that brings a silence so heavy, comparable with the maximum of an
 * identity-day. Sources: time change of a point process (Daley and Vere-Jones 2003, section 7.4), spacings of
 * exponential maxima (Renyi 1953), peaks over a threshold (Pickands 1975).
 *
 * A silence teaches a bounded part of itself: one that was an outage, or an attacker's, is not the habit of tomorrow.
 * Hours in which nobody was watching, or in which the whole source was silent, do not count (source.ts); on days on
 * which its peers rest, it is expected as at a weekend (rest.ts).
 *
 * State: 35 words. One look per active hour, one per deadline.
 *
 * Wrong for the first long absence of its kind (a first holiday that no peer at hand shares, the end of an agent's
 * life): once each. Blind in the first week, for what acts less than about once a week, and for an agent that goes on
 * with a part of its work.
 */

/** No silence of less surprise is a finding, whatever the threshold: one identity-day in a thousand. */
export const SILENCE_BITS_MIN = 10;
/** What a silence teaches of itself at most: a day off becomes a habit, a week without telemetry does not. */
const TAUGHT_BITS = 2 * SILENCE_BITS_MIN;
/** Days watched without which nothing is said: a working week and a weekend. */
const DAYS_MIN = 7;
/** Sessions learned without which it is not known what is usual. */
const SESSIONS_MIN = 20;
/** A silence is followed for so long; longer ones are the same. */
export const SILENCE_HOURS_MAX = 21 * 24;

const NO_HOURS: readonly Hours[] = [];

export const hourOf = (log_ms: number): number => Math.floor(log_ms / UNITS.HOUR_MS) + 1;

type Words = Pick<StateRef, 'u32' | 'u16' | 'at'>;

/** The identity is heard of. Costs a comparison but for the first event of an hour. */
export function hear(state: Words, log_ms: number): void {
  const { u32, at } = state;
  const hour = hourOf(log_ms);
  const last = u32[at + AT.heard_hour] as number;
  if (hour <= last) return;
  if (last === 0) {
    if (u32[at + AT.heard_first] === 0) u32[at + AT.heard_first] = hour;
  } else learnUpTo(state, last, hour);
  learnHour(state, slotOf(hour), true);
  u32[at + AT.heard_hour] = hour;
  u32[at + AT.silent_hour] = 0;
}

/** The identity goes on on another clock: what lies between the two is no silence. */
export function restartSilence({ u32, at }: Words): void {
  u32[at + AT.heard_hour] = 0;
  u32[at + AT.heard_first] = 0;
  u32[at + AT.silent_hour] = 0;
}

/** Hours between the last one that was heard of and this one, as far as they teach. */
function learnUpTo(state: Words, last: number, hour: number): void {
  const days = daysOf(state);
  const limit = isKnown(state, days) ? weightAt(state, days, TAUGHT_BITS) : Number.POSITIVE_INFINITY;
  const end = Math.min(hour, last + 1 + SILENCE_HOURS_MAX);
  let weight = 0;
  for (let one = last + 1; one < end && weight < limit; one++) {
    const slot = slotOf(one);
    weight += weightOf(state, slot);
    learnHour(state, slot, false);
  }
  learnGap(state, Math.min(weight, limit));
  const passed = Math.floor(hour / 24) - Math.floor(last / 24);
  if (passed > 0) fadeGaps(state, passed);
}

function daysOf({ u32, at }: Words): number {
  const first = u32[at + AT.heard_first] as number;
  return first === 0 ? 0 : ((u32[at + AT.heard_hour] as number) - first) / 24;
}

function isKnown({ u32, at }: Words, days: number): boolean {
  return days >= DAYS_MIN && (u32[at + AT.sessions] as number) >= SESSIONS_MIN;
}

export type Silence = {
  /** Log clock, epoch milliseconds, of the hour that was heard of last: its end. */
  readonly since_ms: number;
  /** Hours of silence that count, and in how many of them it is usually active. */
  readonly hours: number;
  readonly usual: number;
  /** The same of the heaviest silence before, as far as both can be compared. */
  readonly longest: number;
  readonly bits: number;
};

export type SilenceLook = {
  /** A silence that is a finding now, told once. */
  readonly found: Silence | undefined;
  /** Log clock at which to look again, later than now; undefined when nothing is to be expected. */
  readonly due: number | undefined;
};

const NOTHING: SilenceLook = { found: undefined, due: undefined };

/**
 * Judges the silence of an identity as of `log_ms`. `away` are hours that do not count, in order, and in `rests` it is
 * expected as in the same hours of a weekend. A silence of at least `bits_min` is found, once until it is heard of again.
 */
export function lookAtSilence(
  state: Words,
  log_ms: number,
  bits_min: number,
  away: readonly Hours[] = NO_HOURS,
  rests: readonly Hours[] = NO_HOURS,
): SilenceLook {
  const { u32, at } = state;
  const last = u32[at + AT.heard_hour] as number;
  const days = daysOf(state);
  if (last === 0 || u32[at + AT.silent_hour] !== 0 || !isKnown(state, days)) return NOTHING;
  const limit = weightAt(state, days, Math.max(bits_min, SILENCE_BITS_MIN));
  const now = hourOf(log_ms);
  let [weight, usual, hours, reached] = [0, 0, 0, 0];
  for (let hour = last + 1; hour <= last + SILENCE_HOURS_MAX; hour++) {
    if (hour >= now && reached !== 0) break;
    if (isAmong(hour, away)) continue;
    const slot = isAmong(hour, rests) ? weekendSlotOf(hour) : slotOf(hour);
    weight += weightOf(state, slot);
    usual += rateOf(state, slot);
    hours++;
    if (weight < limit || reached !== 0) continue;
    reached = hour;
    if (hour >= now) return { found: undefined, due: hour * UNITS.HOUR_MS };
  }
  if (reached === 0) return NOTHING;
  u32[at + AT.silent_hour] = now;
  const bits = Math.max(bits_min, surpriseOfGap(state, days, weight));
  const longest = weight === 0 ? 0 : (heaviestOf(state) / weight) * usual;
  return { found: { since_ms: last * UNITS.HOUR_MS, hours, usual, longest, bits }, due: undefined };
}

function isAmong(hour: number, spans: readonly Hours[]): boolean {
  for (const { from, to } of spans) if (hour >= from && hour < to) return true;
  return false;
}

/** Surprise of the silence as of `log_ms`, whether it is a finding or not; 0 while nothing is known. */
export function surpriseOfSilence(state: Words, log_ms: number, away: readonly Hours[]): number {
  const last = state.u32[state.at + AT.heard_hour] as number;
  const days = daysOf(state);
  if (last === 0 || !isKnown(state, days)) return 0;
  const end = Math.min(hourOf(log_ms), last + 1 + SILENCE_HOURS_MAX);
  let weight = 0;
  for (let hour = last + 1; hour < end; hour++) if (!isAmong(hour, away)) weight += weightOf(state, slotOf(hour));
  return weight === 0 ? 0 : surpriseOfGap(state, days, weight);
}

/** Log clock at which the hour began that the identity was heard of last; undefined before any. */
export function heardLast({ u32, at }: Words): number | undefined {
  const hour = u32[at + AT.heard_hour] as number;
  return hour === 0 ? undefined : (hour - 1) * UNITS.HOUR_MS;
}

/** Log clock from which on it has been silent, where that was found; undefined while it is heard of. */
export function silentSince({ u32, at }: Words): number | undefined {
  return u32[at + AT.silent_hour] === 0 ? undefined : (u32[at + AT.heard_hour] as number) * UNITS.HOUR_MS;
}
