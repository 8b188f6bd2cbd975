import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScoredEvent } from '../../schemas/outputs.ts';
import { LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { type DetectStore, StoreRefused, StoreUnavailable } from '../../services/platform/store.ts';
import { fakeModel } from '../support/fake-model.ts';
import { openSimulatedLog } from '../support/simulated-log.ts';
import { type Machine, type Scene, sceneOf, until } from './scene.ts';
import { orderedModel } from './support.ts';

/** Rows that may be held while nothing is taken: a batch in flight, one that is ready, and what one read adds. */
const FLUSH_ROWS = 20;
const FETCH = 10;
const HELD_MAX = 2 * FLUSH_ROWS + 2 * FETCH;
const RECORDS = 600;
const PARTITIONS = 3;

type Outage = (store: DetectStore, on: { away: boolean; readonly back: Promise<void> }) => DetectStore;

/** Ways of a store not to take what it is given. */
const OUTAGES: Readonly<Record<string, Outage>> = {
  'does not answer': (store, on) => ({
    ...store,
    writeOutputs: async (outputs) => {
      if (on.away) await on.back;
      return store.writeOutputs(outputs);
    },
  }),
  'is refused a connection': (store, on) => ({
    ...store,
    writeOutputs: (outputs) =>
      on.away ? Promise.reject(new StoreUnavailable('refused')) : store.writeOutputs(outputs),
  }),
  'takes it and breaks off before it says so': (store, on) => ({
    ...store,
    writeOutputs: async (outputs) => {
      await store.writeOutputs(outputs);
      if (on.away) throw new StoreUnavailable('reset');
    },
  }),
  'takes rows and no state': (store, on) => ({
    ...store,
    writeBlobs: (blobs) => (on.away ? Promise.reject(new StoreUnavailable('full')) : store.writeBlobs(blobs)),
  }),
};

async function pass(on: Scene, turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) {
    on.clock.advance(50);
    await new Promise(setImmediate);
  }
}

const applied = ({ runner }: Machine): number => runner.status().reduce((sum, { next_offset }) => sum + next_offset, 0);
const durable = ({ held }: Scene): number => [...held.manifests.values()].reduce((sum, m) => sum + m.next_offset, 0);

for (const [name, outage] of Object.entries(OUTAGES)) {
  test(`a store that ${name}: reading pauses, little is held, and all of it is written when it is back`, async () => {
    const on = sceneOf({ partitions: PARTITIONS });
    let back: () => void = () => {};
    const state = {
      away: false,
      back: new Promise<void>((resolve) => {
        back = resolve;
      }),
    };
    const plain = on.machine();
    const machine = on.machine({
      model: orderedModel(fakeModel()),
      store: outage(plain.store, state),
      flush_rows_max: FLUSH_ROWS,
      fetch_records_max: FETCH,
      checkpoint_records_max: FLUSH_ROWS,
    });
    for (let p = 0; p < PARTITIONS; p++) await machine.runner.assign(p);
    for (let p = 0; p < PARTITIONS; p++) await on.events(0, RECORDS, p);
    await machine.runner.turn();
    state.away = true;
    const running = machine.runner.run();
    await until(on.clock, () => machine.runner.stalled);
    await pass(on, 400);
    const [first, done] = [applied(machine), durable(on)];
    await pass(on, 400);
    assert.equal(applied(machine), first, 'nothing more is applied');
    assert.ok(first - done <= HELD_MAX * PARTITIONS, `${first - done} records are applied and not durable`);
    assert.ok(machine.runner.stalled);
    state.away = false;
    back();
    await until(on.clock, () => durable(on) === RECORDS * PARTITIONS);
    assert.deepEqual(
      [on.held.events.size, machine.runner.stalled, on.held.conflicts],
      [RECORDS * PARTITIONS, false, []],
    );
    await machine.runner.stop({ checkpoint: true });
    await running;
  });
}

test('a log that takes no alert records pauses everything as well', async () => {
  const on = sceneOf();
  const log = openSimulatedLog({ disk: on.disk, clock: on.clock });
  let away = true;
  const machine = on.machine({
    log: {
      ...log,
      transact: (write) => (away ? Promise.reject(new LogUnavailable('busy', 'slow')) : log.transact(write)),
    },
    flush_rows_max: FLUSH_ROWS,
    fetch_records_max: FETCH,
  });
  await machine.runner.assign(0);
  await on.events(0, RECORDS);
  const running = machine.runner.run();
  await until(on.clock, () => machine.runner.stalled);
  await pass(on, 400);
  assert.ok(applied(machine) <= HELD_MAX * 3, `${applied(machine)} records applied`);
  away = false;
  await until(on.clock, () => durable(on) === RECORDS);
  assert.equal(machine.runner.stalled, false);
  await machine.runner.stop({ checkpoint: true });
  await running;
});

test('one partition whose log does not answer rests alone', async () => {
  const on = sceneOf({ partitions: 2 });
  const log = openSimulatedLog({ disk: on.disk, clock: on.clock });
  let away = true;
  const machine = on.machine({
    log: {
      ...log,
      read: (topic, partition, offset, most) =>
        away && partition === 0
          ? Promise.reject(new LogUnavailable('io', 'no leader'))
          : log.read(topic, partition, offset, most),
    },
  });
  await machine.runner.assign(0);
  await machine.runner.assign(1);
  await on.events(0, 5);
  await on.events(0, 5, 1);
  const running = machine.runner.run();
  await until(on.clock, () => on.held.manifests.get(1)?.next_offset === 5);
  assert.deepEqual([machine.runner.stalled, on.held.manifests.get(0)?.next_offset], [true, 0]);
  away = false;
  await until(on.clock, () => on.held.manifests.get(0)?.next_offset === 5);
  assert.equal(machine.runner.stalled, false);
  await machine.runner.stop({ checkpoint: true });
  await running;
});

test('rows refused for good go to the dead letters, and hold up nothing', async () => {
  const on = sceneOf();
  const plain = on.machine();
  const bad = (row: ScoredEvent): boolean => row.offset % 50 === 7;
  const machine = on.machine({
    model: orderedModel(fakeModel()),
    store: {
      ...plain.store,
      writeOutputs: (outputs) =>
        outputs.events.some(bad) ? Promise.reject(new StoreRefused('no')) : plain.store.writeOutputs(outputs),
    },
    flush_rows_max: FLUSH_ROWS,
  });
  await machine.runner.assign(0);
  await on.events(0, RECORDS);
  await machine.runner.drain();
  const refused = RECORDS / 50;
  assert.deepEqual([durable(on), on.held.events.size], [RECORDS, RECORDS - refused]);
  assert.equal(on.disk.counters.get('detect.refused.events'), refused);
  assert.equal(on.disk.topics.get(TOPICS.dead)?.partitions[0]?.records.length, refused);
});
