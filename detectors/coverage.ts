import type { Coverage } from '../schemas/coverage.ts';
import { UNITS } from '../schemas/limits.ts';
import type { Hours } from '../schemas/pulse.ts';
import { driftBits } from './drift.ts';
import { AT } from './layout.ts';
import { count, percent } from './sentences.ts';
import { heardLast, silentSince, surpriseOfSilence } from './silence/silence.ts';
import type { StateRef } from './state.ts';

/** What the state of an identity says of its coverage, as of a log clock. Times are epoch milliseconds of that clock. */
export type StateFacts = {
  readonly maturity: 'learning' | 'mature';
  readonly sessions: number;
  /** Log clock of its state. */
  readonly now_ms: number;
  /** When it was heard of last; undefined before any. */
  readonly heard_ms: number | undefined;
  /** Since when it has been silent against its habit. */
  readonly silent_ms: number | undefined;
  /** Surprise of the silence so far, whether or not it is a finding. */
  readonly silence_bits: number;
  /** Surprise of the sum of its slightly high days. */
  readonly drift_bits: number;
};

/** What is counted of its stored events. */
export type EventFacts = { readonly events: number; readonly late: number; readonly unsized: number };

export type CoverageFacts = {
  /** Absent while nothing is durable of its state. */
  readonly state?: StateFacts | undefined;
  readonly counted?: EventFacts | undefined;
  /** Accepted as nobody's own: no source said whose its events are. */
  readonly unresolved: boolean;
  /** Why findings about it are suppressed, where they are. */
  readonly muted?: string | undefined;
};

const STALE_MS = 30 * UNITS.DAY_MS;
/** One identity-day in 64 is as silent as that: not yet a finding. */
const STALE_BITS = 6;
/** One identity-day in a thousand drifts so far by chance. */
const DRIFTED_BITS = 10;
/** Shares of its events above which it is said. */
export const LATE_SHARE = 0.05;
export const UNSIZED_SHARE = 0.5;

/** The facts of one identity's words. `away`: hours that do not count against it. */
export function stateFactsOf(
  state: StateRef,
  maturity: StateFacts['maturity'],
  now_ms: number,
  away: readonly Hours[] = [],
): StateFacts {
  const { u32, f32, at } = state;
  return {
    maturity,
    sessions: u32[at + AT.sessions] as number,
    now_ms,
    heard_ms: heardLast(state),
    silent_ms: silentSince(state),
    silence_bits: surpriseOfSilence(state, now_ms, away),
    drift_bits: driftBits(Math.max(f32[at + AT.drift] as number, f32[at + AT.drift + 1] as number)),
  };
}

/** The statuses of an identity: how well it is known first, then what is missing, each once. */
export function coverageOf({ state, counted, unresolved, muted }: CoverageFacts): Coverage[] {
  const found = [knownOf(state), ...heardOf(state)];
  if (state !== undefined && state.drift_bits >= DRIFTED_BITS) {
    const detail = `its days have been heavier than usual for long: ${state.drift_bits.toFixed(0)} bits`;
    found.push({ status: 'drifted', detail });
  }
  if (counted !== undefined && counted.events > 0) found.push(...countedOf(counted));
  if (muted !== undefined) found.push({ status: 'muted', detail: muted });
  if (unresolved) found.push({ status: 'unresolved', detail: 'no source says whose these events are' });
  return found;
}

function knownOf(state: StateFacts | undefined): Coverage {
  if (state === undefined) return { status: 'learning', detail: 'nothing is learned yet' };
  const { maturity, sessions } = state;
  const learned = `${count(sessions)} sessions learned`;
  if (maturity === 'mature') return { status: 'mature', detail: learned };
  return { status: 'learning', detail: `${learned}; its peers are the yardstick` };
}

function heardOf(state: StateFacts | undefined): Coverage[] {
  if (state?.heard_ms === undefined) return [];
  const { heard_ms, now_ms, silent_ms, silence_bits } = state;
  const found: Coverage[] = [];
  if (silent_ms !== undefined) found.push({ status: 'silent', detail: `silent since ${text(silent_ms)}` });
  const long = now_ms - heard_ms >= STALE_MS;
  if (long || (silent_ms === undefined && silence_bits >= STALE_BITS)) {
    found.push({ status: 'stale', detail: `heard of last at ${text(heard_ms)}` });
  }
  return found;
}

function countedOf({ events, late, unsized }: EventFacts): Coverage[] {
  const found: Coverage[] = [];
  if (late / events >= LATE_SHARE) {
    found.push({ status: 'late_data', detail: `${percent(late / events)} of its events came too late or too early` });
  }
  if (unsized / events >= UNSIZED_SHARE) {
    found.push({ status: 'unknown_sizes', detail: `${percent(unsized / events)} of its events tell no size` });
  }
  return found;
}

/** To the hour, as silence is judged by the hour. */
function text(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 13).replace('T', ' ')}:00 UTC`;
}
