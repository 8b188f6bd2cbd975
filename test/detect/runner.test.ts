import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Model } from '../../detectors/contract.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { undecidedGaps } from '../../services/detect/gap.ts';
import { type DetectOptions, DetectRunner } from '../../services/detect/runner.ts';
import { LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { fakeModel } from '../support/fake-model.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog, trimSimulated } from '../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore } from '../support/simulated-store.ts';
import { describeNothing, eventOf, orderedModel } from './support.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function scene(options: { partitions?: number; model?: Model } & Partial<DetectOptions> = {}) {
  const { partitions = 1, model = fakeModel(), ...knobs } = options;
  const clock = manualClock();
  const disk = newDisk({ partitions, random: () => 0.5 });
  const log = openSimulatedLog({ disk, clock });
  const held = newStoreDisk();
  const away = { now: false };
  const plan = (): 'fail_before' | 'none' => (away.now ? 'fail_before' : 'none');
  const store = openSimulatedStore(held, { plan, random: () => 0, died: () => {} }, []);
  const worker = { model, describe: describeNothing };
  const runner = new DetectRunner({
    log,
    store,
    clock,
    telemetry: silentTelemetry(),
    worker,
    gaps: undecidedGaps(),
    ...knobs,
  });
  for (let p = 0; p < partitions; p++) await runner.assign(p);
  const append = async (record: DetectRecord, partition = 0): Promise<void> => {
    await log.transact({
      records: [{ topic: TOPICS.events, partition, key: 'k', value: Buffer.from(JSON.stringify(record)) }],
    });
  };
  const events = async (from: number, to: number, partition = 0): Promise<void> => {
    for (let n = from; n < to; n++) await append({ type: 'event', event: eventOf(`p${partition}e${n}`) }, partition);
  };
  return { clock, disk, log, held, away, runner, append, events };
}

/** Runs until the condition holds; time passes meanwhile. */
async function until(clock: { advance(ms: number): void }, holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    assert.ok(turns < 20_000, 'the condition never held');
    clock.advance(50);
    await turn();
  }
}

test('reads no further than it can write, and drains when the store is back', async () => {
  const on = await scene({ flush_rows_max: 10, fetch_records_max: 5 });
  await on.events(0, 200);
  // The identity is in memory already when the store goes, so that reading state does not wait for it.
  assert.equal(await on.runner.turn(), true);
  on.away.now = true;
  const running = on.runner.run();
  await until(on.clock, () => on.runner.stalled);
  const written = on.held.events.size;
  let before = -1;
  const next = (): number => on.runner.status()[0]?.next_offset ?? 0;
  await until(on.clock, () => {
    const still = next() === before;
    before = next();
    return still && next() >= 20;
  });
  for (let i = 0; i < 200; i++) {
    on.clock.advance(50);
    await turn();
  }
  assert.ok(next() <= 30, `${next()} records applied while nothing could be written`);
  assert.equal(on.held.events.size, written);
  on.away.now = false;
  await until(on.clock, () => on.held.manifests.get(0)?.next_offset === 200);
  assert.deepEqual([on.held.events.size, on.runner.stalled, on.held.conflicts.length], [200, false, 0]);
  await on.runner.stop({ checkpoint: true });
  await running;
});

test('large records are written before many of them are read', async () => {
  const on = await scene({ flush_bytes_max: 1_000, fetch_records_max: 2, model: orderedModel(fakeModel()) });
  await on.events(0, 20);
  for (let i = 0; i < 4; i++) await on.runner.turn();
  assert.ok(on.held.events.size >= 2, 'rows were written long before the row limit');
});

test('ends in time without the store, and goes on from there at the next start', async () => {
  const on = await scene();
  await on.events(0, 5);
  await on.runner.turn();
  on.away.now = true;
  const running = on.runner.run();
  let stopped = false;
  const stop = on.runner.stop({ checkpoint: true }).then(() => {
    stopped = true;
  });
  await until(on.clock, () => stopped);
  await Promise.all([running, stop]);
  assert.equal(on.held.manifests.get(0)?.next_offset, 0, 'nothing was said to be done');
});

test('a partition whose past is gone stops alone, and keeps what it applied', async () => {
  const on = await scene({ partitions: 2, fetch_records_max: 4 });
  await on.events(0, 4);
  await on.events(0, 4, 1);
  await on.runner.turn();
  await on.append({ type: 'prior', version: 'never written' });
  await on.events(4, 8);
  await on.events(4, 8, 1);
  await on.runner.drain();
  assert.deepEqual(
    on.runner.status().map(({ state, gap, next_offset }) => [state, gap?.reason, next_offset]),
    [
      ['gap', 'prior_missing', 4],
      ['running', undefined, 8],
    ],
  );
  assert.deepEqual([on.held.manifests.get(0)?.next_offset, on.held.manifests.get(1)?.next_offset], [4, 8]);
  await on.events(8, 9, 1);
  trimSimulated(on.disk, TOPICS.events, 1, 9);
  await on.runner.drain();
  assert.equal(on.runner.status()[1]?.gap?.reason, 'offset_before_log');
});

test('a log that cannot be waited on is asked again', async () => {
  const on = await scene();
  const failing = { ...on.log, waitBeyond: () => Promise.reject(new LogUnavailable('busy', 'held by another')) };
  const store = openSimulatedStore(on.held, { plan: () => 'none', random: () => 0, died: () => {} }, []);
  const worker = { model: fakeModel(), describe: describeNothing };
  const telemetry = silentTelemetry();
  const runner = new DetectRunner({ log: failing, store, clock: on.clock, telemetry, worker, gaps: undecidedGaps() });
  await runner.assign(0);
  const running = runner.run();
  await on.events(0, 3);
  await until(on.clock, () => on.held.manifests.get(0)?.next_offset === 3);
  await runner.stop({ checkpoint: true });
  await running;
});

test('not ready while state cannot be read', async () => {
  const on = await scene();
  on.away.now = true;
  await on.events(0, 1);
  const running = on.runner.run();
  await until(on.clock, () => on.runner.stalled);
  on.away.now = false;
  await until(on.clock, () => on.held.manifests.get(0)?.next_offset === 1);
  assert.equal(on.runner.stalled, false);
  await on.runner.stop({ checkpoint: false });
  await running;
});
