import { LIMITS } from '../../../schemas/limits.ts';
import { type Appended, LogUnavailable, PositionConflict, type Topic } from '../event-log.ts';
import type { Telemetry } from '../telemetry.ts';
import type { Committed } from './commit.ts';
import type { CheckedWrite } from './write-check.ts';

type Queued = {
  readonly checked: CheckedWrite;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
};

export type WriteQueue = {
  /** Resolves when the write is durable. */
  add(checked: CheckedWrite): Promise<Appended>;
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>;
};

/** Joins the writes of one turn into one transaction, in the order in which they were asked for. */
export function createWriteQueue(options: {
  readonly telemetry: Telemetry;
  /** One transaction; rejects when all of it was rolled back. */
  readonly commit: (writes: readonly CheckedWrite[]) => Promise<Committed>;
  readonly committed: (ends: Committed['ends']) => void;
}): WriteQueue {
  const { telemetry } = options;
  let queue: Queued[] = [];
  let draining: Promise<void> | undefined;

  const commit = async (group: readonly Queued[]): Promise<void> => {
    let result: Committed;
    try {
      result = await options.commit(group.map((queued) => queued.checked));
    } catch (error) {
      // Rolled back as a whole: alone, each write succeeds or fails for its own sake.
      if (group.length > 1) for (const queued of group) await commit([queued]);
      else refuse(telemetry, group, error);
      return;
    }
    countAppended(telemetry, group, result.outcomes);
    options.committed(result.ends);
    group.forEach((queued, index) => {
      const outcome = result.outcomes[index] as Committed['outcomes'][number];
      if (outcome instanceof PositionConflict) queued.reject(outcome);
      else queued.resolve(appendedAt(queued.checked, outcome));
    });
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      await nextTurn();
      const size = groupSize(queue);
      const group = queue.slice(0, size);
      queue = queue.slice(size);
      await commit(group);
    }
    draining = undefined;
  };

  return {
    add: (checked) =>
      new Promise((resolve, reject) => {
        queue.push({ checked, resolve, reject });
        draining ??= drain();
      }),
    drained: async () => draining,
  };
}

/** Lets everything that is ready run first: what it writes joins the next transaction. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How many of the waiting writes go into one transaction: at least one, and not much over the limit in bytes. */
function groupSize(queue: readonly Queued[]): number {
  let bytes = 0;
  let size = 0;
  while (size < queue.length && bytes < LIMITS.log_group_bytes_max) {
    bytes += (queue[size] as Queued).checked.bytes;
    size++;
  }
  return size;
}

function refuse(telemetry: Telemetry, group: readonly Queued[], error: unknown): void {
  const reason = error instanceof LogUnavailable ? error.reason : 'defect';
  telemetry.occurred('log_unavailable', { reason }, { error: String(error) });
  for (const queued of group) queued.reject(error);
}

function appendedAt({ partitions }: CheckedWrite, offsets: readonly number[]): Appended {
  return { offsets: offsets.map((offset, index) => ({ partition: partitions[index] as number, offset })) };
}

function countAppended(telemetry: Telemetry, group: readonly Queued[], outcomes: Committed['outcomes']): void {
  const appended = new Map<Topic, number>();
  group.forEach(({ checked }, index) => {
    if (outcomes[index] instanceof PositionConflict) return;
    for (const { topic } of checked.write.records) appended.set(topic, (appended.get(topic) ?? 0) + 1);
  });
  telemetry.occurred('log_commits', {});
  for (const [topic, count] of appended) telemetry.occurred('log_records_appended', { topic }, undefined, count);
}
