import { randomBytes } from 'node:crypto';
import { createModel } from '../../../detectors/model.ts';
import { describeAlert } from '../../../detectors/recommend.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { buildPriorInThread } from '../../detect/prior-thread.ts';
import { appendTick, requestPrior, runPriorBuilder } from '../../detect/priors.ts';
import { DetectRunner } from '../../detect/runner.ts';
import { systemClock } from '../../platform/clock.ts';
import { TOPICS } from '../../platform/event-log.ts';
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
  const worker = { model, describe: describeAlert, lateness_ms };
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
  return {
    runner,
    ended: Promise.all([running, building]).then(() => undefined),
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
  const { log } = foundation;
  const cuts = createCutPolicy();
  let counted = acceptedLive(runner);
  while (!signal.aborted) {
    await systemClock.sleep(LIMITS.tick_ms, signal);
    if (signal.aborted) return;
    await appendTick(log);
    const accepted = acceptedLive(runner);
    cuts.add(accepted - counted);
    counted = accepted;
    const now = systemClock.now();
    if (cuts.take(now)) await requestPrior(log, { version: `live-${now}-${randomBytes(4).toString('hex')}` });
  }
}

function acceptedLive(runner: DetectRunner): number {
  return runner.status().reduce((sum, { counters }) => sum + (counters.accepted ?? 0), 0);
}
