import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allPartitions } from '../../services/cli/service/cluster.ts';
import { openControl } from '../../services/cli/service/control.ts';
import { committedName } from '../../services/detect/writer.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { StoreUnavailable } from '../../services/platform/store.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';

const nothing = { resident: 0, counters: {}, watermark: { live: 0, recorded: 0 }, pulses: [] };

test('all partitions of the cluster: own ones as they are, others as of their checkpoints', async () => {
  const log = openSimulatedLog({ disk: newDisk({ partitions: 3, random: () => 0.5 }), clock: manualClock() });
  await log.transact({ records: [], positions: [{ name: committedName(1), position: '7' }] });
  const control = await openControl(log);
  const own = { ...nothing, partition: 0, state: 'running' as const, next_offset: 12, durable_offset: 10 };
  const detection = { runner: { status: () => [own] } };
  const manifest = { counters: { event: 5 }, watermark_live: 3, watermark_recorded: 4 };
  const reads: number[] = [];
  const store = {
    readManifest: async (topic: string, partition: number) => {
      assert.equal(topic, TOPICS.events);
      reads.push(partition);
      if (partition === 2) throw new StoreUnavailable('away');
      return manifest;
    },
  };
  try {
    assert.deepEqual(await allPartitions({ log, store, control }, detection), [
      { ...own, here: true },
      {
        partition: 1,
        here: false,
        state: 'running',
        next_offset: 7,
        durable_offset: 7,
        resident: 0,
        counters: { event: 5 },
        watermark: { live: 3, recorded: 4 },
        pulses: [],
      },
      { ...nothing, partition: 2, here: false, state: 'running', next_offset: 0, durable_offset: 0 },
    ]);
    assert.deepEqual(reads.toSorted(), [1, 2]);
    assert.equal((await allPartitions({ log, store, control }, undefined)).length, 3);
  } finally {
    await control.close();
    await log.close();
  }
});
