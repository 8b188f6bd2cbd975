import type { GroupState, Model } from '../../detectors/contract.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, LogUnavailable, type NewRecord, PositionConflict, TOPICS } from '../platform/event-log.ts';
import { type DetectStore, StoreUnavailable } from '../platform/store.ts';
import { decodeCut } from './groups.ts';
import { cutName } from './writer.ts';

/**
 * Builds and announces priors. A version begins with a cut record in every partition; each partition then stores its peer
 * groups as of that very record; from these the one builder makes the prior, stores it under its version, and announces
 * it by a record in every partition, where it counts from its own offset on. All of it is in the log, so a replay adopts
 * the same priors at the same places (promise P3), and a builder that dies is continued by the next.
 */
export type PriorOptions = {
  readonly log: EventLog;
  readonly store: DetectStore;
  readonly model: Model;
  readonly clock: Clock;
  readonly alerts_per_1000_identity_days: number;
};

/** `at` is the recorded clock, when the stream carries one. */
export type PriorRequest = { readonly version: string; readonly at?: number };

const REQUESTED = 'detect.prior.requested';
const ANNOUNCED = 'detect.prior.announced';
const POLL_MS = 20;
const IDLE_MS = 100;

/** Asks every partition for its groups as of now. The newest request counts. `positions` move in the same write. */
export async function requestPrior(
  log: EventLog,
  request: PriorRequest,
  positions: readonly { readonly name: string; readonly position: string }[] = [],
): Promise<void> {
  await log.transact({
    records: await inEveryPartition(log, { type: 'cut', ...request }),
    positions: [{ name: REQUESTED, position: JSON.stringify(request) }, ...positions],
  });
}

/** Resolves true once the version is announced in every partition, false when the signal aborts first. */
export async function awaitPrior(log: EventLog, clock: Clock, version: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if ((await log.position(ANNOUNCED)) === version) return true;
    await clock.sleep(POLL_MS, signal);
  }
  return false;
}

/** Lets the partitions' clocks pass without an event. */
export async function appendTick(log: EventLog): Promise<void> {
  await log.transact({ records: await inEveryPartition(log, { type: 'tick' }) });
}

/** Builds what is requested until the signal aborts. A store or log that is away is waited for. */
export async function runPriorBuilder(options: PriorOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      if (!(await buildRequested(options))) await options.clock.sleep(IDLE_MS, signal);
    } catch (error) {
      const passing =
        error instanceof StoreUnavailable || error instanceof LogUnavailable || error instanceof PositionConflict;
      if (!passing) throw error;
      await options.clock.sleep(1000, signal);
    }
  }
}

/** Builds and announces the newest request as far as its cuts are there. True when it made progress. */
export async function buildRequested(options: PriorOptions): Promise<boolean> {
  const { log, store, model } = options;
  const requested = await log.position(REQUESTED);
  const announced = await log.position(ANNOUNCED);
  if (requested === undefined) return false;
  const request = JSON.parse(requested) as PriorRequest;
  if (request.version === announced) return false;
  if ((await store.readPrior(request.version)) === undefined) {
    const groups = await collectCuts(options, request.version);
    if (groups === undefined) {
      await options.clock.sleep(POLL_MS);
      return true;
    }
    await store.writePrior(request.version, model.buildPrior(groups, options.alerts_per_1000_identity_days));
  }
  await log.transact({
    records: await inEveryPartition(log, { type: 'prior', ...request }),
    positions: [{ name: ANNOUNCED, position: request.version }],
    expect: { name: ANNOUNCED, position: announced },
  });
  return true;
}

/** The groups of all partitions as of the cut; undefined while a partition has not stored them. */
async function collectCuts(
  { log, store, model }: PriorOptions,
  version: string,
): Promise<Map<string, GroupState[]> | undefined> {
  const { partitions } = await log.describe(TOPICS.events);
  const merged = new Map<string, GroupState[]>();
  for (let partition = 0; partition < partitions; partition++) {
    const bytes = await store.readPrior(cutName(version, partition));
    if (bytes === undefined) return undefined;
    for (const [name, state] of decodeCut(bytes, model)) {
      const states = merged.get(name);
      if (states === undefined) merged.set(name, [state]);
      else states.push(state);
    }
  }
  return merged;
}

async function inEveryPartition(log: EventLog, record: DetectRecord): Promise<NewRecord[]> {
  const { partitions } = await log.describe(TOPICS.events);
  const value = Buffer.from(JSON.stringify(record), 'utf8');
  return Array.from({ length: partitions }, (_, partition) => ({
    topic: TOPICS.events,
    partition,
    key: record.type,
    value,
  }));
}
