import type { Gap } from '../../schemas/gap.ts';
import type { Manifest } from '../../schemas/outputs.ts';
import type { NamedPulse } from '../../schemas/pulse.ts';
import type { PartitionWorker } from './worker.ts';

/** How one partition stands, for readiness, metrics and people. Offsets are those of the log. */
export type PartitionStatus = {
  readonly partition: number;
  readonly state: 'running' | 'gap';
  readonly gap?: Gap;
  readonly next_offset: number;
  readonly durable_offset: number;
  readonly resident: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly watermark: { readonly live: number; readonly recorded: number };
  /** How its sources and peer groups are heard of. */
  readonly pulses: readonly NamedPulse[];
};

/** A worker, and up to where its work is durable. */
export type Taken = { readonly worker: PartitionWorker; durable: number };

export function statusOf(partition: number, { worker, durable }: Taken): PartitionStatus {
  return {
    partition,
    state: 'running',
    next_offset: worker.next - worker.offset_base,
    durable_offset: durable - worker.offset_base,
    resident: worker.resident,
    counters: worker.counters,
    watermark: worker.watermark,
    pulses: worker.pulses,
  };
}

/** A partition without a worker, as far as its last manifest tells. */
export function standingStatusOf(partition: number, manifest: Manifest | undefined): PartitionStatus {
  const next = manifest === undefined ? 0 : manifest.next_offset - manifest.offset_base;
  return {
    partition,
    state: 'gap',
    next_offset: next,
    durable_offset: next,
    resident: 0,
    counters: manifest?.counters ?? {},
    watermark: { live: manifest?.watermark_live ?? 0, recorded: manifest?.watermark_recorded ?? 0 },
    pulses: manifest?.pulses?.all ?? [],
  };
}
