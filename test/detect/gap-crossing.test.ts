import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GapResume } from '../../schemas/gap.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type GapPort, gapOf } from '../../services/platform/gaps.ts';
import { trimSimulated } from '../support/simulated-log.ts';
import type { StoreFault } from '../support/simulated-store.ts';
import { begun, counted, ids, manifestOf, model } from './gap-scene.ts';
import { passing, remakeTopic, sceneOf, until } from './scene.ts';

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
