import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLane } from '../../services/platform/clickhouse/lane.ts';

test('a lane runs one job at a time, urgent ones first, and goes on after a failure', async () => {
  const lane = createLane();
  const order: string[] = [];
  let running = 0;
  const job =
    (name: string, fails = false) =>
    async (): Promise<string> => {
      running += 1;
      assert.equal(running, 1);
      order.push(name);
      await new Promise(setImmediate);
      running -= 1;
      if (fails) throw new Error(name);
      return name;
    };
  const results = await Promise.allSettled([
    lane(job('first')),
    lane(job('second')),
    lane(job('failing', true)),
    lane(job('urgent 1'), { urgent: true }),
    lane(job('urgent 2'), { urgent: true }),
  ]);
  assert.deepEqual(order, ['first', 'urgent 1', 'urgent 2', 'second', 'failing']);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  const thrown = lane((): Promise<void> => {
    throw new Error('before any promise');
  });
  await assert.rejects(thrown, /before any promise/);
  assert.equal(await lane(job('last')), 'last');
});
