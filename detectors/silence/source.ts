import type { Hours, Pulse } from '../../schemas/pulse.ts';
import { RHYTHM_SLOTS } from '../layout.ts';
import { distinctOf, markDistinct } from '../math/distinct.ts';
import { slotOf } from '../rhythm.ts';
import { SILENCE_HOURS_MAX } from './silence.ts';

/**
 * Whether many identities that are heard of in the same way (from one source, or of one peer group) fell silent together.
 * Then it is the way that is broken, and no identity is judged for it.
 *
 * Statistics: the number of distinct identities in an hour of the week, a mean with a memory of `MEMORY` such hours, is held
 * against what is heard of by a cumulative sum of log-likelihood ratios of Poisson counts, a tenth of what is usual
 * against what is usual (Page 1954; Lucas 1985, Counted data CUSUM's). One identity less is taken for granted, as what
 * is asked here is whether the others are gone as well: a source of one or two tells nothing.
 *
 * State: plain integers and dyadic fractions, so that JSON holds it exactly. A function of the log alone.
 */
const MEMORY = 20;
/** What is left of the usual number when a source counts as silent. */
export const LEFT = 0.1;
const NATS_PER_IDENTITY = Math.LN10;
/** Sum at which it is believed: e^6, 400 to 1. It goes no higher than the second, so that a return is seen at once. */
const BELIEVED_NATS = 6;
const SUM_MAX = 9;
/** Silent for so long, it is what is usual now. */
const GIVEN_UP_HOURS = 14 * 24;
/** Spans that are remembered; a silence of an identity is hardly ever longer than all of them. */
const SPANS_MAX = 6;
/** Hours of which it is remembered how many were heard of: a weekend with a day off before and after it. */
const HEARD_HOURS = 5 * 24;
const MARK_WORDS = 8;
const STEPS = 256;
/** Part of the tallies that an hour takes away: they stand for about the last day. */
const FADE = 24;

export function newPulse(): Pulse {
  return {
    hour: 0,
    marks: new Array<number>(MARK_WORDS).fill(0),
    means: new Array<number>(RHYTHM_SLOTS).fill(0),
    seen: new Array<number>(RHYTHM_SLOTS).fill(0),
    sum: 0,
    since: 0,
    spans: [],
    heard: [],
    tallies: { events: 0, late: 0, unresolved: 0, unsized: 0 },
    newest: 0,
  };
}

/** Identities that are usually heard of in such an hour of the week. */
export const usualIn = (pulse: Pulse, slot: number): number => (pulse.means[slot] as number) / STEPS;

/** An identity, by the hash of its key, is heard of in the hour that is being counted. */
export function markPulse(pulse: Pulse, hash: number): void {
  scratch.set(pulse.marks);
  markDistinct(scratch, 0, MARK_WORDS, hash);
  for (let i = 0; i < MARK_WORDS; i++) pulse.marks[i] = scratch[i] as number;
}
const scratch = new Uint32Array(MARK_WORDS);

/** Hours pass up to this one. `watched` is false where the log itself stood still in between. */
export function passHours(pulse: Pulse, hour: number, watched: boolean): void {
  if (hour <= pulse.hour) return;
  if (pulse.hour !== 0) {
    if (watched) {
      // What lies further back than a silence is followed decides nothing.
      const from = Math.max(pulse.hour, hour - SILENCE_HOURS_MAX);
      for (let one = from; one < hour; one++) closeHour(pulse, one, one === pulse.hour);
      pulse.heard = pulse.heard.slice(-HEARD_HOURS);
    } else {
      beginAnew(pulse, pulse.hour);
      pulse.heard = [];
      remember(pulse, { from: pulse.hour, to: hour });
    }
  }
  pulse.hour = hour;
  pulse.marks.fill(0);
}

function closeHour(pulse: Pulse, hour: number, counted: boolean): void {
  scratch.set(pulse.marks);
  const heard = counted ? Math.round(distinctOf(scratch, 0, MARK_WORDS, 0)) : 0;
  pulse.heard.push(heard);
  const slot = slotOf(hour);
  const others = Math.max(0, usualIn(pulse, slot) - 1);
  const before = pulse.sum;
  const after = dyadic(Math.min(SUM_MAX, Math.max(0, before + (1 - LEFT) * others - heard * NATS_PER_IDENTITY)));
  if (before === 0 && after > 0) pulse.since = hour;
  if (before >= BELIEVED_NATS && after < BELIEVED_NATS) beginAnew(pulse, hour);
  else pulse.sum = after;
  if (pulse.sum < BELIEVED_NATS) learn(pulse, slot, heard);
  else if (hour - pulse.since >= GIVEN_UP_HOURS) giveUp(pulse, hour);
  const { tallies } = pulse;
  for (const name of TALLIED) tallies[name] = dyadic(tallies[name] - tallies[name] / FADE);
}
const TALLIED = ['events', 'late', 'unresolved', 'unsized'] as const;

function learn(pulse: Pulse, slot: number, heard: number): void {
  const seen = Math.min((pulse.seen[slot] as number) + 1, MEMORY);
  const mean = pulse.means[slot] as number;
  pulse.seen[slot] = seen;
  pulse.means[slot] = Math.round(mean + (heard * STEPS - mean) / seen);
}

/** A silence that was believed is over before this hour, or nobody knows how it went on. */
function beginAnew(pulse: Pulse, hour: number): void {
  const since = silentSince(pulse);
  if (since !== undefined && since < hour) remember(pulse, { from: since, to: hour });
  pulse.sum = 0;
  pulse.since = 0;
}

function giveUp(pulse: Pulse, hour: number): void {
  beginAnew(pulse, hour);
  pulse.means.fill(0);
  pulse.seen.fill(0);
}

function remember(pulse: Pulse, span: Hours): void {
  pulse.spans = [...pulse.spans, span].slice(-SPANS_MAX);
}

/** Hour from which on it has been silent; undefined when it is not. */
export function silentSince(pulse: Pulse): number | undefined {
  return pulse.sum >= BELIEVED_NATS ? pulse.since : undefined;
}

/** Hours up to now that do not count against anybody. What comes counts again, or is asked about again. */
export function awayHours(pulse: Pulse): Hours[] {
  const since = silentSince(pulse);
  return since === undefined ? pulse.spans : [...pulse.spans, { from: since, to: pulse.hour + 1 }];
}

const dyadic = (value: number): number => Math.round(value * STEPS) / STEPS;
