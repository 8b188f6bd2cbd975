import type { Detection } from '../../../../services/cli/service/detection.ts';
import type { Part } from './part.ts';

/** Events that detect of this process has applied, those included that its partitions had applied before. */
export function appliedBy(detection: Detection | undefined): Part['progress'] {
  const status = detection?.runner.status() ?? [];
  const done = status.reduce((sum, { counters }) => sum + (counters.accepted ?? 0), 0);
  return { done, durable: status.every(({ next_offset, durable_offset }) => next_offset === durable_offset) };
}
