import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { fakeModel } from '../support/fake-model.ts';
import { openSimulatedLog } from '../support/simulated-log.ts';
import { passing, sceneOf, until } from './scene.ts';
import { eventOf, orderedModel } from './support.ts';

const manifestOf = (on: { readonly held: ReturnType<typeof sceneOf>['held'] }, partition = 0): number | undefined =>
  on.held.manifests.get(partition)?.next_offset;

test('what was applied is durable before a partition is handed over, and nothing more is applied', async () => {
  const on = sceneOf();
  const [one, two] = [on.machine({ checkpoint_ms: 1e9 }), on.machine()];
  await one.runner.assign(0);
  await on.events(0, 5);
  await one.runner.turn();
  assert.equal(manifestOf(on), 0);
  await one.runner.unassign(0, 'handed_over');
  assert.deepEqual([manifestOf(on), one.runner.status()], [5, []]);
  await on.events(5, 9);
  assert.equal(await one.runner.turn(), false);
  await two.runner.assign(0);
  await two.runner.drain();
  assert.deepEqual([manifestOf(on), on.held.events.size, on.held.conflicts], [9, 9, []]);
});

test('a partition that is lost is dropped at once and nothing of it is written', async () => {
  const on = sceneOf();
  const one = on.machine({ checkpoint_ms: 1e9, flush_ms: 1e9, model: orderedModel(fakeModel()) });
  await one.runner.assign(0);
  await on.events(0, 5);
  await one.runner.turn();
  await one.runner.unassign(0, 'lost');
  await one.runner.checkpoint();
  assert.deepEqual([manifestOf(on), on.held.events.size, on.held.blobs.size], [0, 0, 0]);
});

test('a partition is let go in the middle of a round', async () => {
  for (const how of ['handed_over', 'lost'] as const) {
    const on = sceneOf();
    const one = on.machine({ checkpoint_ms: 1e9, flush_ms: 1e9 });
    await one.runner.assign(0);
    await on.events(0, 40);
    const round = one.runner.turn();
    const left = one.runner.unassign(0, how);
    await Promise.all([round, left]);
    const durable = manifestOf(on) ?? -1;
    assert.equal(on.held.events.size, durable, 'rows and manifest tell of the same records');
    if (how === 'lost') assert.equal(durable, 0);
    const two = on.machine();
    await two.runner.assign(0);
    await two.runner.drain();
    assert.deepEqual([manifestOf(on), on.held.events.size, on.held.conflicts], [40, 40, []]);
  }
});

test('a partition is given on between the read of its records and their application', async () => {
  const on = sceneOf();
  const before = on.machine();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await before.runner.assign(0);
  await on.events(0, 3);
  await before.runner.drain();
  const one = on.machine({
    checkpoint_ms: 1e9,
    store: {
      ...before.store,
      readBlobs: async (topic, partition, keys) => {
        asked.resolve();
        await answer.promise;
        return before.store.readBlobs(topic, partition, keys);
      },
    },
  });
  await one.runner.assign(0);
  await on.events(3, 8);
  const round = one.runner.turn();
  await asked.promise;
  const left = one.runner.unassign(0, 'handed_over');
  answer.resolve();
  await Promise.all([round, left]);
  assert.equal(manifestOf(on), on.held.events.size, 'what counts as applied is what was applied');
  const two = on.machine();
  await two.runner.assign(0);
  await two.runner.drain();
  assert.deepEqual([manifestOf(on), on.held.events.size, on.held.conflicts], [8, 8, []]);
});

test('what is no record is passed, and no further', async () => {
  const on = sceneOf();
  const markers = openSimulatedLog({
    disk: on.disk,
    clock: on.clock,
    faults: () => ({ offsets_skipped: 2, offsets_skipped_after: 1 }),
  });
  const tick = { topic: TOPICS.events, partition: 0, key: 'k', value: Buffer.from('{"type":"tick"}') };
  await markers.transact({ records: [tick] });
  const one = on.machine({ checkpoint_ms: 1 });
  await one.runner.assign(0);
  await one.runner.turn();
  await one.runner.checkpoint();
  const { end } = await markers.bounds(TOPICS.events, 0);
  assert.deepEqual([end, manifestOf(on)], [4, 4]);
  assert.equal(await one.runner.turn(), false);
});

test('a partition comes back while it is still being given on', async () => {
  const on = sceneOf();
  const one = on.machine({ checkpoint_ms: 1e9 });
  await one.runner.assign(0);
  await on.events(0, 5);
  await one.runner.turn();
  one.fault = (operation) => (operation === 'blobs' ? 'fail_before' : 'none');
  let left = false;
  const leaving = one.runner.unassign(0, 'handed_over').then(() => {
    left = true;
  });
  await until(on.clock, () => one.runner.stalled);
  let back = false;
  const coming = one.runner.assign(0).then(() => {
    back = true;
  });
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
  assert.deepEqual([left, back], [false, false], 'it begins where the tenure before it ends');
  one.fault = () => 'none';
  await passing(on.clock, Promise.all([leaving, coming]));
  assert.equal(manifestOf(on), 5);
  await on.events(5, 7);
  await one.runner.drain();
  assert.deepEqual([manifestOf(on), on.held.events.size, on.held.conflicts], [7, 7, []]);
});

test('who is handed over and then lost is waited for no longer', async () => {
  const on = sceneOf();
  const one = on.machine({ checkpoint_ms: 1e9 });
  await one.runner.assign(0);
  await on.events(0, 5);
  await one.runner.turn();
  one.fault = () => 'fail_before';
  const leaving = one.runner.unassign(0, 'handed_over');
  await until(on.clock, () => one.runner.stalled);
  await one.runner.unassign(0, 'lost');
  await leaving;
  assert.equal(manifestOf(on), 0);
});

test('partitions that cannot be taken up hold up no other, and can be taken away', async () => {
  const on = sceneOf({ partitions: 2 });
  const one = on.machine();
  await one.runner.assign(1);
  await on.events(0, 3, 1);
  one.fault = (operation) => (operation === 'history' ? 'fail_before' : 'none');
  const stuck = one.runner.assign(0);
  const running = one.runner.run();
  await until(on.clock, () => manifestOf(on, 1) === 3);
  assert.deepEqual(
    one.runner.status().map(({ partition }) => partition),
    [1],
  );
  assert.equal(one.runner.stalled, true);
  await one.runner.unassign(0, 'lost');
  await stuck;
  assert.equal(one.runner.stalled, false);
  await one.runner.stop({ checkpoint: true });
  await running;
});

test('a take-over that fails for a defect is told, tried again, and ends nothing', async () => {
  const on = sceneOf({ partitions: 2 });
  let defective = true;
  const one = on.machine();
  const broken = on.machine({
    store: {
      ...one.store,
      readManifest: (topic, partition) =>
        defective && partition === 0
          ? Promise.reject(new TypeError('a defect'))
          : one.store.readManifest(topic, partition),
    },
  });
  await broken.runner.assign(0);
  await broken.runner.assign(1);
  await on.events(0, 2);
  await on.events(0, 2, 1);
  await broken.runner.drain();
  assert.deepEqual(
    broken.runner.status().map(({ partition, state, gap }) => [partition, state, gap?.reason]),
    [
      [0, 'gap', 'take_up_failed'],
      [1, 'running', undefined],
    ],
  );
  defective = false;
  await until(on.clock, () => broken.runner.status()[0]?.state === 'running');
  await broken.runner.drain();
  assert.deepEqual([manifestOf(on), manifestOf(on, 1), on.gaps.reported.size], [2, 2, 0]);
});

test('a process that was paused and writes late, after another took over, harms nothing', async () => {
  const on = sceneOf();
  const paused = on.machine({ checkpoint_ms: 1e9, flush_ms: 1e9 });
  await paused.runner.assign(0);
  await on.events(0, 30);
  await paused.runner.turn();
  const heir = on.machine({ fetch_records_max: 7 });
  await heir.runner.assign(0);
  await heir.runner.drain();
  await on.events(30, 35);
  await heir.runner.drain();
  // It goes on as if nothing had happened, before it learns that the partition is lost.
  await paused.runner.checkpoint();
  assert.equal(manifestOf(on), 35);
  await paused.runner.unassign(0, 'lost');
  const next = on.machine();
  await next.runner.assign(0);
  await on.events(35, 40);
  await next.runner.drain();
  assert.deepEqual([manifestOf(on), on.held.events.size, on.held.conflicts], [40, 40, []]);
  assert.equal(on.held.manifests.get(0)?.counters.accepted, 40);
});

test('a group that nobody had heard of is read all the same: an identity that is ahead may have taught it', async () => {
  const on = sceneOf();
  const tell = (id: string, identity: string, group: string): Promise<void> =>
    on.append({ type: 'event', event: eventOf(id, { identity, session: id, group }) });
  const groupOf = (): string => {
    const blob = [...on.held.blobs.values()].find(({ key }) => key.endsWith('\u0000g'));
    return `${blob?.version} ${Buffer.from(blob?.bytes ?? []).toString()}`;
  };
  const owner = on.machine();
  await owner.runner.assign(0);
  await tell('a0', 'a', '');
  await owner.runner.drain();
  const heir = on.machine({ fetch_records_max: 1 });
  await heir.runner.assign(0);
  await tell('a1', 'a', '');
  await tell('a2', 'a', 'g');
  await tell('b1', 'b', 'g');
  on.clock.advance(LIMITS.session_idle_ms);
  await tell('a3', 'a', 'g');
  await tell('b2', 'b', 'g');
  // The owner before it writes late: an identity that the heir knows, and a group that it has not heard of.
  await owner.runner.drain();
  const taught = groupOf();
  await heir.runner.drain();
  assert.match(taught, /"sessions":4/);
  assert.equal(groupOf(), taught);
});

test('after a loss the worker of the old tenure applies nothing, even if its read answers late', async () => {
  const on = sceneOf();
  const one = on.machine();
  await one.runner.assign(0);
  await on.events(0, 3);
  await one.runner.drain();
  let answer: () => void = () => {};
  let asked = false;
  const late = on.machine({
    store: {
      ...one.store,
      readBlobs: async (topic, partition, keys) => {
        asked = true;
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return one.store.readBlobs(topic, partition, keys);
      },
    },
  });
  await late.runner.assign(0);
  await on.events(3, 6);
  const round = late.runner.turn();
  await until(on.clock, () => asked);
  await late.runner.unassign(0, 'lost');
  assert.equal(await round, false, 'the round ends without the answer');
  answer();
  await late.runner.checkpoint();
  assert.deepEqual([manifestOf(on), on.held.events.size], [3, 3]);
});

test('between two records of a batch a loss takes effect', async () => {
  const on = sceneOf();
  const inner = orderedModel(fakeModel());
  const observed: string[] = [];
  const { runner } = on.machine({
    model: {
      ...inner,
      observe(input, score) {
        observed.push(input.event.id);
        if (input.event.id === 'p0e3') void runner.unassign(0, 'lost');
        inner.observe(input, score);
      },
    },
  });
  await runner.assign(0);
  await on.events(0, 10);
  await runner.turn();
  assert.deepEqual(observed, ['p0e0', 'p0e1', 'p0e2', 'p0e3']);
});

test('says how far it is durable, in the offsets of the log', async () => {
  const on = sceneOf({ partitions: 2 });
  const shown: (readonly [number, number])[] = [];
  const one = on.machine({ committed: (partition, next) => void shown.push([partition, next]) });
  await one.runner.assign(0);
  await one.runner.assign(1);
  await on.events(0, 3, 1);
  await one.runner.drain();
  assert.deepEqual(shown, [[1, 3]]);
  assert.equal(on.disk.positions.get('detect.committed.1'), '3');
  assert.ok((await on.machine().store.readManifest(TOPICS.events, 1)) !== undefined);
});
