import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from '../../schemas/outputs.ts';
import { assignPartition } from '../../services/detect/assign.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { identityKey } from '../../services/platform/partitioner.ts';
import { fakeModel } from '../support/fake-model.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog, trimSimulated } from '../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore } from '../support/simulated-store.ts';
import { placed } from '../support/store-fixtures.ts';
import { describeNothing, eventOf } from './support.ts';

async function scene(records: number) {
  const disk = newDisk({ partitions: 1, random: () => 0.5 });
  const log = openSimulatedLog({ disk, clock: manualClock() });
  const held = newStoreDisk();
  const store = openSimulatedStore(held, { plan: () => 'none', random: () => 0, died: () => {} }, []);
  for (let n = 0; n < records; n++) {
    const value = Buffer.from(JSON.stringify({ type: 'event', event: eventOf(`e${n}`) }));
    await log.transact({ records: [{ topic: TOPICS.events, partition: 0, key: 'k', value }] });
  }
  const { generation } = await log.describe(TOPICS.events);
  const assign = () => assignPartition(log, store, 0, { model: fakeModel(), describe: describeNothing });
  const manifest: Manifest = {
    topic: TOPICS.events,
    partition: 0,
    generation,
    partitions: 1,
    next_offset: 3,
    offset_base: 0,
    watermark_live: 0,
    watermark_recorded: 0,
    dedup_from: 0,
    prior_version: '',
    groups: [],
    rules_version: 1,
    counters: { event: 3, accepted: 3 },
  };
  return { disk, log, held, store, assign, manifest };
}

test('a new partition begins at the start of the log, and says so in the store before anything else', async () => {
  const { assign, held, disk } = await scene(5);
  trimSimulated(disk, TOPICS.events, 0, 2);
  const assigned = await assign();
  assert.ok(assigned.kind === 'ready');
  assert.equal(assigned.worker.next, 2);
  assert.equal(held.manifests.get(0)?.next_offset, 2);
});

test('a partition goes on where its manifest stands, and remembers the keys before it', async () => {
  const { assign, store, manifest } = await scene(5);
  const events = [0, 1, 2].map((offset) => {
    return { event: eventOf(`e${offset}`), partition: 0, offset, log_time: 0, bits: 0, parts: [], flags: 0 };
  });
  await store.writeOutputs({ events, findings: [], alerts: [], aliases: [], poison: [], handed: [], effects: [] });
  await store.writeManifests([manifest]);
  const assigned = await assign();
  assert.ok(assigned.kind === 'ready');
  const { worker } = assigned;
  assert.equal(worker.next, 3);
  for (const [n, id] of ['e1', 'e3'].entries()) {
    const record = { type: 'event' as const, event: eventOf(id) };
    const decoded = { offset: 3 + n, log_ms: 0, recorded: false, record };
    worker.load(worker.needs([decoded]).blobs, new Map());
    worker.apply(decoded);
  }
  assert.deepEqual([worker.counters.duplicate, worker.counters.accepted], [1, 4]);
});

for (const [reason, prepare] of [
  [
    'manifest_missing',
    async ({ store }) =>
      store.writeBlobs(
        placed(TOPICS.events, 0, [{ key: identityKey('t', 'i'), version: 1, due: undefined, bytes: Buffer.alloc(0) }]),
      ),
  ],
  ['generation_changed', async ({ store, manifest }) => store.writeManifests([{ ...manifest, generation: 'another' }])],
  ['partition_count_changed', async ({ store, manifest }) => store.writeManifests([{ ...manifest, partitions: 2 }])],
  [
    'offset_before_log',
    async ({ store, manifest, disk }) => {
      trimSimulated(disk, TOPICS.events, 0, 4);
      await store.writeManifests([manifest]);
    },
  ],
  ['offset_beyond_log', async ({ store, manifest }) => store.writeManifests([{ ...manifest, next_offset: 6 }])],
  ['prior_missing', async ({ store, manifest }) => store.writeManifests([{ ...manifest, prior_version: 'gone' }])],
] as const satisfies readonly (readonly [string, (on: Awaited<ReturnType<typeof scene>>) => Promise<void>])[]) {
  test(`a partition that cannot go on honestly stands still: ${reason}`, async () => {
    const on = await scene(5);
    await prepare(on);
    const before = structuredClone(on.held.manifests);
    const assigned = await on.assign();
    assert.ok(assigned.kind === 'gap');
    assert.equal(assigned.gap.reason, reason);
    assert.deepEqual(on.held.manifests, before, 'and touches nothing');
  });
}
