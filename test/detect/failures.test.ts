import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Model } from '../../detectors/contract.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { PoisonRecord } from '../../schemas/outputs.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { identityKey } from '../../services/platform/partitioner.ts';
import { fakeModel } from '../support/fake-model.ts';
import type { StoreDisk } from '../support/simulated-store.ts';
import { placed } from '../support/store-fixtures.ts';
import { type Scene, sceneOf, until } from './scene.ts';
import { eventOf } from './support.ts';

/** A model with a defect: it throws, half-way through an event, where the condition holds. */
function defective(fails: (id: string) => boolean): Model {
  const model = fakeModel();
  return {
    ...model,
    observe(input, score) {
      model.observe(input, score);
      if (fails(input.event.id)) throw new RangeError(`a defect that names ${input.event.id}`);
    },
  };
}

const bad = (id: string): boolean => id === 'p0e3' || id === 'p0e11';
const poisonOf = (held: StoreDisk): PoisonRecord[] =>
  [...held.poison.values()].map((json) => JSON.parse(json) as PoisonRecord);
const stateOf = ({ held }: Scene): unknown => [
  [...held.events.values()].map(({ json }) => json),
  [...held.alerts.values()],
  [...held.findings.values()],
  [...held.poison.values()],
  [...held.blobs].map(([key, { version, bytes }]) => [key, version, Buffer.from(bytes).toString('latin1')]).sort(),
  held.manifests.get(0),
];

test('a record on which the worker fails is left out with its bytes, and everything else is as if it were not there', async () => {
  const on = sceneOf();
  const { runner } = on.machine({ model: defective(bad) });
  await runner.assign(0);
  await on.events(0, 20);
  await runner.drain();
  const { counters, next_offset } = on.held.manifests.get(0)!;
  assert.deepEqual([next_offset, counters.accepted, counters.poison, on.held.events.size], [20, 18, 2, 18]);
  assert.deepEqual(
    poisonOf(on.held).map(({ offset, letter }) => [offset, letter.reason, letter.position]),
    [3, 11].map((offset) => [offset, 'record_failed', `${TOPICS.events}/0/${offset}`]),
  );
  const record = JSON.parse(Buffer.from(poisonOf(on.held)[0]!.letter.bytes, 'base64').toString()) as DetectRecord;
  assert.ok(record.type === 'event' && record.event.id === 'p0e3');
  assert.equal(on.held.conflicts.length, 0);

  const without = sceneOf();
  const whole = without.machine();
  await whole.runner.assign(0);
  for (let n = 0; n < 20; n++) {
    if (bad(`p0e${n}`)) await without.append({ type: 'tick' });
    else await without.events(n, n + 1);
  }
  await whole.runner.drain();
  const bits = (held: StoreDisk): unknown =>
    [...held.events.values()].map(({ json }) => (JSON.parse(json) as { parts: unknown }).parts);
  assert.deepEqual(bits(on.held), bits(without.held), 'its half effect is gone');
});

test('batch sizes and deaths on the way make no difference', async () => {
  const outcomes: unknown[] = [];
  for (const fetch_records_max of [1, 2, 7, 100]) {
    for (const dies of [false, true]) {
      const on = sceneOf();
      const knobs = { model: defective(bad), fetch_records_max };
      if (dies) {
        const dying = on.machine({ ...knobs, checkpoint_ms: 1e9, flush_ms: 0 });
        await dying.runner.assign(0);
        await on.events(0, 20);
        for (let i = 0; i < 6; i++) await dying.runner.turn();
        await dying.runner.unassign(0, 'lost');
      } else await on.events(0, 20);
      const { runner } = on.machine(knobs);
      await runner.assign(0);
      await runner.drain();
      assert.deepEqual(on.held.conflicts, []);
      outcomes.push(stateOf(on));
    }
  }
  for (const outcome of outcomes) assert.deepEqual(outcome, outcomes[0]);
});

test('a failure that does not come again costs no record', async () => {
  const on = sceneOf();
  let failures = 0;
  const { runner } = on.machine({ model: defective((id) => id === 'p0e3' && failures++ === 0) });
  await runner.assign(0);
  await on.events(0, 6);
  await runner.drain();
  assert.deepEqual([on.held.events.size, on.held.poison.size, failures], [6, 0, 2]);
});

test('state that cannot be read is put down to the records that need it', async () => {
  const on = sceneOf();
  const first = on.machine();
  await first.runner.assign(0);
  await on.events(0, 4);
  await first.runner.drain();
  const key = identityKey('default', 'damaged');
  await first.store.writeBlobs(
    placed(TOPICS.events, 0, [{ key, version: 2, due: undefined, bytes: Buffer.from([1, 2, 3]) }]),
  );
  const { runner } = on.machine();
  await runner.assign(0);
  await on.events(4, 6);
  await on.append({ type: 'event', event: eventOf('d', { identity: 'damaged' }) });
  await on.events(6, 8);
  await runner.drain();
  assert.deepEqual(
    poisonOf(on.held).map(({ offset, letter }) => [offset, letter.reason]),
    [[6, 'record_failed']],
  );
  assert.deepEqual([on.held.manifests.get(0)?.next_offset, on.held.events.size], [9, 8]);
});

test('another partition goes on meanwhile', async () => {
  const on = sceneOf({ partitions: 2 });
  const { runner } = on.machine({ model: defective(bad) });
  await runner.assign(0);
  await runner.assign(1);
  await on.events(0, 20);
  await on.events(0, 20, 1);
  await runner.drain();
  assert.deepEqual([on.held.manifests.get(0)?.next_offset, on.held.manifests.get(1)?.next_offset], [20, 20]);
});

test('a worker that fails on every record stands still as a gap, and goes on a little further when told to', async () => {
  const on = sceneOf({ partitions: 2 });
  let attempts = 0;
  const { runner } = on.machine({
    model: defective((id) => {
      if (id.startsWith('p0')) attempts += 1;
      return id.startsWith('p0');
    }),
  });
  await runner.assign(0);
  await runner.assign(1);
  await on.events(0, 100);
  await on.events(0, 5, 1);
  await runner.drain();
  assert.deepEqual(
    runner.status().map(({ state, gap }) => [state, gap?.reason]),
    [
      ['gap', 'too_many_failures'],
      ['running', undefined],
    ],
  );
  assert.ok(attempts <= 2 * (LIMITS.failed_records_max + 1), `${attempts} attempts`);
  assert.equal(on.held.manifests.get(1)?.next_offset, 5);
  const [first] = on.gaps.reported.keys();
  on.gaps.decide('start');
  await until(on.clock, () => on.gaps.closes.length === 1);
  await runner.drain();
  assert.equal(on.gaps.reported.size, 2, 'it stands again, elsewhere');
  on.gaps.decide('end');
  await until(on.clock, () => runner.status()[0]?.state === 'running');
  await runner.drain();
  const { counters } = on.held.manifests.get(0)!;
  assert.deepEqual([counters['gap.lost'], counters.poison], [100, undefined], 'nothing of it was made durable');
  assert.deepEqual(on.gaps.closes[0], { id: first, resumed_at: LIMITS.failed_records_max });
});

test('a row that the store refused is known by its key after a restart', async () => {
  const on = sceneOf();
  const refuses = (row: unknown): boolean => (row as { event?: { id?: string } }).event?.id === 'p0e3';
  const first = on.machine({ refuses });
  await first.runner.assign(0);
  await on.events(0, 6);
  await first.runner.drain();
  assert.deepEqual([on.held.events.size, on.held.manifests.get(0)?.counters.accepted], [5, 6]);
  await first.runner.unassign(0, 'handed_over');
  const second = on.machine({ refuses });
  await second.runner.assign(0);
  await on.events(3, 8);
  await second.runner.drain();
  const { counters } = on.held.manifests.get(0)!;
  assert.deepEqual([counters.accepted, counters.duplicate], [8, 3]);
});
