import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DetectRecord } from '../../schemas/record.ts';
import { spanTickRecord } from '../../services/ingest/record.ts';
import type { Clock } from '../../services/platform/clock.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type Fault, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';
import {
  allRecords,
  diskOf,
  jumpingClock,
  outcomeOf,
  positionsOf,
  produce,
  runnerOn,
  sourcesOf,
  until,
} from './raw-support.ts';
import { assertHeldSums, identities, isSettled, OTLP, request, subscribeAll } from './settle-runner-support.ts';
import { rule } from './settle-support.ts';
import { HOUR_MS, MINUTE_MS } from './support.ts';

const sources = sourcesOf(OTLP);
const START_MS = 1_800_000_000_000;

type Work = { readonly clock?: Clock; readonly faults?: () => Fault; readonly limits?: object };

/** False when the process died on the way. */
async function workOff(disk: SimulatedDisk, { clock = jumpingClock(START_MS), faults, limits = {} }: Work = {}) {
  let dead = false;
  const crashed = (): void => {
    dead = true;
  };
  const log = openSimulatedLog({ disk, clock, crashed, ...(faults === undefined ? {} : { faults }) });
  const { runner } = runnerOn(log, { clock, sources, settle: rule(), limits });
  await subscribeAll(log, runner);
  await until('settled', () => dead || isSettled(disk));
  if (!dead) await runner.stop();
  return !dead;
}

/** Tools in one raw partition, the roots that know whose they are in another, and some whose root never comes. */
function traces(): SimulatedDisk {
  const disk = diskOf(2);
  for (let trace = 0; trace < 12; trace++) {
    const agent = `agent-${trace % 3}`;
    produce(disk, [request({ trace, span: 2, parent: 1, tool: `t${trace}-a` }), 1]);
    if (trace % 4 !== 3) produce(disk, [request({ trace, span: 0, agent }), 1], { partition: 1 });
    produce(disk, [request({ trace, span: 3, parent: 2, tool: `t${trace}-b` })]);
    produce(disk, [request({ trace, span: 4, parent: 1, tool: `t${trace}-own`, agent: 'own' }), 'junk'], {
      partition: 1,
    });
    produce(disk, [request({ trace, span: 1, parent: 0 })], { partition: trace % 2 });
  }
  return disk;
}

const expected = Object.fromEntries(
  Array.from({ length: 12 }, (_, trace): [string, string][] => {
    const whose = trace % 4 === 3 ? 'unresolved:till' : `agent-${trace % 3}`;
    return [
      [`t${trace}-a`, whose],
      [`t${trace}-b`, whose],
      [`t${trace}-own`, 'own'],
    ];
  })
    .flat()
    .sort(([a], [b]) => (a < b ? -1 : 1)),
);
const known = Object.fromEntries(Object.entries(expected).filter(([, whose]) => whose !== 'unresolved:till'));

/** Lets time pass in the topic of what waits. */
async function pass(disk: SimulatedDisk, now_ms: number): Promise<void> {
  const log = openSimulatedLog({ disk, clock: jumpingClock(now_ms) });
  const partitions = positionsOf(disk, TOPICS.spans).length;
  await log.transact({ records: Array.from({ length: partitions }, (_, at) => spanTickRecord(at, undefined)) });
}

async function finish(disk: SimulatedDisk): Promise<void> {
  await pass(disk, START_MS + HOUR_MS / 2);
  await workOff(disk, { clock: jumpingClock(START_MS + HOUR_MS / 2) });
}

describe('spans of several raw partitions', () => {
  test('are settled once, and those that nobody claims when their time is over', async () => {
    const disk = traces();
    await workOff(disk);
    assert.deepEqual(identities(disk), known);
    assert.equal(assertHeldSums(disk), 6);
    await finish(disk);
    assert.deepEqual(identities(disk), expected);
    assert.equal(assertHeldSums(disk), 0);
    const { sums } = outcomeOf(disk);
    assert.equal(sums['ingest.settled.ancestor'], 18);
    assert.equal(sums['ingest.settled.unresolved'], 6);
  });

  test('are the same whatever the batches', async () => {
    for (const raw_batch_records_max of [1, 2, 5]) {
      const disk = traces();
      await workOff(disk, { limits: { raw_batch_records_max, raw_batch_made_bytes_max: 1, raw_slice_items: 1 } });
      await finish(disk);
      assert.deepEqual(identities(disk), expected);
      assert.equal(assertHeldSums(disk), 0);
    }
  });

  test('are settled exactly once over a crash at any step', async () => {
    const limits = { raw_batch_records_max: 7 };
    let crashes = 0;
    for (const moment of ['before', 'after'] as const) {
      for (let at = 0; ; at++) {
        const disk = traces();
        let operations = 0;
        if (await workOff(disk, { limits, faults: () => (operations++ === at ? { crash: moment } : {}) })) break;
        crashes++;
        await workOff(disk, { limits });
        assert.deepEqual(identities(disk), known, `${moment} operation ${at}`);
        await finish(disk);
        assert.deepEqual(identities(disk), expected, `${moment} operation ${at}`);
        assert.equal(assertHeldSums(disk), 0, `${moment} operation ${at}`);
      }
    }
    assert.ok(crashes > 100, `${crashes} crashes`);
  });

  test('wait over a change of hands, and a root that comes too late then claims them', async () => {
    const disk = traces();
    await workOff(disk);
    await finish(disk);
    produce(disk, [request({ trace: 3, span: 0, agent: 'late' })]);
    await workOff(disk, { clock: jumpingClock(START_MS + HOUR_MS / 2 + MINUTE_MS) });
    assert.deepEqual(identities(disk), expected);
    const aliases = allRecords(disk, TOPICS.events).flatMap(({ value, key }) => {
      const record = DetectRecord.parse(JSON.parse(value.toString()));
      return record.type === 'alias' ? [{ ...record, key }] : [];
    });
    const keys = allRecords(disk, TOPICS.events).flatMap(({ value }) => {
      const record = DetectRecord.parse(JSON.parse(value.toString()));
      return record.type === 'event' && /^t3-[ab]$/.test(record.event.tool?.name ?? '') ? [record.event.key] : [];
    });
    assert.deepEqual(
      aliases.map(({ identity, resolved, count, key }) => ({ identity, resolved, count, key })),
      [{ identity: 'unresolved:till', resolved: 'late', count: 2, key: 'default\u0000unresolved:till' }],
    );
    assert.deepEqual(aliases[0]?.events.toSorted(), keys.sort());
  });

  test('a repetition of everything gives the same events', async () => {
    const disk = traces();
    await workOff(disk);
    const before = allRecords(disk, TOPICS.events).length;
    for (const partition of [0, 1]) {
      const records = disk.topics.get(TOPICS.raw)?.partitions[partition]?.records ?? [];
      produce(
        disk,
        records.map(({ value }) => value).filter((value) => value.length > 10),
        { partition },
      );
    }
    await workOff(disk);
    const keys = allRecords(disk, TOPICS.events).map(({ value }) => JSON.parse(value.toString()).event.key);
    assert.equal(keys.length, 2 * before);
    assert.equal(new Set(keys).size, before);
  });
});

describe('the topic of what waits', () => {
  test('tells foreign records by dead letters, and goes on', async () => {
    const disk = traces();
    const foreign = [
      '',
      '{',
      '[]',
      '{"type":"waiting"}',
      '{"type":"waiting","tenant":"x","time":1,"link":{"kind":"no"}}',
    ];
    produce(disk, [...foreign, undefined, Buffer.from([0xff, 0x00])], { topic: TOPICS.spans });
    await workOff(disk);
    await finish(disk);
    assert.deepEqual(identities(disk), expected);
    assert.equal(assertHeldSums(disk), 0);
    const { dead } = outcomeOf(disk);
    assert.deepEqual(
      dead.filter(({ position }) => position.startsWith(TOPICS.spans)).map(({ reason }) => reason),
      Array(7).fill('record_undecodable'),
    );
  });

  test('reads again at most what it remembers, and forgets what is over', async () => {
    const disk = diskOf(1);
    for (let hour = 0; hour < 6; hour++) {
      produce(disk, [request({ trace: hour, span: 1, parent: 0, tool: `t${hour}`, at: hour * 3_600 })]);
      await workOff(disk, { clock: jumpingClock(START_MS + hour * HOUR_MS) });
    }
    const [position] = positionsOf(disk, TOPICS.spans) as unknown as { next: number; memory: { from: number }[] }[];
    assert.equal(position?.next, 6);
    assert.deepEqual(
      position.memory.map(({ from }) => from),
      [2],
    );
    const held = disk.topics.get(TOPICS.spans)?.partitions[0];
    assert.ok(held !== undefined);
    held.records.splice(0, 2);
    held.start = 2;
    produce(disk, [request({ trace: 5, span: 0, agent: 'agent-1' })]);
    await workOff(disk, { clock: jumpingClock(START_MS + 5 * HOUR_MS + MINUTE_MS) });
    assert.deepEqual(identities(disk), {
      ...Object.fromEntries([0, 1, 2, 3, 4].map((at) => [`t${at}`, 'unresolved:till'])),
      t5: 'agent-1',
    });
  });

  test('stands still at a gap when what it remembers was deleted', async () => {
    const disk = traces();
    await workOff(disk);
    for (const held of disk.topics.get(TOPICS.spans)?.partitions ?? []) {
      held.records.splice(0, 1);
      held.start = 1;
    }
    const clock = jumpingClock(START_MS);
    const log = openSimulatedLog({ disk, clock });
    const { runner, gaps } = runnerOn(log, { clock, sources, settle: rule() });
    await subscribeAll(log, runner);
    await until('gaps', () => gaps.reported.size === 2);
    assert.deepEqual(
      [...gaps.reported.values()].map(({ topic, reason }) => [topic, reason]),
      [
        [TOPICS.spans, 'offset_before_log'],
        [TOPICS.spans, 'offset_before_log'],
      ],
    );
    assert.match([...gaps.reported.values()][0]?.message ?? '', /may stand from 0 on/);
    await runner.stop();
  });
});
