import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import {
  type Check,
  type DetectFacts,
  examine,
  type Facts,
  type LogFacts,
  verdictOf,
} from '../../services/platform/doctor/doctor.ts';
import { TOPICS } from '../../services/platform/event-log.ts';

const NOW = Date.UTC(2025, 0, 1);

const log: LogFacts = {
  opened: 'yes',
  kind: 'embedded',
  damage: [],
  size_bytes: 3_500_000,
  generation: 'g1',
  streams: [
    { topic: TOPICS.events, partition: 0, start: 10, end: 60, append_ms: NOW - 5 },
    { topic: TOPICS.events, partition: 1, start: 0, end: 45, append_ms: NOW - 9 },
    { topic: TOPICS.dead, partition: 0, start: 0, end: 3, append_ms: NOW },
  ],
  counters: new Map([
    ['ingest.received', 105],
    ['ingest.accepted', 100],
    ['ingest.absorbed', 2],
    ['ingest.dead_lettered', 3],
    ['ingest.dead.not_json', 2],
    ['ingest.dead.too_deep', 1],
  ]),
  consumers: [{ name: 'feed', topic: TOPICS.dead, partition: 0, next_offset: 3 }],
};

/** 105 records in the log: 100 events and 5 ticks. 98 events are applied, 2 are in flight. */
const sound = {
  now_ms: NOW,
  runtime: { node_version: 'v24.11.0' },
  data_dir: { path: '/data', exists: true, mode: 0o40700, writable: true },
  disk: { free_bytes: 50 * 2 ** 30, data_bytes: 2 ** 30 },
  log,
  store: {
    opened: 'yes',
    kind: 'embedded',
    migrations_pending: 0,
    tables: [{ table: 'events', rows: 98, bytes: 4096, bytes_per_row: 41 }],
    newest_event_ms: NOW,
  },
  detect: [
    { partition: 0, generation: 'g1', next_offset: 58, counters: { event: 55, accepted: 50, duplicate: 5, tick: 3 } },
    { partition: 1, generation: 'g1', next_offset: 45, counters: { event: 43, accepted: 43, tick: 1, prior: 1 } },
  ],
} as const satisfies Facts;

const found = (facts: Facts): ReadonlyMap<string, Check> =>
  new Map(examine(facts).map((check) => [check.check, check]));
/** The only check that is not ok, as `name status: detail`. */
const complaint = (facts: Facts): string => {
  const bad = examine(facts).filter(({ status }) => status !== 'ok');
  for (const { check, remedy } of bad) assert.ok(remedy !== undefined && remedy !== '', `${check} has a remedy`);
  return bad.map(({ check, status, detail }) => `${check} ${status}: ${detail}`).join('\n');
};
const withLog = (change: Partial<LogFacts>): Facts => ({ ...sound, log: { ...log, ...change } });
const withCounter = (name: string, value: number): Facts =>
  withLog({ counters: new Map([...log.counters, [name, value]]) });
const withDetect = (change: Partial<DetectFacts>): Facts => ({
  ...sound,
  detect: [{ ...sound.detect[0], ...change }, sound.detect[1]],
});

describe('doctor', () => {
  test('finds nothing wrong with a sound service', () => {
    assert.equal(complaint(sound), '');
    assert.equal(verdictOf(examine(sound)), 'ok');
    const checks = found(sound);
    assert.equal(checks.get('log')?.detail, '98 records, 3.3 MiB, sound');
    assert.equal(
      checks.get('sums_received')?.detail,
      '105 received = 100 accepted + 2 absorbed + 0 held + 3 dead-lettered',
    );
    assert.equal(
      checks.get('sums_applied')?.detail,
      '105 records in the log = 103 applied + 2 in flight; 98 events applied = 93 scored + 5 redelivered',
    );
  });

  test('a running service holds its parts, which is no complaint but for what cannot be seen', () => {
    const { detect: _, ...rest } = sound;
    const running: Facts = {
      ...rest,
      data_dir: { ...sound.data_dir, holder: { pid: 77 } },
      store: { opened: 'held' },
    };
    assert.equal(found(running).get('lock')?.detail, 'held by process 77');
    assert.equal(complaint(running), 'sums_applied warn: not looked at: the store is in use');
    assert.equal(verdictOf(examine(running)), 'warn');
  });

  test('machine: runtime, rights, disk', () => {
    assert.match(complaint({ ...sound, runtime: { node_version: 'v20.20.2' } }), /^runtime fail: .*older than 24$/);
    const dir = (change: Partial<Facts['data_dir']>) =>
      complaint({ ...sound, data_dir: { ...sound.data_dir, ...change } });
    assert.match(dir({ mode: 0o40755 }), /^data_dir fail: .*open to other users \(755\)$/);
    assert.match(dir({ writable: false }), /^data_dir fail/);
    assert.match(dir({ exists: false }), /^data_dir warn/);
    const disk = (free_bytes: number) => complaint({ ...sound, disk: { free_bytes, data_bytes: 100 * 2 ** 30 } });
    assert.match(disk(255 * UNITS.MIB), /^disk fail: 255\.0 MiB free, 100\.0 GiB of data$/);
    assert.match(disk(10 * 2 ** 30), /^disk warn/);
    assert.equal(disk(21 * 2 ** 30), '');
  });

  test('log and store that cannot be opened, and what then was not looked at', () => {
    const facts: Facts = { ...sound, log: { opened: 'refused', code: 'log_damaged', message: 'restore it' } };
    const checks = found(facts);
    assert.deepEqual(checks.get('log'), {
      check: 'log',
      status: 'fail',
      detail: 'cannot be opened (log_damaged)',
      remedy: 'restore it',
    });
    for (const name of ['consumers', 'sums_received', 'sums_applied']) assert.equal(checks.get(name)?.status, 'warn');
    assert.match(complaint({ ...sound, store: { opened: 'absent' } }), /^store warn: does not exist yet$/);
  });

  test('damage, bounds, migrations', () => {
    assert.match(complaint(withLog({ damage: ['row 7 missing', 'x'] })), /^log fail: .*row 7 missing and 1 more$/);
    const { damage: _, ...unchecked } = log;
    assert.match(found({ ...sound, log: unchecked }).get('log')?.detail ?? '', /integrity not checked$/);
    const streams = [{ ...log.streams[0], start: 61 }, ...log.streams.slice(1)] as LogFacts['streams'];
    assert.match(complaint(withLog({ streams })), /^log fail: .* begins at 61 and ends at 60$/m);
    const store = { ...sound.store, migrations_pending: 2 };
    assert.match(complaint({ ...sound, store }), /^store warn: .*2 migrations to come$/);
  });

  test('consumers before the start, beyond the end, on what is not there, and far behind', () => {
    const at = (next_offset: number, partition = 0) =>
      complaint(withLog({ consumers: [{ name: 'siem', topic: TOPICS.events, partition, next_offset }] }));
    assert.match(at(9), /^consumers fail: .*begins at 10: 1 records are gone$/);
    assert.match(at(61), /^consumers fail: .*the log ends at 60$/);
    assert.match(at(0, 5), /^consumers fail: .*which the log does not have$/);
    assert.equal(at(10), '');
    const end = LIMITS.ready_lag_records_max + 1_000;
    const streams = [...log.streams, { topic: TOPICS.feed, partition: 0, start: 0, end, append_ms: 1 }];
    const consumers = [{ name: 'webhooks', topic: TOPICS.feed, partition: 0, next_offset: 0 }];
    assert.match(complaint(withLog({ streams, consumers })), /^consumers warn/);
  });

  test('clocks', () => {
    assert.match(
      complaint({ ...sound, now_ms: NOW - 61_000 }),
      /^clock fail: .*2025-01-01T00:00:00\.000Z, this machine/,
    );
    assert.equal(complaint({ ...sound, now_ms: NOW - 59_000 }), '');
    const store = { ...sound.store, newest_event_ms: NOW + LIMITS.future_ms + 1 };
    assert.match(complaint({ ...sound, store }), /^clock warn: the newest event says/);
  });

  test('the sums of promise P1, each way in which they can be wrong', () => {
    assert.match(complaint(withCounter('ingest.received', 106)), /^sums_received fail: it is not true that 106/);
    assert.match(complaint(withCounter('ingest.dead.not_json', 1)), /^sums_received fail: 3 dead letters, but 2/);
    const streams = log.streams.slice(0, 2);
    assert.match(complaint(withLog({ streams, consumers: [] })), /^sums_received fail: 3 .* counted, 0 ever/);
    assert.match(complaint(withDetect({ generation: 'g0' })), /^sums_applied fail: .*from log g0, this is log g1/);
    assert.match(complaint(withDetect({ next_offset: 57 })), /^sums_applied fail: .*57 applied, 58 counted/);
    const split = { event: 55, accepted: 50, duplicate: 4, tick: 3 };
    assert.match(complaint(withDetect({ counters: split })), /^sums_applied fail: .*55 events, but 50 scored \+ 4/);
    const fewer = { event: 51, accepted: 46, duplicate: 5, tick: 7 };
    assert.match(complaint(withDetect({ counters: fewer })), /^sums_applied fail: 100 events accepted, 94 applied, 2/);
    const poisoned = { ...fewer, tick: 3, poison: 4 };
    assert.equal(complaint(withDetect({ counters: poisoned })), '');
    const accepted = { ...fewer, tick: 3, 'gap.accepted': 1, 'gap.lost': 4 };
    assert.equal(complaint(withDetect({ counters: accepted })), '', 'what was given up at a gap is accounted for');
    const more = { event: 58, accepted: 53, duplicate: 5 };
    assert.match(complaint(withDetect({ counters: more })), /^sums_applied fail: 100 events accepted, 101 applied, 2/);
  });

  test('on Kafka offsets have holes: they bound the sums, and are none', () => {
    const { size_bytes: _, damage: __, ...rest } = log;
    const kafka = (change: Partial<DetectFacts>): Facts => ({
      ...withDetect(change),
      log: { ...rest, kind: 'kafka' },
    });
    assert.equal(complaint(kafka({})), '');
    const fewer = { event: 55, accepted: 50, duplicate: 5 };
    assert.equal(complaint(kafka({ counters: fewer })), '');
    assert.match(found(kafka({})).get('log')?.detail ?? '', /^Kafka, 3 partitions, 98 offsets in use$/);
    assert.match(complaint(kafka({ next_offset: 57 })), /^sums_applied fail: .*57 applied, 58 counted/);
  });
});
