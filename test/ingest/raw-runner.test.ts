import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { DetectRecord } from '../../schemas/record.ts';
import { decideItem } from '../../services/ingest/core.ts';
import type { IngestRunner } from '../../services/ingest/raw-runner.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { identityKey, partitionOf } from '../../services/platform/partitioner.ts';
import { createTelemetry } from '../../services/platform/telemetry.ts';
import { hostileInputs } from '../support/hostile-input.ts';
import { openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';
import {
  allRecords,
  assertSums,
  diskOf,
  isDrained,
  jumpingClock,
  type Outcome,
  outcomeOf,
  produce,
  RAW,
  runnerOn,
  sourcesOf,
  until,
} from './raw-support.ts';
import { input } from './support.ts';

const event = (id: string | number, identity = `agent-${Number(id) % 5}`): string =>
  JSON.stringify(input({ id: `e${id}`, identity: { id: identity } }));

async function assignAll(log: EventLog, runner: IngestRunner): Promise<void> {
  await log.subscribe(TOPICS.raw, 'countersign.ingest', runner.listener(TOPICS.raw));
}

/** Works everything off without a fault. */
async function workOff(disk: SimulatedDisk, more: Parameters<typeof runnerOn>[1] = {}): Promise<Outcome> {
  const log = openSimulatedLog({ disk, clock: jumpingClock() });
  const { runner } = runnerOn(log, more);
  await assignAll(log, runner);
  await until('worked off', () => isDrained(disk));
  await runner.stop();
  return outcomeOf(disk);
}

function mixed(partitions: number): SimulatedDisk {
  const disk = diskOf(partitions);
  for (let partition = 0; partition < partitions; partition++) {
    const at = partition * 1000;
    produce(disk, [event(at), 2, `${event(at + 1)}\n${event(at + 2)}\nnonsense\n`, undefined, ''], { partition });
    produce(disk, [`[${event(at + 3)},${event(at + 4)}]`, event(at + 5), '[]', 1, event(at + 6), 1], { partition });
  }
  return disk;
}

describe('raw topics', () => {
  test('records become events in the partition of their identity, and dead letters that name their place', async () => {
    const disk = mixed(2);
    const { dead } = await workOff(disk);
    for (const { key, value } of allRecords(disk, TOPICS.events)) {
      const record = DetectRecord.parse(JSON.parse(value.toString()));
      assert.ok(record.type === 'event' && record.at === undefined && record.event.origin === TOPICS.raw);
      const expected = partitionOf(identityKey('default', record.event.identity.id), 2);
      assert.ok(disk.topics.get(TOPICS.events)?.partitions[expected]?.records.some((one) => one.key === key));
    }
    assert.deepEqual(
      dead.slice(0, 4).map(({ reason, position }) => `${reason} ${position}`),
      [
        'not_json agent.audit.raw/0/3:3',
        'empty_record agent.audit.raw/0/4',
        'empty_record agent.audit.raw/0/5',
        'empty_record agent.audit.raw/0/8',
      ],
    );
    assertSums(disk);
    assert.equal(outcomeOf(disk).sums[`ingest.source.${TOPICS.raw}.received`], 2 * (7 + 4));
  });

  test('what is made of the records does not depend on how they are read and written', async () => {
    const expected = await workOff(mixed(3));
    for (const raw_batch_records_max of [1, 2, 3, 7]) {
      for (const raw_batch_made_bytes_max of [1, 400, 1e6]) {
        const limits = { raw_batch_records_max, raw_batch_made_bytes_max, raw_batches_max: 2, raw_slice_items: 1 };
        assert.deepEqual(await workOff(mixed(3), { limits }), expected);
      }
    }
  });

  test('the position is behind everything, also behind what is no record, so that retention opens no gap', async () => {
    const disk = diskOf(1);
    produce(disk, [event(1), 5]);
    await workOff(disk);
    assert.equal(JSON.parse(disk.positions.get(`ingest.${TOPICS.raw}.0`) ?? '').next, 6);
    produce(disk, [3]);
    await workOff(disk);
    assert.equal(JSON.parse(disk.positions.get(`ingest.${TOPICS.raw}.0`) ?? '').next, 9);
  });

  test('records are taken as they come, and little of them does not mean a write for each', async () => {
    const disk = diskOf(1);
    const log = openSimulatedLog({ disk, clock: jumpingClock() });
    let writes = 0;
    const counted: EventLog = {
      ...log,
      transact: (write) => {
        writes++;
        return log.transact(write);
      },
    };
    const { runner } = runnerOn(counted, { limits: { raw_commit_ms: 50 } });
    await assignAll(log, runner);
    for (let id = 0; id < 200; id++) produce(disk, [event(id)]);
    await until('worked off', () => isDrained(disk));
    produce(disk, [event(200)]);
    await until('worked off', () => isDrained(disk));
    assert.ok(writes <= 5, `${writes} writes`);
    await runner.stop();
    assert.equal(outcomeOf(disk).events.length, 201);
  });

  test('status tells of every partition', async () => {
    const disk = mixed(2);
    const log = openSimulatedLog({ disk, clock: jumpingClock() });
    const { runner } = runnerOn(log);
    assert.deepEqual(await runner.status(), []);
    await assignAll(log, runner);
    await until('worked off', () => isDrained(disk));
    await until('told', async () => (await runner.status()).every(({ lag }) => lag === 0));
    assert.deepEqual(
      (await runner.status()).map(({ topic, partition, state, gap }) => [topic, partition, state, gap]),
      [0, 1].map((partition) => [TOPICS.raw, partition, 'running', undefined]),
    );
    assert.deepEqual(runner.progress(TOPICS.raw), [
      { partition: 0, next: 12 },
      { partition: 1, next: 12 },
    ]);
    assert.equal(runner.stalled, false);
    const running = runner.run();
    await runner.stop();
    await running;
  });

  test('counts in telemetry what is durable', async () => {
    const telemetry = createTelemetry({ level: 'silent' });
    await workOff(mixed(1), { telemetry });
    const metrics = await telemetry.registry.metrics();
    assert.match(metrics, /countersign_items_accepted_total\{format="canonical"\} 7/);
    assert.match(metrics, /countersign_items_dead_lettered_total\{format="none",reason="empty_record"\} 3/);
    assert.match(metrics, /countersign_raw_records_total\{source="agent.audit.raw"\} 8/);
  });
});

describe('poison', () => {
  test('an item on which ingest itself fails is a dead letter, and the partition goes on', async () => {
    const disk = diskOf(1);
    produce(disk, [event(1), event(2), event(3)]);
    const telemetry = createTelemetry({ level: 'silent' });
    const decide: typeof decideItem = (item, context) => {
      if (item.bytes.includes('"e2"')) throw new TypeError('no such\u001b[2J property');
      return decideItem(item, context);
    };
    const { events, dead } = await workOff(disk, { decide, telemetry });
    assert.equal(events.length, 2);
    assert.deepEqual(dead, [{ reason: 'ingest_failed', position: 'agent.audit.raw/0/1' }]);
    const letter = DeadLetter.parse(JSON.parse(allRecords(disk, TOPICS.dead)[0]?.value.toString() ?? ''));
    assert.ok(letter.message.includes('no such\\u001b[2J property'));
    assert.equal(Buffer.from(letter.bytes, 'base64').toString(), event(2));
    assert.match(await telemetry.registry.metrics(), /ingest_failures_total\{source="agent.audit.raw"\} 1/);
    assertSums(disk);
  });

  test('every hostile body comes to what it comes to over HTTP, and the record behind it is taken', async () => {
    const hostile = hostileInputs(jumpingClock().now());
    const disk = diskOf(1);
    for (const { body } of hostile) produce(disk, [body, event(1)]);
    const { events, sums } = await workOff(disk, { sources: sourcesOf({ ...RAW, format: 'auto' }) });
    const expected: Record<string, number> = { empty_record: 1 };
    for (const { dead } of hostile) {
      for (const [reason, count] of Object.entries(dead)) expected[reason] = (expected[reason] ?? 0) + count;
    }
    for (const [reason, count] of Object.entries(expected)) assert.equal(sums[`ingest.dead.${reason}`], count, reason);
    const accepted = hostile.reduce((sum, one) => sum + one.accepted, 0);
    assert.equal(events.length, accepted + hostile.length);
    assertSums(disk);
  });

  test('no bytes stop a partition', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text).subarray(0, -1)),
      fc
        .array(fc.constantFrom('{', '}', '[', ']', ',', '\n', '"', event(7), '\ufeff', ' '))
        .map((parts) => Buffer.from(parts.join(''))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 30 }), async (values) => {
        const disk = diskOf(1);
        produce(disk, [...values.map((value) => Buffer.from(value)), event('last', 'z')]);
        const { events, sums } = await workOff(disk, { limits: { raw_batch_records_max: 5 } });
        assert.ok(events.some((text) => text.includes('"elast"')));
        assert.ok((sums['ingest.received'] ?? 0) > values.length, 'of no record nothing is told');
        assertSums(disk);
      }),
      { numRuns: 60 },
    );
  });

  test('records of many small items stay within bounds, batch by batch', async () => {
    const disk = diskOf(1);
    const many = `[${'1,'.repeat(LIMITS.raw_record_items_max - 1)}1]`;
    produce(disk, [many, many, many, event(1)]);
    const log = openSimulatedLog({ disk, clock: jumpingClock() });
    const sizes: number[] = [];
    const watched: EventLog = {
      ...log,
      transact: (write) => {
        sizes.push(write.records.reduce((sum, { value }) => sum + value.length, 0));
        return log.transact(write);
      },
    };
    const { runner } = runnerOn(watched, { sources: sourcesOf(RAW), limits: { raw_batch_made_bytes_max: 1e6 } });
    await assignAll(log, runner);
    await until('worked off', () => isDrained(disk));
    await runner.stop();
    assert.equal(outcomeOf(disk).dead.length, 3 * LIMITS.raw_record_items_max);
    assert.ok(sizes.length >= 4 && Math.max(...sizes) < 8e6, `${sizes}`);
  });
});
