import { randomBytes } from 'node:crypto';
import { createModel } from '../../../detectors/model.ts';
import { describeAlert } from '../../../detectors/recommend.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { buildPriorInThread } from '../../detect/prior-thread.ts';
import { appendTick, requestPrior, runPriorBuilder, waitingPriors } from '../../detect/priors.ts';
import { DetectRunner } from '../../detect/runner.ts';
import { systemClock } from '../../platform/clock.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../platform/event-log.ts';
import { createCutPolicy } from '../recorded/cut-policy.ts';
import type { Foundation } from './foundation.ts';

/** Detect of one process: the runner over all assigned partitions and the builder of priors. */
export type Detection = {
  readonly runner: DetectRunner;
  /** Resolves when detection has ended; rejects with what ended it against its will. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
};

export async function startDetection(foundation: Foundation): Promise<Detection> {
  const { log, store, telemetry, config } = foundation;
  const model = createModel();
  const { lateness_ms, alerts_per_1000_identity_days } = config.detect;
  const worker = { model, describe: describeAlert, lateness_ms, pack: store.packEvent };
  const runner = new DetectRunner({ log, store, clock: systemClock, telemetry, worker });
  const assignment = await log.subscribe(TOPICS.events, 'countersign.detect', {
    assigned: (partition) => runner.assign(partition),
    revoked: async () => {},
  });
  const stopping = new AbortController();
  const running = runner.run();
  const build = (cuts: readonly Uint8Array[]) => buildPriorInThread(cuts, alerts_per_1000_identity_days);
  const builder = { log, store, clock: systemClock, build };
  const building = runPriorBuilder(builder, stopping.signal);
  const ended = Promise.all([running, building]).then(() => undefined);
  // Whoever cares asks; the others learn of it by what stops working.
  ended.catch(() => undefined);
  return {
    runner,
    ended,
    async stop() {
      stopping.abort();
      await building.catch(() => undefined);
      await runner.stop({ checkpoint: true });
      await running.catch(() => undefined);
      await assignment.close();
    },
  };
}

/**
 * Live time: a tick a minute in every partition, and a new prior whenever the population has grown enough. Both are
 * records of the log, written by this process alone, so what follows from them is the same in every run.
 */
export async function keepTime(foundation: Foundation, runner: DetectRunner, signal: AbortSignal): Promise<void> {
  const minute = createMinute(foundation.log, runner);
  while (!signal.aborted) {
    await systemClock.sleep(LIMITS.tick_ms, signal);
    if (signal.aborted) return;
    try {
      await minute(systemClock.now());
    } catch (error) {
      // The log counts and reports what it could not take; the next tick makes up for this one.
      if (!(error instanceof LogUnavailable)) throw error;
    }
  }
}

/** What is to be done once a minute. A live prior is asked for only when the one before it is there. */
export function createMinute(
  log: EventLog,
  runner: Pick<DetectRunner, 'status'>,
  newId: () => string = () => randomBytes(4).toString('hex'),
): (now_ms: number) => Promise<void> {
  const cuts = createCutPolicy();
  let counted = acceptedLive(runner);
  return async (now_ms) => {
    await appendTick(log);
    const accepted = acceptedLive(runner);
    cuts.add(accepted - counted);
    counted = accepted;
    const waits = (await waitingPriors(log)).some((version) => version.startsWith(LIVE));
    if (!waits && cuts.take(now_ms)) await requestPrior(log, { version: `${LIVE}${now_ms}-${newId()}` });
  };
}

const LIVE = 'live-';

/** A recording asks for its own priors, at places that do not depend on its speed. */
function acceptedLive(runner: Pick<DetectRunner, 'status'>): number {
  return runner
    .status()
    .reduce((sum, { counters }) => sum + (counters.accepted ?? 0) - (counters.accepted_recorded ?? 0), 0);
}
