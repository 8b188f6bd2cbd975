import type { Gap } from '../../schemas/gap.ts';
import type { Manifest } from '../../schemas/outputs.ts';
import { TOPICS } from '../platform/event-log.ts';
import { type GapEvidence, type GapPlace, type GapPort, gapOf } from '../platform/gaps.ts';

/**
 * A partition whose past cannot be continued honestly. It stays stopped until an operator decides, because going on would
 * silently lose or repeat events.
 */
export type GapReason =
  | 'manifest_missing'
  | 'offset_before_log'
  | 'offset_beyond_log'
  | 'generation_changed'
  | 'partition_count_changed'
  | 'prior_missing'
  | 'too_many_failures'
  /** Nothing to decide: it is tried again. */
  | 'take_up_failed';

export const placeOf = (partition: number): GapPlace => ({ stage: 'detect', topic: TOPICS.events, partition });

/** What a partition holds: whoever finds the same gap finds it under the same id, whatever has become of the log. */
export const evidenceOf = ({ generation, partitions, next_offset }: Manifest): GapEvidence => [
  generation,
  partitions,
  next_offset,
];

export function detectGap(
  partition: number,
  reason: GapReason,
  message: string,
  evidence: GapEvidence,
  lost?: number,
): Gap {
  return gapOf({ ...placeOf(partition), reason, message, ...(lost === undefined ? {} : { lost }) }, evidence);
}

/** For where nobody decides about gaps: a partition that meets one stands still. */
export function undecidedGaps(): GapPort {
  return {
    report: async () => {},
    decision: () => undefined,
    changed: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    closed: async () => {},
    hidden: () => undefined,
    working: async () => {},
  };
}
