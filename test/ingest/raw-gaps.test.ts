import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Gap } from '../../schemas/gap.ts';
import { startOf } from '../../services/ingest/raw-position.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type Fault, newDisk, openSimulatedLog, type SimulatedDisk, trimSimulated } from '../support/simulated-log.ts';
import {
  assertSums,
  diskOf,
  isDrained,
  jumpingClock,
  outcomeOf,
  positionsOf,
  produce,
  runnerOn,
  seeded,
  testGaps,
  until,
} from './raw-support.ts';
import { input } from './support.ts';

const NAME = `ingest.${TOPICS.raw}.0`;
const event = (id: number): string => JSON.stringify(input({ id: `e${id}` }));
const events = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => event(from + at));

/** Where `disk` is one partition, of which ten records were worked off and ten more are there. */
async function halfWay(): Promise<SimulatedDisk> {
  const disk = diskOf(1);
  produce(disk, events(0, 10));
  const { runner } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }));
  await runner.listener(TOPICS.raw).assigned(0);
  await until('worked off', () => isDrained(disk));
  await runner.stop();
  produce(disk, events(10, 20));
  return disk;
}

/** The same positions on a disk whose raw topic is another one. */
function madeAnew(disk: SimulatedDisk, values: readonly string[]): SimulatedDisk {
  const other = newDisk({ partitions: 1, random: seeded(7) });
  const topics = new Map(disk.topics);
  const raw = other.topics.get(TOPICS.raw);
  assert.ok(raw !== undefined);
  topics.set(TOPICS.raw, raw);
  const anew = { ...disk, topics };
  produce(anew, values);
  return anew;
}

const CASES: readonly { reason: string; lost?: number; make: (disk: SimulatedDisk) => SimulatedDisk; left: number }[] =
  [
    {
      reason: 'offset_before_log',
      lost: 3,
      make(disk) {
        trimSimulated(disk, TOPICS.raw, 0, 13);
        return disk;
      },
      left: 7,
    },
    {
      reason: 'offset_beyond_log',
      make(disk) {
        const held = disk.topics.get(TOPICS.raw)?.partitions[0];
        assert.ok(held !== undefined);
        held.records = held.records.slice(0, 6);
        held.end = 6;
        return disk;
      },
      left: 6,
    },
    { reason: 'generation_changed', make: (disk) => madeAnew(disk, events(100, 115)), left: 15 },
    {
      reason: 'position_unreadable',
      make(disk) {
        disk.positions.set(NAME, '12');
        return disk;
      },
      left: 20,
    },
  ];

describe('a gap', () => {
  for (const { reason, lost, make, left } of CASES) {
    for (const resume of ['start', 'end'] as const) {
      test(`${reason} stops the partition until it is decided to go on at the ${resume}`, async () => {
        const disk = make(await halfWay());
        const { runner, gaps } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }));
        const before = outcomeOf(disk);
        await runner.listener(TOPICS.raw).assigned(0);
        await until('reported', () => gaps.reported.size === 1);
        const [gap] = [...gaps.reported.values()];
        assert.ok(gap !== undefined);
        assert.deepEqual(Gap.parse(gap), gap);
        assert.deepEqual([gap.stage, gap.topic, gap.partition, gap.reason], ['ingest', TOPICS.raw, 0, reason]);
        assert.equal(gap.lost, lost);
        const [status] = await runner.status();
        assert.deepEqual([status?.state, status?.gap], ['gap', gap]);
        assert.deepEqual(outcomeOf(disk), before);

        const end = disk.topics.get(TOPICS.raw)?.partitions[0]?.end;
        gaps.decide(gap.id, resume);
        await until('worked off', () => isDrained(disk) && gaps.ended.size === 1);
        const start = disk.topics.get(TOPICS.raw)?.partitions[0]?.start;
        assert.equal(gaps.ended.get(gap.id), resume === 'start' ? start : end);
        produce(disk, [event(999)]);
        await until('worked off', () => isDrained(disk));
        assert.equal((await runner.status())[0]?.state, 'running');
        await runner.stop();
        assert.equal(outcomeOf(disk).events.length, before.events.length + 1 + (resume === 'start' ? left : 0));
        assertSums(disk);
      });
    }
  }

  test('has the same id whoever finds it, and whatever becomes of the log meanwhile', async () => {
    const ids = new Set<string>();
    const disk = await halfWay();
    for (const start of [12, 15, 20]) {
      trimSimulated(disk, TOPICS.raw, 0, start);
      const { runner, gaps } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }));
      await runner.listener(TOPICS.raw).assigned(0);
      await until('reported', () => gaps.reported.size === 1);
      for (const id of gaps.reported.keys()) ids.add(id);
      await runner.stop();
    }
    assert.equal(ids.size, 1);
  });

  test('stays when a log that has lost its tail grows again, and loses nothing', async () => {
    const disk = await halfWay();
    const held = disk.topics.get(TOPICS.raw)?.partitions[0];
    assert.ok(held !== undefined);
    held.records = held.records.slice(0, 6);
    held.end = 6;
    const first = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }));
    await first.runner.listener(TOPICS.raw).assigned(0);
    await until('reported', () => first.gaps.reported.size === 1);
    await first.runner.stop();
    const before = outcomeOf(disk).events.length;
    produce(disk, events(100, 120));
    const { gaps } = first;
    const { runner } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }), { gaps });
    await runner.listener(TOPICS.raw).assigned(0);
    await until('standing', async () => (await runner.status())[0]?.state === 'gap');
    assert.equal(outcomeOf(disk).events.length, before);
    gaps.decide([...gaps.reported.keys()][0] ?? '', 'start');
    await until('worked off', () => isDrained(disk) && gaps.ended.size === 1);
    await runner.stop();
    assert.equal(outcomeOf(disk).events.length, before + 6 + 20);
    assertSums(disk);
  });

  test('opens while the partition is read, and what was read before it is kept', async () => {
    const disk = diskOf(1);
    produce(disk, events(0, 10));
    const { runner, gaps } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }));
    await runner.listener(TOPICS.raw).assigned(0);
    await until('worked off', () => isDrained(disk));
    const held = disk.topics.get(TOPICS.raw)?.partitions[0];
    assert.ok(held !== undefined);
    Object.assign(held, { start: 30, end: 40, records: [] });
    produce(disk, [event(40)]);
    await until('reported', () => gaps.reported.size === 1);
    const [gap] = [...gaps.reported.values()];
    assert.deepEqual([gap?.reason, gap?.lost], ['offset_before_log', 20]);
    gaps.decide(gap?.id ?? '', 'start');
    await until('worked off', () => isDrained(disk) && gaps.ended.size === 1);
    await runner.stop();
    assert.equal(outcomeOf(disk).events.length, 11);
  });

  test('a topic that is made anew while it is read is noticed though its offsets fit', async () => {
    const disk = diskOf(1);
    produce(disk, events(0, 10));
    const clock = jumpingClock();
    const log = openSimulatedLog({ disk, clock });
    let generation = 'old';
    const described = {
      ...log,
      describe: async (topic: Parameters<typeof log.describe>[0]) => ({ ...(await log.describe(topic)), generation }),
    };
    const { runner, gaps } = runnerOn(described, { clock });
    await runner.listener(TOPICS.raw).assigned(0);
    await until('worked off', () => isDrained(disk));
    generation = 'new';
    await clock.sleep(60_000);
    produce(disk, events(10, 20));
    await until('reported', () => gaps.reported.size === 1);
    assert.equal([...gaps.reported.values()][0]?.reason, 'generation_changed');
    assert.equal(positionsOf(disk)[0]?.next, 10);
    await runner.stop();
  });

  test('a process that dies on the way over it leaves it to the next, which closes it', async () => {
    let steps = 0;
    for (const moment of ['before', 'after'] as const) {
      for (let at = 0; ; at++) {
        const disk = await halfWay();
        trimSimulated(disk, TOPICS.raw, 0, 13);
        const gaps = testGaps();
        let operations = 0;
        let dead = false;
        const faults = (): Fault => (operations++ === at ? { crash: moment } : {});
        const log = openSimulatedLog({ disk, clock: jumpingClock(), faults, crashed: () => (dead = true) });
        const first = runnerOn(log, { gaps }).runner;
        await first.listener(TOPICS.raw).assigned(0);
        const decide = (): void => [...gaps.reported.keys()].forEach((id) => void gaps.decide(id, 'start'));
        await until('dead or worked off', () => {
          decide();
          return dead || isDrained(disk);
        });
        if (!dead) break;
        steps++;
        const { runner } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }), { gaps });
        await runner.listener(TOPICS.raw).assigned(0);
        await until('worked off', () => {
          decide();
          return isDrained(disk);
        });
        await until('closed', () => gaps.ended.size === 1);
        await runner.stop();
        assert.equal(outcomeOf(disk).events.length, 17, `${moment} operation ${at}`);
        assertSums(disk);
      }
    }
    assert.ok(steps > 10);
  });
});

test('without a position a partition begins with the oldest record, and more partitions are no gap', () => {
  const place = { topic: TOPICS.raw, partition: 8 };
  const bounds = { start: 5, end: 9 };
  const found = { position: undefined, info: { partitions: 9, generation: 'g' }, bounds };
  assert.deepEqual(startOf(place, found), { kind: 'start', at: { generation: 'g', next: 5 } });
  for (const next of [5, 9]) {
    const position = JSON.stringify({ generation: 'g', next, clock: 7 });
    const start = startOf(place, { ...found, position, info: { partitions: 24, generation: 'g' } });
    assert.deepEqual(start, { kind: 'start', at: { generation: 'g', next, clock: 7 } });
  }
});
