import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { sceneOf } from './scene.ts';
import { eventOf } from './support.ts';

test('state of all records that were read is looked up at once, also where their keys do not tell of it', async () => {
  const IDENTITIES = 700;
  const on = sceneOf();
  const first = on.machine();
  await first.runner.assign(0);
  const work = async (round: number): Promise<void> => {
    for (let n = 0; n < IDENTITIES; n++) {
      await on.append({ type: 'event', event: eventOf(`r${round}n${n}`, { identity: `i${n}` }) });
    }
  };
  await work(0);
  await first.runner.drain();
  await first.runner.unassign(0, 'handed_over');
  await work(1);
  const second = on.machine();
  let looked = 0;
  second.fault = (operation) => {
    if (operation === 'blobs') looked += 1;
    return 'none';
  };
  await second.runner.assign(0);
  await second.runner.turn();
  assert.equal(second.runner.status()[0]?.counters.accepted, 2 * IDENTITIES);
  assert.ok(looked <= Math.ceil(IDENTITIES / LIMITS.load_blobs_max) + 1, `${looked} look-ups`);
  // Keys are a hint: what a record needs is loaded whatever key it stands under.
  for (const record of on.disk.topics.get(TOPICS.events)?.partitions[0]?.records ?? [])
    Object.assign(record, { key: 'k' });
  await second.runner.unassign(0, 'lost');
  const third = on.machine();
  await third.runner.assign(0);
  await third.runner.drain();
  assert.equal(third.runner.status()[0]?.counters.accepted, 2 * IDENTITIES);
  assert.deepEqual(on.held.conflicts, []);
});
