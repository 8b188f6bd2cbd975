import { createHash } from 'node:crypto';
import { LIMITS } from '../../schemas/limits.ts';
import type { PostAnswer } from '../platform/http-post.ts';

/**
 * The decisions of webhook delivery, as pure functions (Standard Webhooks 1.0.0).
 *
 * A lane is one ordered walk of one subscription over the feed. Its state is its position in the log, so attempts and
 * pauses survive a restart. One message is under way at a time. The one at the head is tried until it is taken or given
 * up: after LIMITS.webhook_give_up_ms, or sooner when the receiver takes its successor but not it.
 */

export type LaneState = {
  readonly generation: string;
  /** Offset of the message at the head, or of where to look for it. */
  readonly next: number;
  /** A redelivery ends before this offset; the live lane never ends. */
  readonly until?: number;
  /** Failed attempts of the message at the head, the first and the last of them, and when to try again. */
  readonly attempts: number;
  readonly first_ms: number;
  readonly due_ms: number;
  /** The subscription was removed, or the redelivery is complete: a lane that begins again begins anew. */
  readonly ended: boolean;
};

/** What an attempt came to. A closed set: it labels a metric. */
export const ATTEMPT_OUTCOMES = [
  'delivered',
  'gone',
  'redirected',
  'refused',
  'unavailable',
  'timeout',
  'unreachable',
  'forbidden',
] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

export type GiveUpReason = 'webhook_gave_up' | 'webhook_refused';

export function newLane(generation: string, next: number, until?: number): LaneState {
  return {
    generation,
    next,
    ...(until === undefined ? {} : { until }),
    attempts: 0,
    first_ms: 0,
    due_ms: 0,
    ended: false,
  };
}

/** The message at `offset` is done with, delivered or given up: the next one starts afresh. */
export function advance(lane: LaneState, offset: number): LaneState {
  return { ...lane, next: offset + 1, attempts: 0, first_ms: 0, due_ms: 0 };
}

/**
 * The head was tried and not taken. `random` in [0, 1) is the jitter: the pause is exponential with full jitter
 * (Brooker, "Exponential Backoff And Jitter", AWS 2015), and not shorter than the receiver's bounded Retry-After.
 */
export function failed(
  lane: LaneState,
  attempt: { readonly now_ms: number; readonly random: number; readonly retry_after_ms: number },
): LaneState {
  const ceiling = Math.min(LIMITS.webhook_retry_ms_max, LIMITS.webhook_retry_ms * 2 ** Math.min(lane.attempts, 30));
  const asked = Math.min(attempt.retry_after_ms, LIMITS.webhook_retry_after_ms_max);
  return {
    ...lane,
    attempts: lane.attempts + 1,
    first_ms: lane.attempts === 0 ? attempt.now_ms : lane.first_ms,
    due_ms: attempt.now_ms + Math.max(Math.ceil(ceiling * attempt.random), asked),
  };
}

/** True when the head has had its time; a process that was down meanwhile tries it a few times before it says so. */
export function spent(lane: LaneState, now_ms: number): boolean {
  return lane.attempts >= LIMITS.webhook_probe_attempts && now_ms - lane.first_ms >= LIMITS.webhook_give_up_ms;
}

/** True when the head has failed often enough that it may itself be the reason: its successor may then be tried. */
export function mayProbe(lane: LaneState): boolean {
  return lane.attempts >= LIMITS.webhook_probe_attempts;
}

/** Sorts an answer. Whether to retry depends on nothing else. */
export function outcomeOf(answer: PostAnswer): AttemptOutcome | 'aborted' {
  if (answer.kind === 'failed') return answer.reason;
  const { status } = answer;
  if (status >= 200 && status < 300) return 'delivered';
  if (status === 410) return 'gone';
  if (status >= 300 && status < 400) return 'redirected';
  if (status === 408 || status === 425 || status === 429 || status >= 500) return 'unavailable';
  return 'refused';
}

/** Milliseconds that a Retry-After asks for (RFC 9110, section 10.2.3): seconds, or a date. 0 when it says nothing. */
export function retryAfterMs(text: string | undefined, now_ms: number): number {
  if (text === undefined) return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now_ms);
}

/**
 * `webhook-id` of a revision for a subscription: the same in every attempt, after every crash and in every redelivery,
 * so a receiver that remembers ids acts once.
 */
export function webhookId(subscription: string, uid: string, revision: number): string {
  const hash = createHash('sha256').update(`${subscription}\u0000${uid}\u0000${revision}`).digest('hex');
  return `msg_${hash.slice(0, 32)}`;
}

export function encodeLane(lane: LaneState): string {
  const { generation, next, until, attempts, first_ms, due_ms, ended } = lane;
  return JSON.stringify({ v: 1, g: generation, n: next, u: until, a: attempts, f: first_ms, d: due_ms, e: ended });
}

/** Throws on a position of another version: deliver must not guess where it was. */
export function decodeLane(text: string): LaneState {
  const held = JSON.parse(text) as {
    v?: unknown;
    g: string;
    n: number;
    u?: number;
    a: number;
    f: number;
    d: number;
    e: boolean;
  };
  if (held.v !== 1) throw new Error(`the webhook position ${JSON.stringify(text)} was not written by this version`);
  return {
    generation: held.g,
    next: held.n,
    ...(held.u === undefined ? {} : { until: held.u }),
    attempts: held.a,
    first_ms: held.f,
    due_ms: held.d,
    ended: held.e,
  };
}
