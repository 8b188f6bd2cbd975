import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { trimSimulated } from '../support/simulated-log.ts';
import { begun, counted, ids, idsFrom, manifestOf, model } from './gap-scene.ts';
import { remakeTopic, type Scene, sceneOf, until } from './scene.ts';

const MARGIN = LIMITS.gap_margin_offsets;

type Case = {
  readonly reason: string;
  /** Brings the gap about; the log ends behind event 14, or holds only what came after. */
  prepare(on: Scene): Promise<void>;
  /** By decision: where in the log it goes on, the events that the store holds in the end, and the counters. */
  readonly start: readonly [at: number, ids: string[], counters: readonly (number | undefined)[]];
  readonly end: readonly [at: number, ids: string[], counters: readonly (number | undefined)[]];
};

const CASES: readonly Case[] = [
  {
    reason: 'offset_before_log',
    async prepare(on) {
      await on.events(10, 15);
      trimSimulated(on.disk, TOPICS.events, 0, 13);
    },
    start: [13, idsFrom([0, 10], [13, 18]), [15, undefined, 1, 3]],
    end: [15, idsFrom([0, 10], [15, 18]), [13, undefined, 1, 5]],
  },
  {
    reason: 'offset_beyond_log',
    async prepare(on) {
      const partition = on.disk.topics.get(TOPICS.events)?.partitions[0];
      assert.ok(partition !== undefined);
      partition.end = 6;
      partition.records = partition.records.filter(({ offset }) => offset < 6);
    },
    // What was applied already comes again and is known by its key.
    start: [0, idsFrom([0, 10], [15, 18]), [13, 6, 1, 0]],
    end: [6, idsFrom([0, 10], [15, 18]), [13, undefined, 1, 6]],
  },
  {
    reason: 'generation_changed',
    async prepare(on) {
      remakeTopic(on.disk, 'made anew');
      await on.events(10, 15);
    },
    start: [0, idsFrom([0, 18]), [18, undefined, 1, 0]],
    end: [5, idsFrom([0, 10], [15, 18]), [13, undefined, 1, 5]],
  },
  {
    reason: 'partition_count_changed',
    async prepare(on) {
      await on.events(10, 15);
      on.held.manifests.set(0, { ...manifestOf(on), partitions: 7 });
    },
    start: [10, idsFrom([0, 18]), [18, undefined, 1, 0]],
    end: [15, idsFrom([0, 10], [15, 18]), [13, undefined, 1, 5]],
  },
  {
    reason: 'manifest_missing',
    async prepare(on) {
      await on.events(10, 15);
      on.held.manifests.delete(0);
    },
    start: [0, idsFrom([0, 18]), [8, 10, 1, 0]],
    end: [15, idsFrom([0, 10], [15, 18]), [3, undefined, 1, 15]],
  },
  {
    reason: 'prior_missing',
    async prepare(on) {
      await on.events(10, 15);
      on.held.manifests.set(0, { ...manifestOf(on), prior_version: 'gone' });
    },
    start: [10, idsFrom([0, 18]), [18, undefined, 1, 0]],
    end: [15, idsFrom([0, 10], [15, 18]), [13, undefined, 1, 5]],
  },
];

describe('a partition that cannot go on stands until somebody has decided', () => {
  for (const { reason, prepare, ...expected } of CASES) {
    for (const resume of ['start', 'end'] as const) {
      test(`${reason}, resumed at the ${resume}`, async () => {
        const on = await begun();
        await prepare(on);
        const before = on.held.manifests.get(0)?.next_offset ?? 10;
        const shown: number[] = [];
        const { runner } = on.machine({ model, committed: (_partition, next) => void shown.push(next) });
        await runner.assign(0);
        assert.deepEqual(
          runner.status().map(({ state, gap }) => [state, gap?.reason]),
          [['gap', reason]],
        );
        assert.equal(await runner.turn(), false);
        const [id] = on.gaps.reported.keys();
        assert.deepEqual(on.gaps.closes, []);
        on.gaps.decide(resume);
        await until(on.clock, () => runner.status()[0]?.state === 'running');
        const [at, rows, counters] = expected[resume];
        assert.deepEqual(on.gaps.closes, [{ id, resumed_at: at }]);
        const behind = manifestOf(on);
        assert.ok(behind.next_offset >= before + MARGIN, 'beyond all that is stored');
        assert.equal(behind.next_offset - behind.offset_base, at);
        await on.events(15, 18);
        await runner.drain();
        assert.deepEqual(ids(on), rows);
        assert.deepEqual(counted(on), counters);
        const { end } = on.disk.topics.get(TOPICS.events)?.partitions[0] ?? {};
        assert.deepEqual(
          runner.status().map(({ next_offset, durable_offset }) => [next_offset, durable_offset]),
          [[end, end]],
          'outside, offsets are those of the log',
        );
        assert.deepEqual([on.disk.positions.get('detect.committed.0'), shown.at(-1)], [String(end), end]);
        assert.deepEqual([on.held.conflicts, on.gaps.reported.size], [[], 1]);
        await restart(on, counters);
      });
    }
  }
});

/** Another process goes on from there without a gap, and knows the keys of both sides of the old one. */
async function restart(
  on: Scene,
  [accepted = 0, duplicate = 0, ...gaps]: readonly (number | undefined)[],
): Promise<void> {
  const { runner } = on.machine({ model });
  await runner.assign(0);
  assert.equal(runner.status()[0]?.state, 'running');
  await on.events(9, 10);
  await on.events(17, 18);
  await on.events(18, 20);
  await runner.drain();
  assert.deepEqual(counted(on), [accepted + 2, duplicate + 2, ...gaps]);
}

test('state that is ahead of the manifest does not hide records of a topic that was made anew', async () => {
  const on = sceneOf();
  const dying = on.machine({ model, checkpoint_ms: 1 });
  await dying.runner.assign(0);
  await on.events(0, 10);
  await dying.runner.drain();
  // It dies with blobs of a later version, and without the manifest.
  await on.events(10, 30);
  dying.fault = (operation) => (operation === 'manifest' ? 'die_partly' : 'none');
  void dying.runner.drain().catch(() => undefined);
  await until(on.clock, () => [...on.held.blobs.values()].some(({ version }) => version === 29));
  assert.equal(manifestOf(on).next_offset, 10);
  remakeTopic(on.disk, 'made anew');
  await on.events(100, 120);
  const { runner } = on.machine({ model });
  await runner.assign(0);
  on.gaps.decide('start');
  await until(on.clock, () => runner.status()[0]?.state === 'running');
  assert.equal(manifestOf(on).next_offset, 30 + MARGIN);
  await runner.drain();
  assert.equal(manifestOf(on).counters.accepted, 30);
  const [blob] = [...on.held.blobs.values()].filter(({ key }) => key.includes('agent'));
  assert.equal(blob?.version, 30 + MARGIN + 19, 'the identity has taken all of them in');
});
