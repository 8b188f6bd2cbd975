import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { DetectRecord } from '../../schemas/record.ts';
import { appendReplay } from '../../services/ingest/append-replay.ts';
import { emptyCatalogue } from '../../services/ingest/catalogue.ts';
import type { Item } from '../../services/ingest/core.ts';
import { replayRecords } from '../../services/ingest/replay.ts';
import { createIngest, type Ingest } from '../../services/ingest/submit.ts';
import { type EventLog, LogUnavailable, type LogWrite, TOPICS, type Topic } from '../../services/platform/event-log.ts';
import { identityKey, partitionOf } from '../../services/platform/partitioner.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { manualClock } from '../support/manual-clock.ts';
import { type Fault, newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { FLAT_MAPPING, input, itemOf, MINUTE_MS, MONDAY_MS, mappingOf, recordingOf } from './support.ts';

const PARTITIONS = 3;

function setUp(faults: () => Fault = () => ({})) {
  const clock = manualClock();
  const disk = newDisk({ partitions: PARTITIONS, random: () => 0.5 });
  const log = openSimulatedLog({ disk, clock, faults: (operation) => (operation === 'transact' ? faults() : {}) });
  const writes: LogWrite[] = [];
  const watched: EventLog = {
    ...log,
    transact: (write) => {
      writes.push(write);
      return log.transact(write);
    },
  };
  const telemetry = silentTelemetry();
  const mappings = [mappingOf(FLAT_MAPPING)];
  const ingest = createIngest({ log: watched, clock, telemetry, mappings, catalogue: emptyCatalogue() });
  return { ingest, log, writes, telemetry, clock };
}

async function recordsIn(log: EventLog, topic: Topic): Promise<{ partition: number; key: string; value: unknown }[]> {
  const { partitions } = await log.describe(topic);
  const all = [];
  for (let partition = 0; partition < partitions; partition++) {
    for (const record of (await log.read(topic, partition, 0, { records: 100_000, bytes: 1 << 30 })).records) {
      all.push({ partition, key: record.key, value: JSON.parse(record.value.toString()) as unknown });
    }
  }
  return all;
}

const batch = (): Item[] => [
  itemOf(input({ id: 'a', identity: { id: 'agent-1' } }), '0'),
  itemOf('nonsense', '1'),
  itemOf({ event_id: 'b', ts: '2025-03-03T09:00:01Z', who: 'agent-2' }, '2'),
  itemOf(input({ id: 'c', identity: {} }), '3'),
];
const options = { format: 'auto', origin: 'http' } as const;

test('a batch becomes one atomic write of events, dead letters and sums', async () => {
  const { ingest, log, writes } = setUp();
  const { results, ...sums } = await ingest.submit(batch(), options);
  assert.deepEqual(sums, { received: 4, accepted: 2, dead_lettered: 2, absorbed: 0, held: 0 });
  assert.deepEqual(
    results.map((result) => [result.status, result.position, 'reason' in result ? result.reason : undefined]),
    [
      ['accepted', '0', undefined],
      ['dead_lettered', '1', 'not_json'],
      ['accepted', '2', undefined],
      ['dead_lettered', '3', 'schema_mismatch'],
    ],
  );
  assert.equal(writes.length, 1);
  assert.deepEqual(Object.fromEntries(await log.counters()), {
    'ingest.received': 4,
    'ingest.accepted': 2,
    'ingest.dead_lettered': 2,
    'ingest.dead.not_json': 1,
    'ingest.dead.schema_mismatch': 1,
    'ingest.format.canonical.accepted': 1,
    'ingest.format.canonical.dead_lettered': 1,
    'ingest.format.canonical.dead.schema_mismatch': 1,
    'ingest.format.none.dead_lettered': 1,
    'ingest.format.none.dead.not_json': 1,
    'ingest.format.mapped.accepted': 1,
    'ingest.source./http.received': 4,
    'ingest.source./http.accepted': 2,
    'ingest.source./http.dead_lettered': 2,
    'ingest.source./http.dead.not_json': 1,
    'ingest.source./http.dead.schema_mismatch': 1,
    'ingest.source./http.format.canonical': 2,
    'ingest.source./http.format.none': 1,
    'ingest.source./http.format.mapped': 1,
  });
});

test('event records are as the schema says, in the partition of their identity', async () => {
  const { ingest, log } = setUp();
  const { results } = await ingest.submit(batch(), options);
  const records = await recordsIn(log, TOPICS.events);
  assert.equal(records.length, 2);
  for (const { partition, key, value } of records) {
    const record = DetectRecord.parse(value);
    assert.deepEqual(record, value);
    assert.ok(record.type === 'event' && record.at === undefined);
    assert.equal(key, identityKey('default', record.event.identity.id));
    assert.equal(partition, partitionOf(key, PARTITIONS));
    assert.ok(results.some((result) => result.status === 'accepted' && result.key === record.event.key));
  }
});

test('dead letters are as the schema says, with the original bytes', async () => {
  const { ingest, log, clock } = setUp();
  await ingest.submit(batch(), options);
  const letters = (await recordsIn(log, TOPICS.dead)).map(({ value }) => DeadLetter.parse(value));
  assert.deepEqual(
    letters.map(({ origin, position, time }) => [origin, position, time]),
    [
      ['http', '1', clock.now()],
      ['http', '3', clock.now()],
    ],
  );
  assert.equal(Buffer.from(letters[0]?.bytes ?? '', 'base64').toString(), 'nonsense');
});

test('a mapping names the origin, so the same event has the same key from everywhere', async () => {
  const { ingest } = setUp();
  const keys = [];
  for (const origin of ['http', 'file']) {
    const { results } = await ingest.submit([batch()[2] as Item], { format: 'mapped', origin });
    keys.push(results[0]?.status === 'accepted' ? results[0].key : undefined);
  }
  assert.ok(keys[0] !== undefined);
  assert.equal(keys[0], keys[1]);
});

test('what the log did not take is neither acknowledged nor counted', async () => {
  let failing = true;
  const { ingest, log, telemetry } = setUp(() => (failing ? { fail: 'before' } : {}));
  await assert.rejects(ingest.submit(batch(), options), LogUnavailable);
  assert.equal((await log.counters()).size, 0);
  assert.ok(!(await telemetry.registry.metrics()).includes('countersign_items_received_total{'));
  failing = false;
  await ingest.submit(batch(), options);
  assert.equal((await recordsIn(log, TOPICS.events)).length, 2);
  const metrics = await telemetry.registry.metrics();
  assert.match(metrics, /countersign_items_received_total\{format="canonical"\} 2/);
  assert.match(metrics, /countersign_items_accepted_total\{format="mapped"\} 1/);
  assert.match(metrics, /countersign_items_dead_lettered_total\{format="none",reason="not_json"\} 1/);
});

test('flags are counted', async () => {
  const { ingest, telemetry } = setUp();
  await ingest.submit([itemOf(input({ model: 'a\u0000' })), itemOf(input({ model: 'b\u0000' }))], options);
  assert.match(await telemetry.registry.metrics(), /countersign_events_flagged_total\{flag="escaped"\} 2/);
});

test('an empty batch writes nothing', async () => {
  const { ingest, writes } = setUp();
  assert.equal((await ingest.submit([], options)).received, 0);
  assert.equal(writes.length, 0);
});

test('a batch over the limit is a defect of the caller', async () => {
  const { ingest } = setUp();
  const items = Array.from({ length: LIMITS.http_batch_items_max + 1 }, () => itemOf('{}'));
  await assert.rejects(ingest.submit(items, options), RangeError);
});

test('a long batch gives others their turn', async () => {
  const { ingest } = setUp();
  let turns = 0;
  let done = false;
  const spin = (): void => {
    if (done) return;
    turns++;
    setImmediate(spin);
  };
  setImmediate(spin);
  const items = Array.from({ length: 3 * LIMITS.ingest_slice_items }, (_, index) => itemOf(input({ id: `e${index}` })));
  await ingest.submit(items, options);
  done = true;
  assert.ok(turns >= 2);
});

test('ticks go to every partition', async () => {
  const { ingest, log } = setUp();
  await ingest.tick(MONDAY_MS);
  await ingest.tick(undefined);
  const records = await recordsIn(log, TOPICS.events);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    assert.deepEqual(
      records.filter((record) => record.partition === partition).map(({ value }) => value),
      [{ type: 'tick', at: MONDAY_MS }, { type: 'tick' }],
    );
  }
});

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify(
      input({ id: `e${index}`, time: MONDAY_MS + index * 3 * MINUTE_MS, identity: { id: `agent-${index % 5}` } }),
    ),
  ).join('\n');

const replayInto = (ingest: Ingest, text: string, onCut: (at: number) => Promise<void> = async () => {}) =>
  appendReplay(ingest, replayRecords([recordingOf(text)], ingest.contextOf(options)), { onCut });

test('a replay stands in the log in its order, with its clock, and few writes', async () => {
  const { ingest, log, writes } = setUp();
  const cuts: number[] = [];
  const written: number[] = [];
  const sums = await replayInto(ingest, `${lines(400)}\nnonsense\n`, async (at) => {
    cuts.push(at);
    written.push(
      (await recordsIn(log, TOPICS.events)).filter(({ value }) => DetectRecord.parse(value).type === 'event').length,
    );
  });
  assert.deepEqual(sums, { received: 401, accepted: 400, dead_lettered: 1, absorbed: 0, held: 0 });
  assert.deepEqual(
    cuts.map((at) => new Date(at).toISOString()),
    ['2025-03-03T12:00:00.000Z', '2025-03-03T18:00:00.000Z', '2025-03-04T00:00:00.000Z'],
  );
  assert.deepEqual(written, [60, 180, 300], 'everything before a cut is durable when it comes');
  assert.ok(writes.length <= cuts.length + 1);
  const byPartition = Map.groupBy(await recordsIn(log, TOPICS.events), ({ partition }) => partition);
  for (const records of byPartition.values()) {
    const clocks = records.map(({ value }) => DetectRecord.parse(value).at ?? 0);
    assert.deepEqual(
      clocks,
      clocks.toSorted((a, b) => a - b),
    );
    assert.equal(records.filter(({ value }) => DetectRecord.parse(value).type === 'tick').length, 119);
  }
});

test('a replay run twice gives the same records', async () => {
  const first = setUp();
  const second = setUp();
  await replayInto(first.ingest, lines(300));
  await replayInto(second.ingest, lines(300));
  assert.deepEqual(await recordsIn(first.log, TOPICS.events), await recordsIn(second.log, TOPICS.events));
});

test('progress is told after every write', async () => {
  const { ingest } = setUp();
  const text = lines(300);
  const told: number[] = [];
  await appendReplay(ingest, replayRecords([recordingOf(text, 500)], ingest.contextOf(options)), {
    onCut: async () => {},
    onProgress: ({ bytes_read, sums }) => void told.push(bytes_read, sums.received),
  });
  assert.deepEqual(told.slice(-2), [Buffer.byteLength(text), 300]);
});

test('a replay counts how its events came by their identity', async () => {
  const { ingest, log, telemetry } = setUp();
  const call = { session: 's', client: { id: 'agent-1' } };
  const messages = [
    { ...call, time: MONDAY_MS, message: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } } },
    { ...call, time: MONDAY_MS + 1, message: { jsonrpc: '2.0', id: 1, result: { content: [] } } },
    input({ time: MONDAY_MS + 2 }),
  ];
  const sums = await replayInto(ingest, messages.map((one) => JSON.stringify(one)).join('\n'));
  assert.deepEqual([sums.accepted, sums.absorbed, sums.held], [2, 1, 0]);
  const counters = await log.counters();
  assert.equal(counters.get('ingest.settled.response'), 1);
  assert.equal(counters.get('ingest.source./replay.accepted'), 2);
  assert.match(await telemetry.registry.metrics(), /countersign_events_settled_total\{way="response"\} 1/);
});
