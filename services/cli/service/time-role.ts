import { randomBytes } from 'node:crypto';
import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import { buildPriorInThread } from '../../detect/prior-thread.ts';
import { appendTick, budgetOf, requestPrior, runPriorBuilder, waitingPriors } from '../../detect/priors.ts';
import { spanTickRecord } from '../../ingest/record.ts';
import { systemClock } from '../../platform/clock.ts';
import { type EventLog, TOPICS, type Topic } from '../../platform/event-log.ts';
import type { DetectStore } from '../../platform/store.ts';
import { createCutPolicy } from '../recorded/cut-policy.ts';
import type { Foundation } from './foundation.ts';
import { topicOf } from './ingest-role.ts';
import { isPassing } from './membership.ts';
import { holdOffice, type Office, together } from './office.ts';

/**
 * Live time, kept by the one process that holds the office: a tick a minute in every partition, new priors whenever the
 * population has grown enough, and their making. All of it is in the log, so what follows from it is the same in every run.
 */
export function startTime(foundation: Foundation): Office {
  const { log, telemetry } = foundation;
  const work = (signal: AbortSignal): Promise<void> =>
    together(signal, [
      (either) => keepTime(foundation, either),
      (either) => askForRecorded(foundation, either),
      (either) => buildPriors(foundation, either),
    ]);
  return holdOffice({ name: 'time', log, clock: systemClock, telemetry, topic: TOPICS.control, work });
}

/** Builds the priors that are asked for until the signal aborts. */
export function buildPriors({ log, store, config }: Foundation, signal: AbortSignal): Promise<void> {
  const budget = budgetOf(config.detect);
  const build = (cuts: readonly Uint8Array[]) => buildPriorInThread(cuts, budget);
  return runPriorBuilder({ log, store, clock: systemClock, build }, signal);
}

async function keepTime({ log, store }: Foundation, signal: AbortSignal): Promise<void> {
  const minute = createMinute({ log, accepted: () => acceptedLive(log, store) });
  await systemClock.sleep(LIMITS.tick_ms, signal);
  await every(LIMITS.tick_ms, signal, minute);
}

/** Recorded streams are read at any speed, so the population grows by the second. */
const RECORDED_LOOK_MS = UNITS.SECOND_MS;

/**
 * Asks for priors on behalf of the topics that hold recordings. Where the requests stand depends on the speed at which
 * the recording is read; they stand in the log, and everything else follows from that.
 */
async function askForRecorded({ log, config }: Foundation, signal: AbortSignal): Promise<void> {
  const recorded = config.ingest.sources.filter((source) => source.recorded);
  const topics = recorded.map(({ topic }) => topicOf(config, topic));
  if (topics.length === 0) return untilAborted(signal);
  const ask = createRequests({ log, kind: 'recorded', accepted: () => acceptedFrom(log, topics) });
  await every(RECORDED_LOOK_MS, signal, ask);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await systemClock.sleep(UNITS.HOUR_MS, signal);
}

async function every(ms: number, signal: AbortSignal, work: (now_ms: number) => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await work(systemClock.now());
    } catch (error) {
      // Log and store count and report what they could not take; the next time makes up for this one.
      if (!isPassing(error)) throw error;
    }
    await systemClock.sleep(ms, signal);
  }
}

type Seams = {
  readonly log: EventLog;
  /** Events accepted so far, over all partitions. */
  readonly accepted: () => Promise<number>;
  readonly newId?: () => string;
};

/** What is to be done once a minute. */
export function createMinute(seams: Seams): (now_ms: number) => Promise<void> {
  const ask = createRequests({ ...seams, kind: 'live' });
  return async (now_ms) => {
    await appendTick(seams.log);
    await tickWaiting(seams.log);
    await ask(now_ms);
  };
}

/** Waits for an identity end also while nothing flows. */
async function tickWaiting(log: EventLog): Promise<void> {
  const { partitions } = await log.describe(TOPICS.spans);
  await log.transact({ records: Array.from({ length: partitions }, (_, at) => spanTickRecord(at, undefined)) });
}

/** Asks for a prior whenever the population has grown enough, and only once the one before it is there. */
function createRequests(seams: Seams & { readonly kind: 'live' | 'recorded' }): (now_ms: number) => Promise<void> {
  const { log, accepted, kind, newId = () => randomBytes(4).toString('hex') } = seams;
  const cuts = createCutPolicy();
  let counted: number | undefined;
  return async (now_ms) => {
    const sum = await accepted();
    cuts.add(sum - (counted ?? sum));
    counted = sum;
    const waits = (await waitingPriors(log)).some((version) => version.startsWith(`${kind}-`));
    if (!waits && cuts.take(now_ms)) await requestPrior(log, { version: `${kind}-${now_ms}-${newId()}` });
  };
}

/**
 * Live events that detect has accepted, as of the checkpoints of all partitions, whoever works on them. A recording that
 * is replayed asks for its own priors, at places that do not depend on its speed.
 */
async function acceptedLive(log: EventLog, store: Pick<DetectStore, 'readManifest'>): Promise<number> {
  const { partitions } = await log.describe(TOPICS.events);
  let sum = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const { accepted = 0, accepted_recorded = 0 } =
      (await store.readManifest(TOPICS.events, partition))?.counters ?? {};
    sum += accepted - accepted_recorded;
  }
  return sum;
}

async function acceptedFrom(log: EventLog, topics: readonly Topic[]): Promise<number> {
  const counters = await log.counters();
  return topics.reduce((sum, topic) => sum + (counters.get(`ingest.source.${topic}.accepted`) ?? 0), 0);
}
