import type { Gap } from './gap.ts';
import type { PartitionWorker } from './worker.ts';

/** How one partition stands, for readiness, metrics and people. */
export type PartitionStatus = {
  readonly partition: number;
  readonly state: 'running' | 'gap';
  readonly gap?: Gap;
  readonly next_offset: number;
  readonly durable_offset: number;
  readonly resident: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly watermark: { readonly live: number; readonly recorded: number };
};

export function statusOf(
  partition: number,
  slot: { readonly worker: PartitionWorker; readonly durable: number; readonly gap: Gap | undefined },
): PartitionStatus {
  const { worker, durable, gap } = slot;
  return {
    partition,
    ...(gap === undefined ? { state: 'running' as const } : { state: 'gap' as const, gap }),
    next_offset: worker.next,
    durable_offset: durable,
    resident: worker.resident,
    counters: worker.counters,
    watermark: worker.watermark,
  };
}

/** A partition that never got a worker. */
export function gapStatusOf(partition: number, gap: Gap): PartitionStatus {
  return {
    partition,
    state: 'gap',
    gap,
    next_offset: 0,
    durable_offset: 0,
    resident: 0,
    counters: {},
    watermark: { live: 0, recorded: 0 },
  };
}
