import { z } from 'zod';
import { CanonicalEvent } from './event.ts';
import { LIMITS } from './limits.ts';
import { TickRecord } from './record.ts';

/**
 * What stands in `agent.audit.spans`, keyed by tenant and trace (or call): events that wait for their identity or for the
 * other half of their call, and what tells them. None of it is content.
 */
const name = () => z.string().min(1).max(LIMITS.id_chars_max);

/** Place of an item in its trace (W3C Trace Context, ids in lower-case hex), and what else its identity may follow from. */
export const SpanLink = z.object({
  kind: z.literal('span'),
  trace_id: name(),
  span_id: name(),
  parent_span_id: name().optional(),
  /** Where it ran, `service.namespace/service.name`: names the identity when nothing else ever does. */
  workload: name(),
  /** `service.instance.id` */
  instance: name().optional(),
  /** `gen_ai.conversation.id` */
  conversation: name().optional(),
});
export type SpanLink = z.infer<typeof SpanLink>;

/** One half of a call whose request and answer are recorded apart (JSON-RPC 2.0, section 5: the answer has the request's id). */
export const CallLink = z.object({
  kind: z.literal('call'),
  /** Same for both halves, and for no other call that is under way at the same time. */
  call: name(),
  side: z.enum(['request', 'response']),
});
export type CallLink = z.infer<typeof CallLink>;

export const Link = z.discriminatedUnion('kind', [SpanLink, CallLink]);
export type Link = z.infer<typeof Link>;

/** Whose a span is. What its descendants do not say of themselves they have from here. */
export const Settled = z.object({
  identity: CanonicalEvent.shape.identity,
  session: CanonicalEvent.shape.session,
  on_behalf_of: CanonicalEvent.shape.on_behalf_of,
  credential: CanonicalEvent.shape.credential,
});
export type Settled = z.infer<typeof Settled>;

/** What the answer tells of a call. */
export const Completion = CanonicalEvent.pick({ outcome: true, volume: true });
export type Completion = z.infer<typeof Completion>;

/** An event in canonical form whose key is not made yet, because its identity or its outcome may still change. */
export const HeldEvent = z.object({
  content: CanonicalEvent.omit({ key: true, flags: true, observed_time: true }),
  observed_time: CanonicalEvent.shape.observed_time,
  flags: CanonicalEvent.shape.flags,
});
export type HeldEvent = z.infer<typeof HeldEvent>;

export const WaitingRecord = z.object({
  type: z.literal('waiting'),
  /** Recorded clock, as in `agent.audit.events`. */
  at: z.int().optional(),
  /** The recording that `at` is the clock of, where several may be read at once. */
  source: name().optional(),
  tenant: name(),
  /** Event time of the item, epoch milliseconds. */
  time: z.int(),
  link: Link,
  /** The item waits: `identity` for whose it is, `response` for the other half. Absent: it only tells. */
  awaits: z.enum(['identity', 'response']).optional(),
  event: HeldEvent.optional(),
  settled: Settled.optional(),
  completion: Completion.optional(),
});
export type WaitingRecord = z.infer<typeof WaitingRecord>;

/** Lets time pass: live, or up to `at` in one recording. */
export const SpanTick = TickRecord.extend({ source: name().optional() });

export const SpanRecord = z.discriminatedUnion('type', [WaitingRecord, SpanTick]);
export type SpanRecord = z.infer<typeof SpanRecord>;

/** What a waiting record says, before the log gives it a clock. */
export type Waiting = Omit<WaitingRecord, 'type' | 'at' | 'source'>;

/** The identity of an item of which nobody ever said whose it is. */
export const UNRESOLVED = 'unresolved:';
export const unresolvedId = (workload: string): string => `${UNRESOLVED}${workload}`.slice(0, LIMITS.id_chars_max);
export const isUnresolved = (identity: string): boolean => identity.startsWith(UNRESOLVED);
