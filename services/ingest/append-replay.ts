import { LIMITS } from '../../schemas/limits.ts';
import type { TickStep } from './boundaries.ts';
import type { AliasStep, RecordsStep, ReplayStep } from './replay.ts';
import type { Ingest } from './submit.ts';
import { addSums, NO_SUMS, type Sums } from './tally.ts';

/** What a caller of `appendReplay` does between the records. */
export type ReplayHooks = {
  /** Recorded time stands at `at_ms` and everything before it is durable: wait for detect, build and adopt a prior. */
  onCut(at_ms: number): Promise<void>;
  /** After every durable write: bytes read of the recordings, and the sums so far. */
  onProgress?(progress: { readonly bytes_read: number; readonly sums: Sums }): void;
};

/** Runs a whole replay into the log, in atomic writes of bounded size. Returns the sums of all its items. */
export async function appendReplay(
  ingest: Pick<Ingest, 'append'>,
  steps: AsyncIterable<ReplayStep>,
  hooks: ReplayHooks,
): Promise<Sums> {
  let sums = NO_SUMS;
  let batch = emptyBatch();
  const flush = async (): Promise<void> => {
    if (batch.steps.length === 0) return;
    sums = addSums(sums, await ingest.append(batch.steps));
    hooks.onProgress?.({ bytes_read: batch.bytes_read, sums });
    batch = { ...emptyBatch(), bytes_read: batch.bytes_read };
  };
  for await (const step of steps) {
    if (step.kind === 'cut') {
      await flush();
      await hooks.onCut(step.at);
    } else {
      batch.steps.push(step);
      batch.items += step.kind === 'records' ? step.decided.length : 1;
      if (step.kind === 'records') {
        batch.bytes += step.bytes;
        batch.bytes_read = step.bytes_read;
      }
      if (batch.items >= LIMITS.replay_batch_items_max || batch.bytes >= LIMITS.replay_batch_bytes_max) await flush();
    }
  }
  await flush();
  return sums;
}

type Batch = {
  readonly steps: (RecordsStep | AliasStep | TickStep)[];
  items: number;
  bytes: number;
  bytes_read: number;
};

function emptyBatch(): Batch {
  return { steps: [], items: 0, bytes: 0, bytes_read: 0 };
}
