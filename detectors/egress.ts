import { type Features, isOutbound } from './features.ts';
import { AT, EGRESS_SPANS } from './layout.ts';
import { log2 } from './math/logarithm.ts';
import { learnMoment, MOMENT_WORDS } from './math/moments.ts';
import { normalDeviate } from './math/student.ts';
import type { StateRef } from './state.ts';
import { isFailed } from './today.ts';

/**
 * What leaves: bytes of calls that hand data on (export, delegate). An agent reads far more than it sends, so in the sum of
 * all bytes even four times the usual exports drown. Totals of the hour, the day and the session, their habits, and
 * Page's CUSUM over days (drift.ts has the source): many days that are each somewhat high become visible.
 */
export const EGRESS = { hour: 0, day: 1, session: 2 } as const;
/** Windows after which the weight of the oldest fades: two weeks of busy hours, a month, many sessions. */
const MEMORY = [168, 30, 256] as const;

const SLACK = 0.5;
const MEAN_SLACK = 0.75;
const STEP_MAX = 2.5;
const DRIFT_MAX = 40;
/** Days without which there is no habit to drift from, and octaves by which a day varies at least. */
export const EGRESS_DAYS_MIN = 5;
const SCALE_MIN = 0.7;

/** Bytes that the call hands on: the larger of what it was given and what it returned; -1 where it hands on nothing. */
export function egressOf(f: Features): number {
  if (!isOutbound(f.operation) || isFailed(f)) return -1;
  return Math.max(f.size[0] as number, f.size[1] as number);
}

export function egressMomentAt(span: number): number {
  return AT.egress + EGRESS_SPANS - 1 + span * MOMENT_WORDS;
}

/** Total of the hour or day that is open. */
export function egressSoFar({ f32, at }: Pick<StateRef, 'f32' | 'at'>, span: number): number {
  return f32[at + AT.egress + span] as number;
}

export function observeEgress({ f32, at }: Pick<StateRef, 'f32' | 'at'>, bytes: number): void {
  if (bytes <= 0) return;
  for (let span = EGRESS.hour; span <= EGRESS.day; span++) {
    f32[at + AT.egress + span] = (f32[at + AT.egress + span] as number) + bytes;
  }
}

export function learnEgress({ f32, at }: Pick<StateRef, 'f32' | 'at'>, span: number, bytes: number): void {
  if (bytes > 0) learnMoment(f32, at + egressMomentAt(span), log2(1 + bytes), MEMORY[span] as number);
}

/** The hour or day is over. While an alert holds it, it teaches nothing, and the sum of days starts anew. */
export function closeEgress(state: Pick<StateRef, 'f32' | 'at'>, span: number, held: boolean): void {
  const { f32, at } = state;
  const total = egressSoFar(state, span);
  if (total > 0) {
    const waits = span === EGRESS.day && closeEgressDay(state, total, held);
    if (!held && !waits) learnEgress(state, span, total);
  }
  f32[at + AT.egress + span] = 0;
}

/**
 * Adds the day to the sum. True when it has to wait: while days add up, the habit that they are held against stays as it
 * was, or a shift would become the habit before it shows. After three weeks it is the habit.
 */
function closeEgressDay(state: Pick<StateRef, 'f32' | 'at'>, total: number, held: boolean): boolean {
  const { f32, at } = state;
  const drift = held ? 0 : egressDriftWith(state, total);
  f32[at + AT.egress_drift] = drift;
  const waited = f32[at + AT.egress_waits] as number;
  const waits = drift >= WAIT_AT && waited < WAIT_DAYS_MAX;
  f32[at + AT.egress_waits] = drift < WAIT_AT ? 0 : waited + 1;
  return waits;
}
/** The sum from which days wait, and how many of them at most. */
const WAIT_AT = 4;
const WAIT_DAYS_MAX = 21;

/** The cumulative sum with the day so far, given its total. Days on which nothing leaves do not count. */
export function egressDriftWith({ f32, at }: Pick<StateRef, 'f32' | 'at'>, total: number): number {
  const before = f32[at + AT.egress_drift] as number;
  const moment = at + egressMomentAt(EGRESS.day);
  const n = f32[moment] as number;
  if (n < EGRESS_DAYS_MIN) return before;
  // Of few days neither mean nor spread is known: what they predict is a t distribution, with a day of belief in the least spread.
  const freedom = n + 1;
  const variance = (n * (f32[moment + 2] as number) + 2 * SCALE_MIN * SCALE_MIN) / freedom;
  const t = (log2(1 + total) - (f32[moment + 1] as number)) / Math.sqrt(variance * (1 + 1 / n));
  const step = Math.max(-STEP_MAX, Math.min(STEP_MAX, normalDeviate(t, freedom)));
  // The mean of few days is off by so much, and an error of the mean adds up like a shift.
  return Math.min(DRIFT_MAX, Math.max(0, before + step - SLACK - MEAN_SLACK / Math.sqrt(n)));
}
