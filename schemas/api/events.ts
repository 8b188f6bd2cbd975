import { z } from 'zod';
import { DEAD_LETTER_REASONS, DeadLetter } from '../dead-letter.ts';
import { CanonicalEvent, EVENT_FLAGS } from '../event.ts';
import { FORMAT_NAMES } from '../format.ts';
import { LIMITS } from '../limits.ts';
import { pageOf } from './shared.ts';

export const SubmitQuery = z.strictObject({
  format: z.enum(FORMAT_NAMES).default('auto'),
  /** One of the configured mappings; implies `mapped`. */
  mapping: z.string().min(1).max(LIMITS.name_chars_max).optional(),
  /** Which results are told of item by item; the sums are always there. */
  results: z.enum(['none', 'rejected', 'all']).default('rejected'),
});

const count = () => z.int().min(0);

export const SubmitResult = z.discriminatedUnion('status', [
  z.object({ status: z.literal('accepted'), position: z.string(), key: z.string(), id: z.string() }),
  z.object({
    status: z.literal('dead_lettered'),
    position: z.string(),
    reason: z.enum(DEAD_LETTER_REASONS),
    message: z.string(),
    field: z.string().optional(),
  }),
  z.object({ status: z.enum(['absorbed', 'held']), position: z.string() }),
]);

/** Given only once all of it is durable; `received` is the sum of the other four. Held items wait for their identity or their answer. */
export const SubmitAnswer = z.object({
  received: count(),
  accepted: count(),
  dead_lettered: count(),
  absorbed: count(),
  held: count(),
  results: z.array(SubmitResult).max(LIMITS.http_results_max),
  /** Results that were asked for and not told, because there are more than one answer holds. */
  results_omitted: count(),
});
export type SubmitAnswer = z.infer<typeof SubmitAnswer>;

/** An event as it was scored. */
export const EventView = z.object({
  event: CanonicalEvent,
  /** Log clock, epoch milliseconds. */
  log_time: z.int(),
  /** Surprise in bits: combined, and by detector where it had something to say. */
  bits: z.number(),
  detectors: z.record(z.string(), z.number()),
  flags: z.array(z.enum(EVENT_FLAGS)),
});
export type EventView = z.infer<typeof EventView>;
export const EventPage = pageOf(EventView);

/** A rejected item with its place in the log. `letter.bytes` is the original, base64, cut at the limit. */
export const DeadLetterView = z.object({
  letter: DeadLetter,
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
});
export const DeadLetterPage = pageOf(DeadLetterView).extend({ counts: z.record(z.string(), count()) });
