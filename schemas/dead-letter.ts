import { z } from 'zod';

/** Stable codes: each is explained in docs/errors.md, and a test compares the two. */
export const DEAD_LETTER_REASONS = [
  'item_too_large',
  'invalid_utf8',
  'not_json',
  'not_an_object',
  'too_deep',
  'schema_mismatch',
  'time_invalid',
  'time_out_of_range',
  'mapping_failed',
  'format_unknown',
  'truncated_input',
  'empty_record',
  'too_many_items',
  'record_unreadable',
  'ingest_failed',
  'record_undecodable',
  'record_failed',
  'store_refused',
  'webhook_gave_up',
  'webhook_refused',
] as const;

/** A rejected item: nothing is lost, and everyone can see why (promise P1). Stands in `agent.audit.dead`. */
export const DeadLetter = z.object({
  reason: z.enum(DEAD_LETTER_REASONS),
  /** The field, the value and the remedy, for a person. */
  message: z.string(),
  /** Path of the offending field, where one is to blame. */
  field: z.string().optional(),
  origin: z.string(),
  /** Position in the source: `file:line`, `topic/partition/offset`, `topic/partition/offset[index]`, or the index in an HTTP batch. */
  position: z.string(),
  /** True length of the original in bytes; `bytes` holds the first of them, base64. */
  length: z.int().min(0),
  bytes: z.string(),
  time: z.int(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;
