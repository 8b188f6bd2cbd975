import { LIMITS } from '../../../schemas/limits.ts';
import { NotifyReason } from '../../../schemas/notify.ts';

/**
 * How far one recipient or chat was told, as its position in the log holds it. News are changes of containments, told in
 * the order of the control log; proposals are read from an offset of their own, because they wait for others of their
 * alert; reminders fall due by time.
 */
export type LaneState = {
  /** Of the control log. */
  readonly generation: string;
  /** Offset of the next record to look at for news. */
  readonly news: number;
  /** The same for proposals, and ids of those beyond it that were told with an earlier one. */
  readonly proposals: number;
  readonly covered: readonly string[];
  /** Reminders up to here were given: when due, and of which containment. */
  readonly reminded: readonly [number, string];
  /** The notice that was tried and not brought, with its attempts: when first, and when again. */
  readonly head: string;
  readonly attempts: number;
  readonly first_ms: number;
  readonly due_ms: number;
  readonly reason: NotifyReason | undefined;
  readonly given_up: number;
};

/**
 * Where a lane begins: it is told news from now on, and of the proposals all that still wait, also those of before there
 * was somebody to tell.
 */
export function newLane(generation: string, start: number, end: number, now_ms: number): LaneState {
  const none = { head: '', attempts: 0, first_ms: 0, due_ms: 0, reason: undefined, given_up: 0 } as const;
  return { generation, news: end, proposals: start, covered: [], reminded: [now_ms, ''], ...none };
}

/** A notice was told, or is given up: the next one starts afresh, unless it is another that has failed and pauses. */
export function done(state: LaneState, notice: string): LaneState {
  if (state.head !== '' && state.head !== notice) return state;
  return { ...state, head: '', attempts: 0, first_ms: 0, due_ms: 0, reason: undefined };
}

/**
 * The head was tried and not brought. `random` in [0, 1): exponential pauses with full jitter, and not shorter than what
 * the other side asked for, within bounds.
 */
export function failed(
  state: LaneState,
  head: string,
  attempt: {
    readonly now_ms: number;
    readonly random: number;
    readonly retry_after_ms: number;
    readonly reason: NotifyReason;
  },
): LaneState {
  const { now_ms, random, retry_after_ms, reason } = attempt;
  const before = state.head === head ? state.attempts : 0;
  const ceiling = Math.min(LIMITS.notify_retry_ms_max, LIMITS.notify_retry_ms * 2 ** Math.min(before, 20));
  const pause_ms = Math.max(Math.ceil(ceiling * random), Math.min(retry_after_ms, LIMITS.notify_retry_ms_max));
  return {
    ...state,
    head,
    attempts: before + 1,
    first_ms: before === 0 ? now_ms : state.first_ms,
    due_ms: now_ms + pause_ms,
    reason,
  };
}

/** True when the head has had its time; or its attempts, where the other side did not want it. */
export function spent({ attempts, first_ms, reason }: LaneState, now_ms: number): boolean {
  if (attempts < LIMITS.notify_refusals_max) return false;
  return reason === 'refused' || now_ms - first_ms >= LIMITS.notify_give_up_ms;
}

export function encodeLane(state: LaneState): string {
  const { generation: g, news: n, proposals: p, covered: c, reminded: r, head: h } = state;
  const { attempts: a, first_ms: f, due_ms: d, reason: e, given_up: x } = state;
  return JSON.stringify({ v: 1, g, n, p, c, r, h, a, f, d, e, x });
}

type Held = {
  v?: unknown;
  g: string;
  n: number;
  p: number;
  c: string[];
  r: [number, string];
  h: string;
  a: number;
  f: number;
  d: number;
  e?: string;
  x: number;
};

/** Throws on a position of another version: nobody is told by guess. */
export function decodeLane(text: string): LaneState {
  const held = JSON.parse(text) as Held;
  if (held.v !== 1)
    throw new Error(`the notification position ${JSON.stringify(text)} was not written by this version`);
  return {
    generation: held.g,
    news: held.n,
    proposals: held.p,
    covered: held.c,
    reminded: held.r,
    head: held.h,
    attempts: held.a,
    first_ms: held.f,
    due_ms: held.d,
    reason: held.e === undefined ? undefined : NotifyReason.parse(held.e),
    given_up: held.x,
  };
}
