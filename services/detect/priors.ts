import type { GroupState, Model } from '../../detectors/contract.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, TOPICS } from '../platform/event-log.ts';
import type { DetectStore } from '../platform/store.ts';
import { decodeCut } from './groups.ts';
import { cutName } from './writer.ts';

/**
 * Builds and announces priors. A version begins with a cut record in every partition; each partition then stores its peer
 * groups as of that very record; from these the prior is built, stored under its version, and announced by a record in
 * every partition, where it counts from its own offset on. All of it is in the log, so a replay adopts the same priors at
 * the same places (promise P3).
 */
export type PriorOptions = {
  readonly log: EventLog;
  readonly store: DetectStore;
  readonly model: Model;
  readonly clock: Clock;
  readonly alerts_per_1000_identity_days: number;
};

/** Asks every partition for its groups as of now. `at` is the recorded clock, when the stream carries one. */
export async function requestCut(log: EventLog, version: string, at?: number): Promise<void> {
  await toEveryPartition(log, { type: 'cut', version, ...(at === undefined ? {} : { at }) });
}

/** Lets the partitions' clocks pass without an event. */
export async function appendTick(log: EventLog, at?: number): Promise<void> {
  await toEveryPartition(log, { type: 'tick', ...(at === undefined ? {} : { at }) });
}

/** Builds the version from its cuts, once all of them are stored, and announces it. A stored version is only announced. */
export async function publishPrior(
  options: PriorOptions,
  version: string,
  at: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { log, store, model } = options;
  if ((await store.readPrior(version)) === undefined) {
    const groups = await collectCuts(options, version, signal);
    if (groups === undefined) return false;
    await store.writePrior(version, model.buildPrior(groups, options.alerts_per_1000_identity_days));
  }
  await toEveryPartition(log, { type: 'prior', version, ...(at === undefined ? {} : { at }) });
  return true;
}

const POLL_MS = 50;

async function collectCuts(
  { log, store, model, clock }: PriorOptions,
  version: string,
  signal: AbortSignal,
): Promise<Map<string, GroupState[]> | undefined> {
  const { partitions } = await log.describe(TOPICS.events);
  const merged = new Map<string, GroupState[]>();
  for (let partition = 0; partition < partitions; partition++) {
    let bytes = await store.readPrior(cutName(version, partition));
    while (bytes === undefined) {
      if (signal.aborted) return undefined;
      await clock.sleep(POLL_MS, signal);
      bytes = await store.readPrior(cutName(version, partition));
    }
    for (const [name, state] of decodeCut(bytes, model)) {
      const states = merged.get(name);
      if (states === undefined) merged.set(name, [state]);
      else states.push(state);
    }
  }
  return merged;
}

async function toEveryPartition(log: EventLog, record: DetectRecord): Promise<void> {
  const { partitions } = await log.describe(TOPICS.events);
  const value = Buffer.from(JSON.stringify(record), 'utf8');
  const records = Array.from({ length: partitions }, (_, partition) => ({
    topic: TOPICS.events,
    partition,
    key: record.type,
    value,
  }));
  await log.transact({ records });
}
