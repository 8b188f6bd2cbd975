import { UNITS } from '../schemas/limits.ts';
import type { Group } from './group.ts';
import { AT, DAY_SCORES, SESSION_SCORES } from './layout.ts';
import { TRACE, type Trace } from './trace.ts';

/**
 * How surprising sessions and identity-days get at most. Every one is counted, learned or held, or the thresholds
 * would sink with every alert; but what goes on in an alert that stands counts as quiet, as it spends no budget. The
 * counts wait in the identity's words until its next learned session takes them along.
 */

type Scale = { readonly buckets: number; readonly bits: number };

function bucketOf(bits: number, scale: Scale): number {
  return Math.min(scale.buckets - 1, Math.floor(bits / scale.bits));
}

/** Moves session and day to the bucket of their strongest event so far. */
export function countMaxima(u32: Uint32Array, at: number, trace: Trace, bits: number, log_ms: number): void {
  const session = bucketOf(trace.bits_max, SESSION_SCORES) + 1;
  recount(u32, at + AT.session_scores, trace.get(TRACE.bucket), session);
  trace.u32[TRACE.bucket] = session;
  const day = Math.floor(log_ms / UNITS.DAY_MS) + 1;
  if (u32[at + AT.score_day] !== day) {
    u32[at + AT.score_day] = day;
    u32[at + AT.score_bucket] = 0;
  }
  const before = u32[at + AT.score_bucket] as number;
  const now = Math.max(before, bucketOf(bits, DAY_SCORES) + 1);
  recount(u32, at + AT.day_scores, before, now);
  u32[at + AT.score_bucket] = now;
}

/** Buckets are given plus 1; 0 is none. */
function recount(u32: Uint32Array, at: number, from: number, to: number): void {
  if (from === to) return;
  if (from > 0) add(u32, at, from - 1, -1);
  add(u32, at, to - 1, 1);
}

/** Hands all counts to the group. */
export function teachMaxima(u32: Uint32Array, at: number, group: Group): void {
  drain(u32, at + AT.session_scores, group.session_scores);
  drain(u32, at + AT.day_scores, group.day_scores);
}

function drain(u32: Uint32Array, at: number, into: Float64Array): void {
  for (let bucket = 0; bucket < into.length; bucket++) {
    if (u32[at + (bucket >>> 1)] === 0) continue;
    const counted = read(u32, at, bucket);
    if (counted === 0) continue;
    into[bucket] = (into[bucket] as number) + counted;
    add(u32, at, bucket, -counted);
  }
}

function read(u32: Uint32Array, at: number, bucket: number): number {
  const word = u32[at + (bucket >>> 1)] as number;
  return (bucket & 1) === 0 ? (word << 16) >> 16 : word >> 16;
}

function add(u32: Uint32Array, at: number, bucket: number, change: number): void {
  const index = at + (bucket >>> 1);
  const word = u32[index] as number;
  const next = Math.max(-32_768, Math.min(32_767, read(u32, at, bucket) + change)) & 0xffff;
  u32[index] = (bucket & 1) === 0 ? ((word & 0xffff0000) | next) >>> 0 : ((word & 0xffff) | (next << 16)) >>> 0;
}
