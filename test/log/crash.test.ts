import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, type LogRecord, TOPICS } from '../../services/platform/event-log.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { PARTITIONS, readAll } from './support.ts';
import { recordsOf } from './writer.ts';

const WRITER = fileURLToPath(new URL('writer.ts', import.meta.url));

const startWriter = (file: string, name: string, first: number, writes: number): ChildProcess =>
  spawn(process.execPath, [WRITER, file, name, String(first), String(writes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** Reads acknowledgements; kills the process as soon as there are so many, wherever it is then. Returns all of them. */
async function runUntil(child: ChildProcess, kill_after: number): Promise<Set<number>> {
  const acknowledged = new Set<number>();
  const exited = once(child, 'exit');
  assert.ok(child.stdout !== null);
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.add(Number(line));
    if (acknowledged.size === kill_after) child.kill('SIGKILL');
  }
  await exited;
  return acknowledged;
}

const open = (file: string): EventLog =>
  openSqliteLog({ path: file, partitions: PARTITIONS, clock: systemClock, telemetry: silentTelemetry() });

/** Every acknowledged write is there whole, and no write in part; the counter counts the records that are there. */
async function assertWhole(file: string, name: string, acknowledged: ReadonlySet<number>): Promise<number> {
  const log = open(file);
  const found: LogRecord[] = await readAll(log, TOPICS.dead, 0);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records = await readAll(log, TOPICS.events, partition);
    records.forEach((record, index) => {
      assert.equal(record.offset, index, 'offsets are contiguous');
    });
    found.push(...records);
  }
  const writes = new Map<number, Map<string, Buffer>>();
  for (const record of found) {
    const value = JSON.parse(record.value.toString()) as { name: string; write: number };
    if (value.name !== name) continue;
    const write = writes.get(value.write) ?? new Map<string, Buffer>();
    assert.ok(!write.has(record.key), `${record.key} stands twice`);
    writes.set(value.write, write.set(record.key, record.value));
  }
  for (const write of acknowledged) assert.ok(writes.has(write), `acknowledged write ${write} is lost`);
  for (const [write, records] of writes) {
    const expected = recordsOf(name, write);
    assert.equal(records.size, expected.length, `write ${write} is there in part`);
    for (const { key, value } of expected) assert.ok(records.get(key)?.equals(value), `${key} is not what was written`);
  }
  const total = [...writes.values()].reduce((sum, records) => sum + records.size, 0);
  assert.equal((await log.counters()).get(name) ?? 0, total);
  await log.close();
  return writes.size;
}

describe('the embedded log and the death of processes', () => {
  let dir: string;
  before(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-crash-'));
  });
  after(() => fs.rmSync(dir, { recursive: true }));

  test('kill -9 at any moment loses no acknowledged write and leaves none in part', async () => {
    const file = path.join(dir, 'killed.sqlite');
    await open(file).close();
    const acknowledged = new Set<number>();
    const moments = fc.sample(fc.integer({ min: 1, max: 300 }), { numRuns: 8, seed: 20_250_101 });
    for (const [round, kill_after] of moments.entries()) {
      const child = startWriter(file, 'victim', round * 1_000_000, 1_000_000);
      for (const write of await runUntil(child, kill_after)) acknowledged.add(write);
      await assertWhole(file, 'victim', acknowledged);
    }
    assert.ok(acknowledged.size >= moments.reduce((a, b) => a + b));
  });

  test('two processes append at once, and one dies', async () => {
    const file = path.join(dir, 'two.sqlite');
    await open(file).close();
    const [survivor, victim] = await Promise.all([
      runUntil(startWriter(file, 'survivor', 0, 400), Number.POSITIVE_INFINITY),
      runUntil(startWriter(file, 'victim', 0, 1_000_000), 150),
    ]);
    assert.equal(survivor.size, 400);
    assert.equal(await assertWhole(file, 'survivor', survivor), 400);
    await assertWhole(file, 'victim', victim);
  });
});
