import { createModel } from '../../../detectors/model.ts';
import { describeAlert } from '../../../detectors/recommend.ts';
import { UNITS } from '../../../schemas/limits.ts';
import { DetectRunner } from '../../detect/runner.ts';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { TOPICS } from '../../platform/event-log.ts';
import type { GapPort } from '../../platform/gaps.ts';
import { openControl } from './control.ts';
import type { Foundation } from './foundation.ts';
import { joinGroup } from './membership.ts';
import { joinStories } from './stories-role.ts';
import { buildPriors } from './time-role.ts';

/** Detect of one process: the runner over the partitions that it was assigned. */
export type Detection = {
  readonly runner: DetectRunner;
  /** Resolves when detection has ended; rejects with what ended it against its will. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
};

/** Joins those who share out the partitions. Resolves once joining has begun. */
export async function joinDetection(foundation: Foundation, gaps: GapPort): Promise<Detection> {
  const { log, store, telemetry, config } = foundation;
  const clock = systemClock;
  const { lateness_ms } = config.detect;
  const worker = { model: createModel(), describe: describeAlert, lateness_ms, pack: store.packEvent };
  const committed = (partition: number, next: number): void => void membership.show([{ partition, next }]);
  const runner = new DetectRunner({ log, store, clock, telemetry, worker, gaps, committed });
  const running = runner.run();
  const membership = joinGroup({
    log,
    clock,
    telemetry,
    topic: TOPICS.events,
    group: 'detect',
    listener: {
      assigned: (partition) => takeUp(runner, partition, clock),
      revoked: (partition, how) => runner.unassign(partition, how),
    },
  });
  const ended = Promise.race([running, membership.failed]);
  // Whoever cares asks; the others learn of it by what stops working.
  ended.catch(() => undefined);
  await membership.joined;
  return {
    runner,
    ended,
    async stop() {
      await runner.stop({ checkpoint: true });
      await running.catch(() => undefined);
      await membership.stop();
    },
  };
}

/** Taking up goes on by itself for as long as the store is away. Longer than this, whoever shares out partitions is not held up. */
const TAKE_UP_MS = 5 * UNITS.SECOND_MS;

/** Resolves once the partition is taken up, or it shows that this takes its time: giving it up must then not wait for it. */
export async function takeUp(
  runner: Pick<DetectRunner, 'assign'>,
  partition: number,
  clock: Pick<Clock, 'sleep'>,
): Promise<void> {
  const over = new AbortController();
  await Promise.race([runner.assign(partition), clock.sleep(TAKE_UP_MS, over.signal)]);
  over.abort();
}

/** Detection for who runs nothing beside it: with its own eyes on the control log, the making of priors, and stories. */
export async function startDetection(foundation: Foundation): Promise<Detection> {
  const control = await openControl(foundation.log);
  const detection = await joinDetection(foundation, control.gaps);
  const stopping = new AbortController();
  const building = buildPriors(foundation, stopping.signal);
  const joining = joinStories(foundation, control.gaps, stopping.signal);
  const ended = Promise.all([detection.ended, building, joining]).then(() => undefined);
  ended.catch(() => undefined);
  return {
    runner: detection.runner,
    ended,
    async stop() {
      stopping.abort();
      await Promise.allSettled([building, joining]);
      await detection.stop();
      await control.close();
    },
  };
}
