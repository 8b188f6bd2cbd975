import { z } from 'zod';
import { NotifyLaneView } from '../notify.ts';
import { ExecutorView } from './containments.ts';

const count = () => z.int().min(0);

export const Problem = z.object({ code: z.string(), message: z.string() });

export const PartitionView = z.object({
  partition: z.int(),
  /** Worked on by the process that answers; of the others only their last checkpoint is known. */
  here: z.boolean(),
  state: z.enum(['running', 'gap']),
  gap: z.object({ reason: z.string(), message: z.string() }).optional(),
  /** Offsets: the next to apply, the first that is not durable as results, the end of the log. */
  next_offset: z.int(),
  durable_offset: z.int(),
  end_offset: z.int(),
  /** Records not applied yet. */
  lag: count(),
  /** Identities held in memory. */
  resident: count(),
  /** Log clock, epoch milliseconds, of live and of recorded events. */
  watermark: z.object({ live: z.number(), recorded: z.number() }),
  counters: z.record(z.string(), z.number()),
});

/** The sums of promise P1: `balanced` says that what came in is what went somewhere. */
export const SumsView = z.object({
  received: count(),
  accepted: count(),
  absorbed: count(),
  /** Items that wait for their identity or their answer now. */
  held: count(),
  dead_lettered: count(),
  dead_letter_reasons: z.record(z.string(), count()),
  balanced: z.boolean(),
});

export const StatusAnswer = z.object({
  version: z.string(),
  now: z.int(),
  ready: z.boolean(),
  /** Why it is not ready, if it is not. */
  reasons: z.array(Problem),
  /** What is lost of the coverage of many identities at once, and of sessions. It is ready all the same. */
  warnings: z.array(Problem),
  sums: SumsView,
  partitions: z.array(PartitionView),
  lag: count(),
  /** Stories over several identities: what was handed on, and how much of it they were made of. Offsets. */
  stories: z.object({ next_offset: z.int(), end_offset: z.int(), lag: count() }),
  /** True while results wait for a store that does not take them. */
  stalled: z.boolean(),
  /** All counters of the log, by name. */
  counters: z.record(z.string(), z.number()),
  responder: z.object({ epoch: z.int(), instance: z.string(), since: z.int() }).optional(),
  executor: ExecutorView,
  /** Gaps that wait for a decision, and decided ones whose stage has not gone on yet. */
  gaps: z.object({ open: count(), decided: count() }),
  containments: z.object({ open: count(), ended: count() }),
  /** How those fare who are told about containments; absent where the configuration names nobody. */
  notify: z.array(NotifyLaneView).optional(),
  streams: z.object({ open: count(), max: count() }),
});

export const Health = z.object({ status: z.literal('alive') });
export const Readiness = z.object({ status: z.enum(['ready', 'not_ready']) });
