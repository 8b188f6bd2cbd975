import type { DetectPartition } from '../../api/ports.ts';
import type { PartitionStatus } from '../../detect/status.ts';
import { committedName } from '../../detect/writer.ts';
import { type EventLog, TOPICS } from '../../platform/event-log.ts';
import { type DetectStore, StoreUnavailable } from '../../platform/store.ts';
import type { Detection } from './detection.ts';

/**
 * All partitions of detect, whoever works on them: those of this process as they stand in its memory, the others as of
 * their last checkpoint, which is what others can know of them.
 */
export async function allPartitions(
  { log, store }: { readonly log: EventLog; readonly store: Pick<DetectStore, 'readManifest'> },
  detection: Detection | undefined,
): Promise<readonly DetectPartition[]> {
  const { partitions } = await log.describe(TOPICS.events);
  const own = new Map((detection?.runner.status() ?? []).map((status) => [status.partition, status]));
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const here = own.get(partition);
      return here === undefined ? elsewhere(log, store, partition) : ofThisProcess(here);
    }),
  );
}

function ofThisProcess(status: PartitionStatus): DetectPartition {
  return { ...status, here: true };
}

async function elsewhere(
  log: EventLog,
  store: Pick<DetectStore, 'readManifest'>,
  partition: number,
): Promise<DetectPartition> {
  const [committed, manifest] = await Promise.all([
    log.position(committedName(partition)),
    store.readManifest(TOPICS.events, partition).catch((error: unknown) => {
      if (error instanceof StoreUnavailable) return undefined;
      throw error;
    }),
  ]);
  const next_offset = Number(committed ?? 0);
  return {
    partition,
    here: false,
    state: 'running',
    next_offset,
    durable_offset: next_offset,
    resident: 0,
    counters: manifest?.counters ?? {},
    watermark: { live: manifest?.watermark_live ?? 0, recorded: manifest?.watermark_recorded ?? 0 },
  };
}
