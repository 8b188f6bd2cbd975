import type { AlertBudget, GroupState, Model } from '../../detectors/contract.ts';
import { LIMITS } from '../../schemas/limits.ts';
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
 *
 * Requests wait in line: each is built and announced, oldest first, so nobody waits for a version that was passed over.
 */
export type PriorOptions = {
  readonly log: EventLog;
  readonly store: DetectStore;
  readonly clock: Clock;
  /** Makes the bytes of a prior from the cuts of all partitions. */
  readonly build: (cuts: readonly Uint8Array[]) => Promise<Uint8Array>;
};

/** `at` is the recorded clock, when the stream carries one. */
export type PriorRequest = { readonly version: string; readonly at?: number };

type Positions = readonly { readonly name: string; readonly position: string }[];

/** The requests that were not announced yet, oldest first, as JSON. */
const WAITING = 'detect.priors.waiting';
const POLL_MS = 20;
const POLL_MS_MAX = 500;
const IDLE_MS = 100;
const RETRY_MS = 1000;

/**
 * Asks every partition for its groups as of now; `positions` move in the same write. A version that waits already is not
 * asked for again. False when too many wait.
 */
export async function requestPrior(log: EventLog, request: PriorRequest, positions: Positions = []): Promise<boolean> {
  for (;;) {
    const { position, requests } = await readWaiting(log);
    if (requests.some(({ version }) => version === request.version)) return true;
    if (requests.length >= LIMITS.priors_waiting_max) return false;
    try {
      await log.transact({
        records: await inEveryPartition(log, { type: 'cut', ...request }),
        positions: [{ name: WAITING, position: JSON.stringify([...requests, request]) }, ...positions],
        expect: { name: WAITING, position },
      });
      return true;
    } catch (error) {
      if (!(error instanceof PositionConflict)) throw error;
    }
  }
}

/** Versions that were asked for and not announced yet, oldest first. */
export async function waitingPriors(log: EventLog): Promise<string[]> {
  return (await readWaiting(log)).requests.map(({ version }) => version);
}

/** Resolves true once the requested version is announced in every partition, false when the signal aborts first. */
export async function awaitPrior(log: EventLog, clock: Clock, version: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (!(await waitingPriors(log)).includes(version)) return true;
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
  const { clock } = options;
  const builder = createPriorBuilder(options);
  let poll_ms = POLL_MS;
  while (!signal.aborted) {
    try {
      const step = await builder.step();
      poll_ms = step === 'cuts_missing' ? Math.min(poll_ms * 2, POLL_MS_MAX) : POLL_MS;
      if (step !== 'announced') await clock.sleep(step === 'idle' ? IDLE_MS : poll_ms, signal);
    } catch (error) {
      const passing =
        error instanceof StoreUnavailable || error instanceof LogUnavailable || error instanceof PositionConflict;
      if (!passing) throw error;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

export type PriorBuilder = {
  /** Takes the oldest request as far as its cuts are there. */
  step(): Promise<'idle' | 'cuts_missing' | 'announced'>;
};

export function createPriorBuilder({ log, store, build }: PriorOptions): PriorBuilder {
  /** Cuts of the request at hand that were read already, by partition. */
  let cuts: { readonly version: string; readonly bytes: Uint8Array[] } = { version: '', bytes: [] };

  const allCuts = async (version: string): Promise<readonly Uint8Array[] | undefined> => {
    if (cuts.version !== version) cuts = { version, bytes: [] };
    const { partitions } = await log.describe(TOPICS.events);
    while (cuts.bytes.length < partitions) {
      const bytes = await store.readPrior(cutName(version, cuts.bytes.length));
      if (bytes === undefined) return undefined;
      cuts.bytes.push(bytes);
    }
    return cuts.bytes;
  };

  return {
    async step() {
      const { position, requests } = await readWaiting(log);
      const [request, ...others] = requests;
      if (request === undefined) return 'idle';
      if ((await store.readPrior(request.version)) === undefined) {
        const found = await allCuts(request.version);
        if (found === undefined) return 'cuts_missing';
        await store.writePrior(request.version, await build(found));
      }
      cuts = { version: '', bytes: [] };
      await log.transact({
        records: await inEveryPartition(log, { type: 'prior', ...request }),
        positions: [{ name: WAITING, position: JSON.stringify(others) }],
        expect: { name: WAITING, position },
      });
      return 'announced';
    },
  };
}

/** The operator's budget, as it was configured. */
export function budgetOf(config: {
  readonly alerts_per_1000_identity_days: number;
  readonly alerts_per_day?: number | undefined;
}): AlertBudget {
  const { alerts_per_day, alerts_per_1000_identity_days } = config;
  return alerts_per_day === undefined ? alerts_per_1000_identity_days : { alerts_per_day };
}

/** The prior that follows from the cuts of all partitions: the same bytes in whatever order they come. */
export function buildPriorFrom(model: Model, cuts: readonly Uint8Array[], budget: AlertBudget): Uint8Array {
  const merged = new Map<string, GroupState[]>();
  for (const bytes of cuts) {
    for (const [name, state] of decodeCut(bytes, model)) {
      const states = merged.get(name);
      if (states === undefined) merged.set(name, [state]);
      else states.push(state);
    }
  }
  return model.buildPrior(merged, budget);
}

async function readWaiting(log: EventLog): Promise<{ position: string | undefined; requests: PriorRequest[] }> {
  const position = await log.position(WAITING);
  return { position, requests: position === undefined ? [] : (JSON.parse(position) as PriorRequest[]) };
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
