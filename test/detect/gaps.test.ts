import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GapResume } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Manifest } from '../../schemas/outputs.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type GapPort, gapOf } from '../../services/platform/gaps.ts';
import { fakeModel } from '../support/fake-model.ts';
import { trimSimulated } from '../support/simulated-log.ts';
import type { StoreFault } from '../support/simulated-store.ts';
import { passing, remakeTopic, type Scene, sceneOf, until } from './scene.ts';
import { orderedModel } from './support.ts';

const MARGIN = LIMITS.gap_margin_offsets;
const model = orderedModel(fakeModel());

const manifestOf = (on: Scene, partition = 0): Manifest => {
  const manifest = on.held.manifests.get(partition);
  assert.ok(manifest !== undefined);
  return manifest;
};
const counted = (on: Scene): readonly (number | undefined)[] => {
  const { counters } = manifestOf(on);
  return [counters.accepted, counters.duplicate, counters['gap.accepted'], counters['gap.lost']];
};
const ids = (on: Scene): string[] =>
  [...on.held.events.values()].map(({ seen }) => seen.id).sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
const idsFrom = (...spans: readonly (readonly [number, number])[]): string[] =>
  spans.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => `p0e${from + i}`));

/** A partition whose first ten events are durable. */
async function begun(): Promise<Scene> {
  const on = sceneOf();
  const { runner } = on.machine({ model });
  await runner.assign(0);
  await on.events(0, 10);
  await runner.drain();
  await runner.unassign(0, 'handed_over');
  return on;
}

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
        const { runner } = on.machine({ model });
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
        assert.equal(on.disk.positions.get('detect.committed.0'), String(end));
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

describe('a gap that shows while a partition runs', () => {
  test('records deleted before they were read: what was applied before is kept', async () => {
    const on = sceneOf({ partitions: 2 });
    const { runner } = on.machine({ model, checkpoint_ms: 1e9, flush_ms: 4_000 });
    await runner.assign(0);
    await runner.assign(1);
    await on.events(0, 4);
    await runner.turn();
    await on.events(4, 10);
    trimSimulated(on.disk, TOPICS.events, 0, 8);
    await on.events(0, 3, 1);
    await runner.drain();
    assert.deepEqual(
      runner.status().map(({ state, next_offset, gap }) => [state, next_offset, gap?.reason, gap?.lost]),
      [
        ['gap', 4, 'offset_before_log', 4],
        ['running', 3, undefined, undefined],
      ],
    );
    assert.equal(manifestOf(on).next_offset, 4);
    const running = runner.run();
    on.gaps.decide('start');
    await until(on.clock, () => manifestOf(on).counters.accepted === 6);
    assert.deepEqual(counted(on), [6, undefined, 1, 4]);
    await runner.stop({ checkpoint: true });
    await running;
  });

  test('a topic that was made anew and is long enough is noticed before anything is called durable', async () => {
    const on = await begun();
    const { runner } = on.machine({ model, checkpoint_ms: 1e9, flush_ms: 4_000 });
    await runner.assign(0);
    remakeTopic(on.disk, 'made anew');
    await on.events(100, 115);
    await runner.drain();
    assert.equal(runner.status()[0]?.gap?.reason, 'generation_changed');
    assert.equal(manifestOf(on).next_offset, 10);
    on.gaps.decide('start');
    await until(on.clock, () => runner.status()[0]?.state === 'running');
    await runner.drain();
    assert.deepEqual(counted(on), [25, undefined, 1, 0]);
  });

  test('a prior that the store has lost is gone without, on the word of an operator', async () => {
    const on = await begun();
    await on.append({ type: 'prior', version: 'lost' });
    await on.events(10, 12);
    const first = on.machine({ model });
    await first.runner.assign(0);
    await first.runner.drain();
    assert.equal(first.runner.status()[0]?.gap?.reason, 'prior_missing');
    const [id] = on.gaps.reported.keys();
    await first.runner.stop({ checkpoint: false });
    // Another process meets the same gap, and later a third the decision.
    const second = on.machine({ model });
    await second.runner.assign(0);
    await second.runner.drain();
    on.gaps.decide('start');
    await until(on.clock, () => second.runner.status()[0]?.state === 'running');
    await second.runner.stop({ checkpoint: false });
    const third = on.machine({ model });
    await third.runner.assign(0);
    while ((await third.runner.turn()) || third.runner.status()[0]?.state !== 'running')
      await passing(on.clock, Promise.resolve());
    await third.runner.drain();
    assert.deepEqual([...on.gaps.reported.keys()], [id]);
    assert.deepEqual([manifestOf(on).counters.accepted, manifestOf(on).counters.prior], [12, 1]);
    assert.equal(manifestOf(on).prior_version, '');
  });

  test('the same, passing over all that is there', async () => {
    const on = await begun();
    await on.append({ type: 'prior', version: 'lost' });
    await on.events(10, 12);
    const { runner } = on.machine({ model });
    await runner.assign(0);
    await runner.drain();
    on.gaps.decide('end');
    await until(on.clock, () => runner.status()[0]?.state === 'running');
    await on.events(12, 14);
    await runner.drain();
    assert.deepEqual(counted(on), [12, undefined, 1, 3]);
  });
});

test('of two processes that stand at a gap one carries the decision out', async () => {
  const on = await begun();
  await on.events(10, 15);
  trimSimulated(on.disk, TOPICS.events, 0, 13);
  const [one, two] = [on.machine({ model }), on.machine({ model })];
  await one.runner.assign(0);
  await two.runner.assign(0);
  two.fault = () => 'fail_before';
  on.gaps.decide('end');
  await until(on.clock, () => one.runner.status()[0]?.state === 'running');
  await on.events(15, 18);
  await one.runner.drain();
  two.fault = () => 'none';
  await until(on.clock, () => two.runner.status()[0]?.state === 'running');
  await two.runner.drain();
  assert.deepEqual(counted(on), [13, undefined, 1, 5]);
  assert.equal(on.gaps.closes.length, 1);
});

test('a gap that the log has grown over is stood at, since somebody found it before', async () => {
  const on = await begun();
  const { generation, partitions, next_offset } = manifestOf(on);
  const place = { stage: 'detect', topic: TOPICS.events, partition: 0, reason: 'offset_beyond_log' } as const;
  const before = gapOf({ ...place, message: 'the log lost records' }, [generation, partitions, next_offset]);
  await on.events(10, 15);
  const hidden: GapPort['hidden'] = (_place, evidence) =>
    gapOf({ ...place, message: '' }, evidence).id === before.id ? before : undefined;
  const { runner } = on.machine({ model, gaps: { ...on.gaps, hidden } });
  await runner.assign(0);
  assert.equal(runner.status()[0]?.gap?.id, before.id);
  on.gaps.decide('start');
  await until(on.clock, () => runner.status()[0]?.state === 'running');
  await runner.drain();
  assert.deepEqual(counted(on), [15, 10, 1, 0]);
});

test('who dies anywhere between a gap and its end leaves the same behind', async () => {
  const outcomes = new Set<string>();
  const operations = ['manifest', 'history', 'keys', 'due', 'blobs'];
  for (const resume of ['start', 'end'] as const) {
    outcomes.clear();
    for (const operation of operations) {
      for (let nth = 0; nth < 5; nth++) {
        for (const death of ['die_partly', 'die_late', 'fail_after'] as const) {
          outcomes.add(await bridgedWithDeath({ operation, nth, death, resume }));
        }
      }
    }
    assert.deepEqual([...outcomes].length, 1, [...outcomes].join('\n'));
  }
});

async function bridgedWithDeath(where: {
  readonly operation: string;
  readonly nth: number;
  readonly death: StoreFault;
  readonly resume: GapResume;
}): Promise<string> {
  const on = await begun();
  await on.events(10, 15);
  trimSimulated(on.disk, TOPICS.events, 0, 13);
  const dying = on.machine({ model });
  let seen = 0;
  dying.fault = (operation) => (operation === where.operation && seen++ === where.nth ? where.death : 'none');
  void dying.runner.assign(0).catch(() => undefined);
  for (let i = 0; i < 50; i++) {
    on.clock.advance(200);
    await new Promise(setImmediate);
    if (on.gaps.reported.size > 0) on.gaps.decide(where.resume);
  }
  for (const late of on.limbo.splice(0)) late();
  const { runner } = on.machine({ model });
  await runner.assign(0);
  if (runner.status()[0]?.state === 'gap') on.gaps.decide(where.resume);
  await until(on.clock, () => runner.status()[0]?.state === 'running');
  await on.events(15, 18);
  await runner.drain();
  return JSON.stringify([ids(on), counted(on), on.held.conflicts, on.gaps.reported.size, manifestOf(on).next_offset]);
}
