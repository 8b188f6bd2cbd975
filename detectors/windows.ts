import { LIMITS, UNITS } from '../schemas/limits.ts';
import type { ScoreInput } from './contract.ts';
import { closeDrift } from './drift.ts';
import { closeEgress, EGRESS, egressOf, observeEgress } from './egress.ts';
import type { Features } from './features.ts';
import { AT, DISTINCT_WORDS, MEASURES, momentAt, RUNNING_WORDS, SPANS, WINDOW_KINDS } from './layout.ts';
import { distinctOf, isMarked, markDistinct } from './math/distinct.ts';
import { exp2, log2, wholeOctaves } from './math/logarithm.ts';
import { type Expectation, expectCentre, learnMoment, SCALE_MIN, scaleOf } from './math/moments.ts';
import type { PriorGroup } from './prior.ts';
import { closeCreep } from './retrieval/creep.ts';
import { learnRhythm, rhythmOffset } from './rhythm.ts';
import type { StateRef } from './state.ts';
import { closeToday } from './today.ts';
import { TRACE, TRACE_DISTINCT_WORDS, type Trace } from './trace.ts';

/** What is summed over a minute, hour, day or session. */
export const MEASURE = { bytes_out: 0, bytes_in: 1, records: 2, calls: 3, distinct: 4 } as const;
export const SPAN = { minute: 0, hour: 1, day: 2, session: 3 } as const;
export const SPAN_NAMES = ['minute', 'hour', 'day', 'session'] as const;

const WIDTH_MS = [UNITS.MINUTE_MS, UNITS.HOUR_MS, UNITS.DAY_MS] as const;
/** Windows after which the weight of the oldest fades: about a day, a month, a month. */
const MEMORY = [512, 336, 30] as const;
export const SESSION_MEMORY = 512;

/** Words of the distinct bitmap of a window kind. */
function bitmapAt(base: number, kind: number): number {
  return base + AT.running + WINDOW_KINDS * RUNNING_WORDS + (kind === SPAN.day ? DISTINCT_WORDS[1] : 0);
}

/**
 * Index of the window an event falls in. Never before the open one: an event that comes late is counted where it is
 * seen, so that nobody hides a transfer behind an old timestamp; and never ahead of the log's clock.
 */
function windowIndex(time_ms: number, log_ms: number, kind: number, open: number): number {
  const index = Math.floor(Math.min(time_ms, log_ms) / (WIDTH_MS[kind] as number)) + 1;
  return Math.max(index, open);
}

/** Totals of all spans as they stand with the event at hand; -1 where unknown or where the event adds nothing. */
export class WindowView {
  /** By span and measure. */
  readonly totals = new Float64Array(SPANS * MEASURES);
  /** Index plus 1 of the event's minute, hour and day. */
  readonly index = new Uint32Array(WINDOW_KINDS);
  /** Index plus 1 of the minute, hour and day that are open; 0 where none is. */
  readonly open = new Uint32Array(WINDOW_KINDS);
  /** Whether the event counts in windows. */
  in_window = true;
  /** Octaves by which this hour of the week is usually busier than the average one. */
  rhythm = 0;

  read(input: ScoreInput, f: Features, trace: Trace): void {
    const { u32, f32, at } = input.state;
    this.in_window = input.in_window;
    for (let kind = 0; kind < WINDOW_KINDS; kind++) {
      const running = at + AT.running + kind * RUNNING_WORDS;
      const open = u32[running] as number;
      const index = windowIndex(input.event.time, input.log_ms, kind, open);
      this.index[kind] = index;
      this.open[kind] = open;
      const same = index === open;
      for (let m = 0; m < 3; m++) {
        const size = input.in_window ? (f.size[m] as number) : -1;
        this.totals[kind * MEASURES + m] = size < 0 ? -1 : size + (same ? (f32[running + 1 + m] as number) : 0);
      }
      this.totals[kind * MEASURES + 3] = input.in_window ? 1 + (same ? (f32[running + 4] as number) : 0) : -1;
      this.totals[kind * MEASURES + 4] =
        kind === SPAN.minute || f.resources === 0 || !input.in_window
          ? -1
          : same
            ? distinctWith(u32, bitmapAt(at, kind), DISTINCT_WORDS[kind] as number, f)
            : f.resources;
    }
    const usual = f32[at + momentAt(SPAN.hour, MEASURE.calls) + 1] as number;
    this.rhythm = rhythmOffset(input.state, this.index[SPAN.hour] as number, usual);
    this.#readSession(f, trace);
  }

  #readSession(f: Features, trace: Trace): void {
    const base = SPAN.session * MEASURES;
    for (let m = 0; m < 3; m++) {
      const size = f.size[m] as number;
      this.totals[base + m] = size < 0 ? -1 : size + (trace.f32[TRACE.totals + m] as number);
    }
    this.totals[base + 3] = 1 + trace.events;
    this.totals[base + 4] = f.resources === 0 ? -1 : distinctWith(trace.u32, TRACE.distinct, TRACE_DISTINCT_WORDS, f);
  }
}

function distinctWith(words: Uint32Array, at: number, size: number, f: Features): number {
  let extra = 0;
  for (let i = 0; i < f.resources; i++) if (!isMarked(words, at, size, f.resource[i] as number)) extra++;
  return Math.round(distinctOf(words, at, size, extra));
}

/** The running windows take the event in; one that the event leaves behind is closed first. */
export function observeWindows(state: StateRef, { index: indexes, in_window }: WindowView, f: Features): void {
  if (!in_window) return;
  const { u32, f32, at } = state;
  for (let kind = 0; kind < WINDOW_KINDS; kind++) {
    const running = at + AT.running + kind * RUNNING_WORDS;
    const index = indexes[kind] as number;
    if (index !== u32[running]) {
      closeWindow(state, kind, u32[at + AT.held] === 1);
      u32[running] = index;
    }
    for (let m = 0; m < 3; m++) {
      const size = f.size[m] as number;
      if (size < 0) continue;
      f32[running + 1 + m] = (f32[running + 1 + m] as number) + size;
      u32[running + 5] = (u32[running + 5] as number) | (1 << m);
    }
    f32[running + 4] = (f32[running + 4] as number) + 1;
    if (kind === SPAN.day) observeEgress(state, egressOf(f));
    const words = DISTINCT_WORDS[kind] as number;
    if (words === 0) continue;
    for (let i = 0; i < f.resources; i++) markDistinct(u32, bitmapAt(at, kind), words, f.resource[i] as number);
  }
}

/** Closes windows that ended more than the accepted lateness ago. Returns when the next one is due. */
export function advanceWindows(state: StateRef, log_ms: number, held: boolean): number | undefined {
  const { u32, at } = state;
  u32[at + AT.held] = held ? 1 : 0;
  let due: number | undefined;
  for (let kind = 0; kind < WINDOW_KINDS; kind++) {
    const index = u32[at + AT.running + kind * RUNNING_WORDS] as number;
    if (index === 0) continue;
    const ends = index * (WIDTH_MS[kind] as number) + LIMITS.lateness_ms;
    if (ends <= log_ms) closeWindow(state, kind, held);
    else if (due === undefined || ends < due) due = ends;
  }
  return due;
}

function closeWindow(state: StateRef, kind: number, held: boolean): void {
  const { u32, f32, at } = state;
  const running = at + AT.running + kind * RUNNING_WORDS;
  const index = u32[running] as number;
  if (index === 0) return;
  if (kind === SPAN.day) {
    closeDrift(state, held);
    closeToday(state);
    closeEgress(state, EGRESS.day, held);
    closeCreep(state, held);
  }
  if (kind === SPAN.hour) closeEgress(state, EGRESS.hour, held);
  if (!held) learnWindow(state, kind, index);
  u32.fill(0, running, running + RUNNING_WORDS);
  const words = DISTINCT_WORDS[kind] as number;
  if (words > 0) u32.fill(0, bitmapAt(at, kind), bitmapAt(at, kind) + words);
  f32[running + 1] = 0;
}

function learnWindow(state: StateRef, kind: number, index: number): void {
  const { u32, f32, at } = state;
  const running = at + AT.running + kind * RUNNING_WORDS;
  const memory = MEMORY[kind] as number;
  const known = u32[running + 5] as number;
  for (let m = 0; m < 3; m++) {
    if ((known & (1 << m)) === 0) continue;
    learnMoment(f32, at + momentAt(kind, m), log2(1 + (f32[running + 1 + m] as number)), memory);
  }
  const calls = log2(1 + (f32[running + 4] as number));
  if (kind === SPAN.hour) learnRhythm(state, index, calls);
  learnMoment(f32, at + momentAt(kind, MEASURE.calls), calls, memory);
  const words = DISTINCT_WORDS[kind] as number;
  if (words === 0) return;
  const distinct = distinctOf(u32, bitmapAt(at, kind), words, 0);
  if (distinct > 0) learnMoment(f32, at + momentAt(kind, MEASURE.distinct), log2(1 + distinct), memory);
}

const peersScratch = { mean: 0, variance: 0, lean: 0 };
/** Values of peers that the belief of a new identity weighs at most. */
const LEAN = 3;

/** Centre of what is expected of a total of this identity in this span; false when nobody knows. */
export function expectTotal(
  c: { f32: Float32Array; at: number; near: PriorGroup | undefined; windows: WindowView },
  span: number,
  measure: number,
  into: Expectation,
): boolean {
  const own = c.at + momentAt(span, measure);
  const field = (span * MEASURES + measure) * 3;
  const known = c.near === undefined ? 0 : (c.near.windows[field] as number);
  peersScratch.lean = Math.min(LEAN, known);
  peersScratch.mean = known > 0 ? ((c.near as PriorGroup).windows[field + 1] as number) : 0;
  // Peers differ from each other and each one varies: without a second sum the spread between them is taken twice.
  peersScratch.variance = known > 0 ? 1 + 2 * ((c.near as PriorGroup).windows[field + 2] as number) : 0;
  if ((c.f32[own] as number) < HISTORY_MIN && known < LEAN) return false;
  expectCentre(c.f32, own, peersScratch, into);
  if (span === SPAN.hour && measure !== MEASURE.distinct) {
    into.centre += c.windows.rhythm;
  }
  return true;
}

/** Events of a member's day, in the mean: totals are log-normal. */
export function callsADay({ windows }: Pick<PriorGroup, 'windows'>): number {
  const field = (SPAN.day * MEASURES + MEASURE.calls) * 3;
  return Math.max(1, exp2((windows[field + 1] as number) + ((windows[field + 2] as number) * Math.LN2) / 2));
}

/** Octaves by which sums of a few terms may be off, and far more. */
const ROUNDING = 1e-6;

/** Own windows without which, and without peers, a total is not judged. */
const HISTORY_MIN = 3;

/**
 * Scales by which the running total lies above what is expected of a whole span; 0 where it does not, or where nobody
 * knows. Most totals lie below every mean there is, and cost no more than that comparison. What may be at most `least`
 * scales is given as 0 as well: no scale is worked out for it.
 */
export function deviationsOf(
  c: Parameters<typeof expectTotal>[0],
  span: number,
  measure: number,
  least: number,
  into: Expectation,
): number {
  const total = c.windows.totals[span * MEASURES + measure] as number;
  if (total <= 0) return 0;
  const offset = span === SPAN.hour && c.windows.rhythm < 0 ? c.windows.rhythm : 0;
  const mean = c.f32[c.at + momentAt(span, measure) + 1] as number;
  const peersMean = c.near === undefined ? mean : (c.near.windows[(span * MEASURES + measure) * 3 + 1] as number);
  // The centre lies between both means, and no scale is smaller than SCALE_MIN.
  const lower = Math.min(mean, peersMean) + offset + SCALE_MIN * least - ROUNDING;
  if (wholeOctaves(total) <= lower) return 0;
  const octaves = log2(1 + total);
  if (octaves <= lower) return 0;
  if (!expectTotal(c, span, measure, into)) return 0;
  const above = octaves - into.centre;
  if (above / SCALE_MIN <= least) return 0;
  return above / scaleOf(c.f32, c.at + momentAt(span, measure), peersScratch);
}
