import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Clock, systemClock } from '../../services/platform/clock.ts';
import { LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { LogUnusable } from '../../services/platform/sqlite-log/errors.ts';
import { openSqliteLog, type SqliteLogOptions } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { ALL_TOPICS, partitionsOf } from '../../services/platform/sqlite-log/topics.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { readAll, settableClock } from './support.ts';

const unusable = (code: LogUnusable['code']) => (error: unknown) => error instanceof LogUnusable && error.code === code;
const unavailable = (reason: LogUnavailable['reason']) => (error: unknown) =>
  error instanceof LogUnavailable && error.reason === reason;

describe('the file of the embedded log', () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-sqlite-'));
    file = path.join(dir, 'log.sqlite');
  });
  afterEach(() => fs.rmSync(dir, { recursive: true }));

  const open = (options: Partial<SqliteLogOptions> = {}) =>
    openSqliteLog({ path: file, clock: systemClock, telemetry: silentTelemetry(), ...options });
  const event = (text: string, partition = 0) => ({
    topic: TOPICS.events,
    key: 'k',
    value: Buffer.from(text),
    partition,
  });
  const tamper = (sql: string): void => {
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
  };

  test('the number of partitions is fixed when the file is made', async () => {
    await open({ partitions: 5 }).close();
    assert.throws(() => open({ partitions: 4 }), unusable('log_partitions_differ'));
    assert.throws(() => open({ partitions: 4 }), /made with 5 partitions.*asks for 4.*log\.partitions to 5/);
    const log = open();
    assert.equal((await log.describe(TOPICS.events)).partitions, 5);
    await log.close();
    assert.throws(() => open({ path: path.join(dir, 'new'), partitions: 0 }), RangeError);
  });

  test('a file of another program is refused and left as it is', () => {
    tamper('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)');
    const before = fs.readFileSync(file);
    assert.throws(() => open(), unusable('log_foreign'));
    assert.deepEqual(fs.readFileSync(file), before);
    fs.writeFileSync(file, 'no database at all '.repeat(1000));
    assert.throws(() => open(), unusable('log_foreign'));
    assert.throws(() => open({ path: path.join(dir, 'absent', 'log.sqlite') }), unusable('log_cannot_open'));
  });

  test('a schema of another version is refused', async () => {
    await open().close();
    tamper('PRAGMA user_version = 99');
    assert.throws(() => open(), unusable('log_schema_version'));
  });

  test('a file of the version before gets the topic that it lacks, and keeps what it holds', async () => {
    const before = open({ partitions: 3 });
    await before.transact({ records: [event('kept')] });
    const { generation } = await before.describe(TOPICS.events);
    await before.close();
    const last = ALL_TOPICS.reduce((sum, topic) => sum + partitionsOf(topic, 3), 0) - 1;
    tamper(`DROP TABLE stream_${last}`);
    tamper(`DELETE FROM streams WHERE topic = '${TOPICS.findings}'`);
    tamper(`DELETE FROM topics WHERE topic = '${TOPICS.findings}'`);
    tamper('PRAGMA user_version = 3');
    const log = open();
    await log.transact({ records: [{ topic: TOPICS.findings, partition: 0, key: 'k', value: Buffer.from('new') }] });
    assert.equal((await log.bounds(TOPICS.findings, 0)).end, 1);
    assert.equal((await log.bounds(TOPICS.events, 0)).end, 1);
    assert.equal((await log.describe(TOPICS.events)).generation, generation);
    await log.close();
  });

  test('a log that lost a topic is damaged', async () => {
    await open().close();
    tamper(`DELETE FROM topics WHERE topic = '${TOPICS.control}'`);
    assert.throws(() => open(), unusable('log_damaged'));
  });

  test('a changed record and a lost one are found when they are read', async () => {
    const log = open();
    await log.transact({ records: [event('sound')] });
    await log.transact({ records: [event('to be damaged')] });
    tamper("UPDATE stream_0 SET body = CAST(replace(body, 'damaged', 'DAMAGED') AS BLOB) WHERE last_offset = 1");
    const most = { records: 1, bytes: 100 };
    assert.equal((await log.read(TOPICS.events, 0, 0, most)).records.length, 1);
    await assert.rejects(log.read(TOPICS.events, 0, 1, most), unusable('log_damaged'));
    await log.transact({ records: [event('after it')] });
    tamper('DELETE FROM stream_0 WHERE last_offset = 1');
    await assert.rejects(log.read(TOPICS.events, 0, 1, most), unusable('log_damaged'));
    assert.equal((await log.read(TOPICS.events, 0, 2, most)).records.length, 1);
    await log.close();
  });

  test('overwritten pages are found', async () => {
    const log = open();
    for (let i = 0; i < 20; i++) await log.transact({ records: [event('x'.repeat(20_000))] });
    assert.deepEqual(await log.quickCheck(), []);
    await log.close();
    const bytes = fs.readFileSync(file);
    bytes.fill(0xee, 16_384, 16_384 * 4);
    fs.writeFileSync(file, bytes);
    assert.throws(() => open(), unusable('log_damaged'));
  });

  test('a full disk refuses what does not fit, keeps what was there, and goes on after space is free', async () => {
    const log = open({ size_bytes_max: 1_000_000 });
    await log.transact({ records: [event('first')] });
    const large = { records: [event('x'.repeat(2_000_000))] };
    const outcomes = await Promise.allSettled([
      log.transact({ records: [event('second')] }),
      log.transact(large),
      log.transact({ records: [event('third')] }),
    ]);
    assert.deepEqual(
      outcomes.map((o) => o.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    await assert.rejects(log.transact(large), unavailable('disk_full'));
    const texts = (await readAll(log, TOPICS.events, 0)).map((r) => r.value.toString());
    assert.deepEqual(texts, ['first', 'second', 'third']);

    const half = { records: [event('y'.repeat(300_000))] };
    await log.transact(half);
    await assert.rejects(
      log.transact(half).then(() => log.transact(half)),
      unavailable('disk_full'),
    );
    await log.trim(TOPICS.events, 0, (await log.bounds(TOPICS.events, 0)).end);
    await log.transact(half);
    await log.close();
  });

  test('offsets have no holes, and times are those of the clock, which never goes back', async () => {
    const clock = settableClock(5_000_000);
    const log = open({ clock });
    for (const now of [5_000_000, 4_990_000, 5_000_003, 5_000_002.75]) {
      clock.set(now);
      await log.transact({ records: [event(`${now}`)] });
    }
    assert.deepEqual(
      (await readAll(log, TOPICS.events, 0)).map((r) => [r.offset, r.append_ms]),
      [
        [0, 5_000_000],
        [1, 5_000_000],
        [2, 5_000_003],
        [3, 5_000_003],
      ],
    );
    assert.deepEqual(await log.bounds(TOPICS.events, 0), { start: 0, end: 4 });
    await log.close();
  });

  test('a lock held by another process is waited for without holding the event loop', async () => {
    const log = open();
    const holder = new DatabaseSync(file);
    holder.exec('BEGIN IMMEDIATE');
    let written = false;
    const write = log.transact({ records: [event('patient')] }).then(() => {
      written = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(written, false);
    assert.equal((await log.bounds(TOPICS.events, 0)).end, 0, 'reading goes on meanwhile');
    holder.exec('COMMIT');
    await write;
    await log.close();

    let elapsed = 0;
    const hurried: Clock = { ...systemClock, elapsed: () => (elapsed += 20_000) };
    const impatient = open({ clock: hurried });
    holder.exec('BEGIN IMMEDIATE');
    await assert.rejects(impatient.transact({ records: [event('given up')] }), unavailable('busy'));
    holder.close();
    await impatient.close();
  });

  test('what is older than a time is found and forgotten, nothing else', async () => {
    const clock = settableClock(1_000_000);
    const log = open({ clock });
    for (let hour = 0; hour < 10; hour++) {
      clock.set(1_000_000 + hour * 1000);
      await log.transact({ records: [event(`${hour}a`), event(`${hour}b`)] });
    }
    assert.equal(await log.offsetAt(TOPICS.events, 0, 0), 0);
    assert.equal(await log.offsetAt(TOPICS.events, 0, 1_003_000), 6);
    assert.equal(await log.offsetAt(TOPICS.events, 0, 1_003_001), 8);
    assert.equal(await log.offsetAt(TOPICS.events, 0, 2_000_000), 20);
    await log.trim(TOPICS.events, 0, await log.offsetAt(TOPICS.events, 0, 1_004_000));
    assert.equal(await log.offsetAt(TOPICS.events, 0, 0), 8);
    assert.equal((await readAll(log, TOPICS.events, 0))[0]?.value.toString(), '4a');
    await log.close();
  });

  test('trimming frees the space of thousands of batches', async () => {
    const log = open({ size_bytes_max: 8_000_000 });
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 400 }, () => log.transact({ records: [event('z'.repeat(10_000))] })));
      await log.trim(TOPICS.events, 0, (await log.bounds(TOPICS.events, 0)).end);
    }
    assert.deepEqual(await log.bounds(TOPICS.events, 0), { start: 1600, end: 1600 });
    await log.close();
  });

  test('streams and positions can be looked at', async () => {
    const log = open({ partitions: 2, clock: settableClock(42_000) });
    await log.transact({ records: [event('a', 1)], positions: [{ name: 'feed', position: '7' }] });
    const streams = await log.streams();
    assert.equal(streams.length, 2 + 2 + 2 + 2 + 5);
    assert.deepEqual(
      streams.filter((s) => s.end > 0),
      [{ topic: TOPICS.events, partition: 1, start: 0, end: 1, append_ms: 42_000 }],
    );
    assert.deepEqual([...(await log.positions())], [['feed', '7']]);
    await log.close();
  });
});
