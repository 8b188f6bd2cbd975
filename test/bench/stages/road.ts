import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { replayIntoLog } from '../../../services/cli/recorded/replay-into-log.ts';
import { replayRecords } from '../../../services/ingest/replay.ts';
import type { Ingest } from '../../../services/ingest/submit.ts';
import { systemClock } from '../../../services/platform/clock.ts';
import { withDirectory } from '../directory.ts';
import { canonicalHistory, canonicalInput, contextFor, type Input, TICK_MS } from '../input.ts';
import { collectGarbage, type Measured, median, type Sample, sample, summarise } from '../measure.ts';
import type { Size } from '../modes.ts';
import { onRoad, type Road } from '../service.ts';
import { batches, type SubmittedBatch } from '../submit.ts';

/** Milliseconds between turns of the event loop, over the measured part of the road. */
export type LoopDelay = { readonly p50_ms: number; readonly p99_ms: number; readonly max_ms: number };
export type RoadFigures = {
  /** Until everything is scored, learned and durable in ClickHouse, baselines included. */
  readonly road: Measured;
  /** Until everything is durable in the log, while detect works behind it. */
  readonly acknowledged: Measured;
  readonly loop_delay: LoopDelay;
};

/** Of the measured events so many come first, untimed: restored state comes back from the store with them. */
const WARM_UP_SHARE = 0.2;
/** Submitted batches that wait for their acknowledgement at the same time. */
const IN_FLIGHT = 4;

/** Events submitted as fast as they are acknowledged, on a data directory that holds the history. */
export function measureRoad(size: Size): Promise<RoadFigures> {
  const input = canonicalInput(size);
  const events = input.items.length - warmUpEvents(input);
  const work = { events, bytes: Math.round((input.bytes * events) / input.items.length) };
  return withDirectory(async (path) => {
    const seeded = join(path, 'seeded');
    await onRoad(seeded, (road) => replayHistory(road, canonicalHistory(size)));
    const rounds: Round[] = [];
    for (let round = 0; round < size.road_rounds; round++) {
      const copy = join(path, `round-${round}`);
      await cp(seeded, copy, { recursive: true });
      rounds.push(await onRoad(copy, (road) => drive(road, input)));
    }
    return {
      road: summarise(
        work,
        rounds.map(({ whole }) => whole),
      ),
      acknowledged: summarise(
        work,
        rounds.map(({ acknowledged }) => acknowledged),
      ),
      loop_delay: {
        p50_ms: median(rounds.map(({ delay }) => delay.p50_ms)),
        p99_ms: median(rounds.map(({ delay }) => delay.p99_ms)),
        max_ms: Math.max(...rounds.map(({ delay }) => delay.max_ms)),
      },
    };
  });
}

function warmUpEvents({ items }: Input): number {
  return Math.floor(items.length * WARM_UP_SHARE);
}

/** The history as a recording, priors adopted on the way. */
async function replayHistory({ foundation, detection, ingest }: Road, { items, bytes }: Input): Promise<void> {
  const lines = items.map((item) => Buffer.concat([item.bytes, NEWLINE]));
  const recording = {
    name: 'history',
    chunks: (async function* () {
      yield* lines;
    })(),
    size_bytes: bytes,
  };
  const { signal } = new AbortController();
  const seams = { log: foundation.log, ingest, clock: systemClock, signal };
  await replayIntoLog(seams, replayRecords([recording], contextFor('canonical')), () => {});
  await detection.runner.drain();
}

const NEWLINE = Buffer.from('\n');

type Round = { readonly whole: Sample; readonly acknowledged: Sample; readonly delay: LoopDelay };

async function drive({ foundation, detection, ingest }: Road, input: Input): Promise<Round> {
  const warm = warmUpEvents(input);
  const before = (await foundation.store.totals()).events;
  await submitAll(ingest, batches(input, { from: 0, to: warm }));
  await detection.runner.drain();
  collectGarbage();

  const delay = monitorEventLoopDelay({ resolution: 1 });
  let acknowledged: Sample = { wall_ms: 0, cpu_ms: 0 };
  delay.enable();
  const whole = await sample(async () => {
    acknowledged = await sample(() => submitAll(ingest, batches(input, { from: warm, to: input.items.length })));
    await detection.runner.drain();
  });
  delay.disable();
  const events = (await foundation.store.totals()).events - before;
  if (events !== input.items.length) throw new Error(`the store holds ${events} of ${input.items.length} events`);
  const ms = (nanoseconds: number): number => nanoseconds / 1e6;
  const at = { p50_ms: ms(delay.percentile(50)), p99_ms: ms(delay.percentile(99)), max_ms: ms(delay.max) };
  return { whole, acknowledged, delay: at };
}

/** Keeps a few batches in flight, and lets recorded time pass as a replay does. */
async function submitAll(ingest: Ingest, all: readonly SubmittedBatch[]): Promise<void> {
  const queue = all.values();
  let ticked = Number.NEGATIVE_INFINITY;
  const submit = async (): Promise<void> => {
    for (const { items, at } of queue) {
      const tick = Math.floor(at / TICK_MS) * TICK_MS;
      if (tick > ticked) {
        ticked = tick;
        await ingest.tick(tick);
      }
      await ingest.submit(items, { format: 'canonical', origin: 'bench', at });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, submit));
}
