import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { IngestRunner } from '../../services/ingest/raw-runner.ts';
import {
  type EventLog,
  LogUnavailable,
  PositionConflict,
  RecordsUnreadable,
  TOPICS,
} from '../../services/platform/event-log.ts';
import { createTelemetry } from '../../services/platform/telemetry.ts';
import { type Fault, openSimulatedLog, randomFaults, type SimulatedDisk } from '../support/simulated-log.ts';
import {
  allRecords,
  assertSums,
  diskOf,
  isDrained,
  jumpingClock,
  outcomeOf,
  positionsOf,
  produce,
  runnerOn,
  seeded,
  until,
} from './raw-support.ts';
import { input } from './support.ts';

const event = (id: number): string => JSON.stringify(input({ id: `e${id}`, identity: { id: `agent-${id % 7}` } }));

/** `count` records a partition: mostly events, some dead, with holes between them. */
function loaded(partitions: number, count: number): SimulatedDisk {
  const disk = diskOf(partitions);
  for (let partition = 0; partition < partitions; partition++) load(disk, partition, 0, count);
  return disk;
}

function load(disk: SimulatedDisk, partition: number, from: number, count: number): void {
  for (let index = from; index < from + count; index++) {
    const id = partition * 1_000_000 + index * 10;
    if (index % 5 === 3) produce(disk, [2], { partition });
    const value = index % 4 === 1 ? `[${event(id)},1,${event(id + 1)}]` : index % 7 === 2 ? undefined : event(id);
    produce(disk, [value], { partition });
  }
}

async function assign(runner: IngestRunner, partitions: readonly number[]): Promise<void> {
  for (const partition of partitions) await runner.listener(TOPICS.raw).assigned(partition);
}

const all = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const small = { raw_batch_records_max: 3, raw_batches_max: 3 };

async function uninterrupted(disk: SimulatedDisk, partitions: number) {
  const { runner } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }));
  await assign(runner, all(partitions));
  await until('worked off', () => isDrained(disk));
  await runner.stop();
  return outcomeOf(disk);
}

describe('exactly once', () => {
  test('a process that dies at any step, before or after it took effect, changes nothing', async () => {
    const expected = await uninterrupted(loaded(2, 12), 2);
    let steps = 0;
    for (const moment of ['before', 'after'] as const) {
      for (let at = 0; ; at++) {
        const disk = loaded(2, 12);
        let operations = 0;
        let dead = false;
        const faults = (): Fault => (operations++ === at ? { crash: moment } : {});
        const log = openSimulatedLog({ disk, clock: jumpingClock(), faults, crashed: () => (dead = true) });
        const { runner } = runnerOn(log, { limits: small });
        await assign(runner, [0, 1]);
        await until('dead or worked off', () => dead || isDrained(disk));
        if (!dead) break;
        steps++;
        assert.deepEqual(await uninterrupted(disk, 2), expected, `${moment} operation ${at}`);
        assertSums(disk);
      }
    }
    assert.ok(steps > 50, `${steps} steps`);
  });

  test('a log that fails now and then, before or after it took the write, changes nothing', async () => {
    const expected = await uninterrupted(loaded(3, 40), 3);
    for (let seed = 1; seed <= 40; seed++) {
      const disk = loaded(3, 40);
      const clock = jumpingClock();
      const faults = randomFaults(seeded(seed), { fail: 0.3, delay: 0.3, delay_ms_max: 50, skip: 0.3 });
      const telemetry = createTelemetry({ level: 'silent' });
      const { runner } = runnerOn(openSimulatedLog({ disk, clock, faults }), { clock, telemetry, limits: small });
      await assign(runner, [0, 1, 2]);
      await until('worked off', () => isDrained(disk));
      await runner.stop();
      assert.deepEqual(outcomeOf(disk), expected, `seed ${seed}`);
      const metrics = await telemetry.registry.metrics();
      assert.ok(!metrics.includes('countersign_raw_taken_over_total{'), 'its own writes are known for its own');
    }
  });

  test('two processes that both believe to own a partition do it no harm', async () => {
    const expected = await uninterrupted(loaded(1, 60), 1);
    for (let seed = 1; seed <= 40; seed++) {
      const disk = loaded(1, 60);
      const random = seeded(seed);
      const telemetry = createTelemetry({ level: 'silent' });
      const runners = [0, 1].map(() => {
        const clock = jumpingClock();
        const faults = randomFaults(random, { fail: 0.1, delay: 0.5, delay_ms_max: 50, skip: 0 });
        return runnerOn(openSimulatedLog({ disk, clock, faults }), { clock, telemetry, limits: small }).runner;
      });
      for (const runner of runners) await assign(runner, [0]);
      await until('worked off', () => isDrained(disk));
      for (const runner of runners) await runner.stop();
      assert.deepEqual(outcomeOf(disk), expected, `seed ${seed}`);
    }
  });

  test('twelve partitions that move between two processes under load lose and repeat nothing', async () => {
    const expected = await uninterrupted(loaded(12, 60), 12);
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed);
      const disk = diskOf(12);
      const clock = jumpingClock();
      const runners = [0, 1].map(() => {
        const faults = randomFaults(random, { fail: 0.05, delay: 0.3, delay_ms_max: 50, skip: 0.2 });
        return runnerOn(openSimulatedLog({ disk, clock, faults }), { clock, limits: small }).runner;
      });
      const owners = all(12).map((partition) => partition % 2);
      for (const partition of all(12)) await assign(runners[owners[partition] as number] as IngestRunner, [partition]);
      for (let round = 0; round < 6; round++) {
        for (const partition of all(12)) load(disk, partition, round * 10, 10);
        for (let move = 0; move < 8; move++) {
          for (let turns = Math.floor(random() * 20); turns > 0; turns--) await turn();
          const partition = Math.floor(random() * 12);
          const [from, to] = owners[partition] === 0 ? runners : runners.toReversed();
          const how = random() < 0.5 ? 'handed_over' : 'lost';
          await from?.listener(TOPICS.raw).revoked(partition, how);
          await to?.listener(TOPICS.raw).assigned(partition);
          owners[partition] = 1 - (owners[partition] as number);
        }
      }
      await until('worked off', () => isDrained(disk));
      for (const runner of runners) await runner.stop();
      assert.deepEqual(outcomeOf(disk), expected, `seed ${seed}`);
      assertSums(disk);
    }
  });
});

describe('other processes', () => {
  test('a partition that another process took is left alone, and taken back when nobody works on it', async () => {
    const disk = loaded(1, 5);
    const clock = jumpingClock();
    const { runner } = runnerOn(openSimulatedLog({ disk, clock }), { clock });
    await assign(runner, [0]);
    await until('worked off', () => isDrained(disk));
    const name = `ingest.${TOPICS.raw}.0`;
    const [{ next } = { next: -1 }] = positionsOf(disk);
    // Another process moves the position and dies.
    load(disk, 0, 5, 1);
    disk.positions.set(name, `${disk.positions.get(name)} `);
    const states = new Set<string>();
    await until('worked off', async () => {
      for (const { state } of await runner.status()) states.add(state);
      return isDrained(disk);
    });
    assert.deepEqual(states, new Set(['running', 'taken']));
    assert.ok(next < (positionsOf(disk)[0]?.next ?? 0));
    await runner.stop();
    assertSums(disk);
  });

  test('a predecessor that writes once more after the take-over costs no pause', async () => {
    const disk = loaded(1, 5);
    const clock = jumpingClock();
    const log = openSimulatedLog({ disk, clock });
    let conflicts = 2;
    const contested: EventLog = {
      ...log,
      transact: async (write) => {
        if (conflicts-- > 0) throw new PositionConflict('the predecessor was faster');
        return log.transact(write);
      },
    };
    const { runner } = runnerOn(contested, { clock });
    const began = clock.elapsed();
    await assign(runner, [0]);
    await until('worked off', () => isDrained(disk));
    assert.ok(clock.elapsed() - began < 1000);
    await runner.stop();
  });

  test('a write that failed and was overtaken meanwhile is not taken for ours', async () => {
    const disk = loaded(1, 5);
    const log = openSimulatedLog({ disk, clock: jumpingClock() });
    const name = `ingest.${TOPICS.raw}.0`;
    let overtaken = false;
    const contested: EventLog = {
      ...log,
      transact: async (write) => {
        if (overtaken || write.records.length === 0) return log.transact(write);
        overtaken = true;
        // Somebody else has worked off the first record.
        disk.positions.set(name, JSON.stringify({ ...JSON.parse(disk.positions.get(name) ?? ''), next: 1 }));
        throw new LogUnavailable('io', 'nobody knows what became of it');
      },
    };
    const { runner } = runnerOn(contested);
    await assign(runner, [0]);
    await until('worked off', () => isDrained(disk));
    await runner.stop();
    const ids = allRecords(disk, TOPICS.events).map(({ value }) => JSON.parse(value.toString()).event.id);
    assert.deepEqual(ids.sort(), ['e10', 'e11', 'e30', 'e40']);
  });

  test('a partition that is assigned again is worked on once, and not at all after the end', async () => {
    const disk = loaded(1, 5);
    const { runner } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }));
    await assign(runner, [0]);
    await until('worked off', () => isDrained(disk));
    await assign(runner, [0]);
    await runner.stop();
    const written = allRecords(disk, TOPICS.events).length;
    load(disk, 0, 5, 3);
    for (let turns = 0; turns < 50; turns++) await turn();
    assert.equal(allRecords(disk, TOPICS.events).length, written);
  });

  test('handing over waits for the write under way, losing does not', async () => {
    for (const how of ['handed_over', 'lost'] as const) {
      const disk = loaded(1, 5);
      const log = openSimulatedLog({ disk, clock: jumpingClock() });
      const gate = Promise.withResolvers<void>();
      let writing = 0;
      const slow: EventLog = {
        ...log,
        transact: async (write) => {
          if (write.records.length > 0 && ++writing === 1) await gate.promise;
          return log.transact(write);
        },
      };
      const { runner } = runnerOn(slow, { limits: small });
      await assign(runner, [0]);
      await until('writing', () => writing === 1);
      let revoked = false;
      const revoking = runner
        .listener(TOPICS.raw)
        .revoked(0, how)
        .then(() => {
          revoked = true;
        });
      for (let turns = 0; turns < 20; turns++) await turn();
      assert.equal(revoked, how === 'lost');
      gate.resolve();
      await revoking;
      await until('written', () => allRecords(disk, TOPICS.events).length > 0);
      assert.equal(writing, 1, 'nothing more is written');
    }
  });
});

describe('the log', () => {
  test('is asked again for as long as it does not answer, and readiness can tell', async () => {
    const disk = loaded(1, 5);
    const clock = jumpingClock();
    let away = true;
    const pauses: number[] = [];
    const sleep: typeof clock.sleep = (ms, signal) => {
      pauses.push(ms);
      return clock.sleep(ms, signal);
    };
    const log = openSimulatedLog({ disk, clock, faults: () => (away ? { fail: 'before' } : {}) });
    const { runner } = runnerOn(log, { clock: { ...clock, sleep } });
    await assign(runner, [0]);
    await until('asked often', () => pauses.length > 10);
    assert.ok(runner.stalled);
    assert.equal((await runner.status())[0]?.state, 'waiting');
    assert.deepEqual([pauses[0], pauses[1], Math.max(...pauses)], [100, 200, 10_000]);
    away = false;
    await until('worked off', () => isDrained(disk));
    assert.equal(runner.stalled, false);
    await runner.stop();
  });

  test('can be unable to give some records for good: they are told of and passed over', async () => {
    const disk = loaded(1, 5);
    const log = openSimulatedLog({ disk, clock: jumpingClock() });
    const damaged: EventLog = {
      ...log,
      read: (topic, partition, offset, most) => {
        const range = { offset, next: 3, reason: 'damaged' } as const;
        return offset < 3
          ? Promise.reject(new RecordsUnreadable({ where: 'raw/0', ...range }))
          : log.read(topic, partition, offset, most);
      },
    };
    const { runner } = runnerOn(damaged);
    await assign(runner, [0]);
    await until('worked off', () => isDrained(disk));
    await runner.stop();
    assert.deepEqual(outcomeOf(disk).dead, [{ reason: 'record_unreadable', position: 'agent.audit.raw/0/0' }]);
    assert.ok(outcomeOf(disk).events.length > 0);
    assertSums(disk);
  });

  test('a defect below ends the run with it, instead of in silence', async () => {
    const log = openSimulatedLog({ disk: loaded(1, 5), clock: jumpingClock() });
    const broken: EventLog = { ...log, read: () => Promise.reject(new TypeError('defect')) };
    const { runner } = runnerOn(broken);
    const running = runner.run();
    await assign(runner, [0]);
    await assert.rejects(running, new TypeError('defect'));
    await runner.stop();
  });
});
