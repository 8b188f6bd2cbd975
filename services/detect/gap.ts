import { OffsetOutOfRange } from '../platform/event-log.ts';

/**
 * A partition whose past cannot be continued honestly. It stays stopped until an operator decides, because going on would
 * silently lose or repeat events.
 */
export type GapReason =
  | 'manifest_missing'
  | 'offset_before_log'
  | 'offset_beyond_log'
  | 'offset_out_of_range'
  | 'generation_changed'
  | 'partition_count_changed'
  | 'prior_missing';

export type Gap = { readonly reason: GapReason; readonly message: string };

/** The log names a prior that the store does not hold. */
export class PriorMissing extends Error {
  override readonly name = 'PriorMissing';
}

/** The gap that an error of a running partition tells of; undefined where it is something else. */
export function gapBehind(error: unknown): Gap | undefined {
  if (error instanceof PriorMissing) return { reason: 'prior_missing', message: error.message };
  if (!(error instanceof OffsetOutOfRange)) return undefined;
  return { reason: 'offset_out_of_range', message: error.message };
}
