import { LIMITS } from '../../schemas/limits.ts';

/** Recorded time, epoch milliseconds, at which time passes in every partition. */
export type TickStep = { readonly kind: 'tick'; readonly at: number };
/** Recorded time at which a prior is built from everything before it, and adopted. */
export type CutStep = { readonly kind: 'cut'; readonly at: number };
export type Boundary = TickStep | CutStep;

/**
 * The boundaries of recorded time in (from, to], epoch milliseconds, in order: a tick at every `replay_tick_ms`, and
 * after the tick at the last multiple of `replay_cut_ms` one cut. A gap longer than `replay_gap_ms_max` gets the ticks of
 * its beginning and those of its end, so that an absurd gap costs no more than a long one.
 */
export function boundariesBetween(from_ms: number, to_ms: number): Boundary[] {
  const last = floorTo(to_ms, LIMITS.replay_tick_ms);
  if (last <= from_ms) return [];
  const cut = floorTo(to_ms, LIMITS.replay_cut_ms);
  const boundaries: Boundary[] = [];
  const add = (at: number): void => {
    boundaries.push({ kind: 'tick', at });
    if (at === cut) boundaries.push({ kind: 'cut', at });
  };
  const dense_until = Math.min(last, from_ms + LIMITS.replay_gap_ms_max);
  let at = floorTo(from_ms, LIMITS.replay_tick_ms) + LIMITS.replay_tick_ms;
  for (; at <= dense_until; at += LIMITS.replay_tick_ms) add(at);
  for (at = Math.max(at, cut); at <= last; at += LIMITS.replay_tick_ms) add(at);
  return boundaries;
}

function floorTo(time_ms: number, step_ms: number): number {
  return Math.floor(time_ms / step_ms) * step_ms;
}
