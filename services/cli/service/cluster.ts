import type { DetectPartition } from '../../api/ports.ts';
import { openGaps } from '../../control/gap-states.ts';
import type { PartitionStatus } from '../../detect/status.ts';
import { committedName } from '../../detect/writer.ts';
import { type EventLog, TOPICS } from '../../platform/event-log.ts';
import { type Manifest, StoreUnavailable } from '../../platform/store.ts';
import type { Control } from './control.ts';
import type { Detection } from './detection.ts';

type Checkpointed = Pick<Manifest, 'counters' | 'watermark_live' | 'watermark_recorded' | 'pulses'>;

type Seams = {
  readonly log: EventLog;
  readonly store: { readManifest(topic: string, partition: number): Promise<Checkpointed | undefined> };
  readonly control: Pick<Control, 'view'>;
};

/**
 * All partitions of detect, whoever works on them: those of this process as they stand in its memory, the others as of
 * their last checkpoint, which is what others can know of them.
 */
export async function allPartitions(
  seams: Seams,
  detection: { readonly runner: Pick<Detection['runner'], 'status'> } | undefined,
): Promise<readonly DetectPartition[]> {
  const { partitions } = await seams.log.describe(TOPICS.events);
  const own = new Map((detection?.runner.status() ?? []).map((status) => [status.partition, status]));
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const here = own.get(partition);
      return here === undefined ? elsewhere(seams, partition) : ofThisProcess(here);
    }),
  );
}

function ofThisProcess(status: PartitionStatus): DetectPartition {
  return { ...status, here: true };
}

async function elsewhere({ log, store, control }: Seams, partition: number): Promise<DetectPartition> {
  const [committed, manifest] = await Promise.all([
    log.position(committedName(partition)),
    store.readManifest(TOPICS.events, partition).catch((error: unknown) => {
      if (error instanceof StoreUnavailable) return undefined;
      throw error;
    }),
  ]);
  const next_offset = Number(committed ?? 0);
  const standing = openGaps(control.view.state).find(
    ({ gap }) => gap.stage === 'detect' && gap.topic === TOPICS.events && gap.partition === partition,
  );
  return {
    partition,
    here: false,
    ...(standing === undefined ? { state: 'running' as const } : { state: 'gap' as const, gap: standing.gap }),
    next_offset,
    durable_offset: next_offset,
    resident: 0,
    counters: manifest?.counters ?? {},
    watermark: { live: manifest?.watermark_live ?? 0, recorded: manifest?.watermark_recorded ?? 0 },
    pulses: manifest?.pulses?.all ?? [],
  };
}
