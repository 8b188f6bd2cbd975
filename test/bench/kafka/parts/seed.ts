import { startDetection } from '../../../../services/cli/service/detection.ts';
import { type Foundation, openFoundation } from '../../../../services/cli/service/foundation.ts';
import { tickRecord } from '../../../../services/ingest/record.ts';
import { type EventLog, type NewRecord, TOPICS } from '../../../../services/platform/event-log.ts';
import { silentTelemetry } from '../../../../services/platform/telemetry.ts';
import { playHistory } from '../../history.ts';
import { canonicalHistory, canonicalInput, type Input, TICK_MS } from '../../input.ts';
import { newRecords } from '../../log-records.ts';
import { configOf } from '../cluster.ts';
import { PARTITIONS } from '../sizes.ts';
import type { OpenPart } from './part.ts';

const VERSION = 'bench';
const WRITE_RECORDS = 1_000;

/**
 * Fills the events topic, and a store with the baselines and the prior of the history: every process of the detect hop
 * begins with a copy of it, behind the history.
 */
export const openSeed: OpenPart = async (given) => {
  const foundation = await openFoundation(configOf(given), silentTelemetry());
  let seeded: Promise<void> | undefined;
  let done = 0;
  return {
    get progress() {
      return { done, durable: true };
    },
    go: () => {
      seeded = seed(foundation, given.size).then(() => {
        done = 1;
      });
    },
    close: async () => {
      await seeded;
      await foundation.close();
    },
  };
};

async function seed(foundation: Foundation, size: Parameters<typeof playHistory>[0]): Promise<void> {
  const { log, store } = foundation;
  const history = canonicalHistory(size);
  await store.writePrior(VERSION, playHistory(size).prior);
  await append(log, history);
  await log.transact({ records: adoption(history.times.at(-1) as number) });
  const detection = await startDetection(foundation);
  await untilApplied(detection, history.items.length);
  await detection.runner.checkpoint();
  await detection.stop();
  await append(log, canonicalInput(size));
}

/** Events on the recorded clock, and a tick in every partition whenever that crosses a boundary. */
async function append(log: EventLog, input: Input): Promise<void> {
  let batch: NewRecord[] = [];
  let ticked = Number.NEGATIVE_INFINITY;
  for (const [index, record] of newRecords(input).entries()) {
    const tick = Math.floor((input.times[index] as number) / TICK_MS) * TICK_MS;
    if (tick > ticked)
      for (let partition = 0; partition < PARTITIONS; partition++) batch.push(tickRecord(partition, tick));
    ticked = Math.max(ticked, tick);
    batch.push(record);
    if (batch.length < WRITE_RECORDS) continue;
    await log.transact({ records: batch });
    batch = [];
  }
  if (batch.length > 0) await log.transact({ records: batch });
}

function adoption(at: number): NewRecord[] {
  const value = Buffer.from(JSON.stringify({ type: 'prior', at, version: VERSION }));
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    return { topic: TOPICS.events, partition, key: 'prior', value };
  });
}

async function untilApplied(detection: Awaited<ReturnType<typeof startDetection>>, events: number): Promise<void> {
  for (;;) {
    const applied = detection.runner.status().reduce((sum, { counters }) => sum + (counters.accepted ?? 0), 0);
    if (applied >= events) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
