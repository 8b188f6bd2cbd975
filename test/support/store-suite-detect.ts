import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import type { StateBlob } from '../../schemas/outputs.ts';
import type { OpenStore } from '../../services/platform/clickhouse/client.ts';
import { createDetectStore } from '../../services/platform/clickhouse/detect-store.ts';
import { createInserter } from '../../services/platform/clickhouse/insert.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { identityKey } from '../../services/platform/partitioner.ts';
import { type SeenKey, StoreRefused } from '../../services/platform/store.ts';
import {
  alert,
  canonical,
  deadLetter,
  findingRow,
  HOSTILE,
  keyOf,
  manifest,
  NOON,
  outputs,
  placed,
  scored,
} from './store-fixtures.ts';
import { fresh } from './store-suite.ts';

const blob = (key: string, version: number, more: Partial<StateBlob> = {}): StateBlob => ({
  key,
  version,
  due: undefined,
  bytes: Buffer.from(`${key}@${version}`),
  ...more,
});
const plain = (read: StateBlob | undefined): unknown => read && { ...read, bytes: Buffer.from(read.bytes).toString() };

/** The checkpoint's writes and the reads of an assignment. `partition` numbers are the tests' own. */
export function detectSuite(use: () => OpenStore): void {
  test('keeps the highest version of a blob, in whatever order versions arrive', async () => {
    const { store } = use();
    const topic = fresh('topic');
    const [a, b] = [identityKey('default', 'a'), identityKey('default', HOSTILE[0])];
    await store.writeBlobs(placed(topic, 1, [blob(a, 7), blob(b, 3, { due: 50 })]));
    await store.writeBlobs(placed(topic, 1, [blob(a, 5, { due: 9 }), blob(b, 4)]));
    await store.writeBlobs(placed(topic, 1, [blob(a, 7)]));
    await store.writeBlobs(placed(topic, 2, [blob(a, 99)]));
    const read = await store.readBlobs(topic, 1, [a, b, identityKey('default', 'nobody')]);
    assert.equal(read.size, 2);
    assert.deepEqual(plain(read.get(a)), plain(blob(a, 7)));
    assert.deepEqual(plain(read.get(b)), plain(blob(b, 4)));
  });

  test('tells what falls due from the highest version alone', async () => {
    const { store } = use();
    const topic = fresh('topic');
    await store.writeBlobs(
      placed(topic, 1, [blob('settled', 1, { due: 10 }), blob('due', 1), blob('moved', 1, { due: 10 })]),
    );
    await store.writeBlobs(
      placed(topic, 1, [blob('settled', 2), blob('due', 2, { due: 0 }), blob('moved', 2, { due: 20 })]),
    );
    assert.deepEqual(await store.readDue(topic, 1), [
      { key: 'due', due: 0 },
      { key: 'moved', due: 20 },
    ]);
    assert.deepEqual(await store.readDue(topic, 2), []);
  });

  test('gives back blobs of any bytes and length, thousands at a time', async () => {
    const { store } = use();
    const topic = fresh('topic');
    const large = Buffer.alloc(300_000, 0xff);
    const keys = Array.from({ length: 2_500 }, (_, i) => identityKey('default', `agent-${i}`));
    const long = identityKey('t'.repeat(256), '漢'.repeat(256));
    await store.writeBlobs(
      placed(topic, 1, [
        ...keys.map((key) => blob(key, 1)),
        blob(long, 2 ** 53 - 1, { bytes: large, due: -1 }),
        blob('empty', 1, { bytes: new Uint8Array(0) }),
      ]),
    );
    const read = await store.readBlobs(topic, 1, [...keys, long, 'empty']);
    assert.equal(read.size, 2_502);
    assert.ok(large.equals(read.get(long)?.bytes ?? new Uint8Array(0)));
    assert.equal(read.get(long)?.version, 2 ** 53 - 1);
    assert.equal(read.get(long)?.due, -1);
    assert.equal(read.get('empty')?.bytes.length, 0);
    assert.deepEqual(await store.readBlobs(topic, 1, []), new Map());
  });

  test('reads the manifest with the highest offset, or none', async () => {
    const { store } = use();
    const topic = fresh('topic');
    assert.equal(await store.readManifest(topic, 3), undefined);
    const newest = manifest(topic, 3, { next_offset: 30, groups: [...HOSTILE], counters: { accepted: 2 ** 40 } });
    for (const one of [manifest(topic, 3), newest, manifest(topic, 3, { next_offset: 20 }), newest]) {
      await store.writeManifests([one]);
    }
    await store.writeManifests([manifest(topic, 4, { next_offset: 99 })]);
    assert.deepEqual(await store.readManifest(topic, 3), newest);
  });

  test('knows history from a blob or an event row', async () => {
    const { store } = use();
    const topic = fresh('topic');
    assert.equal(await store.hasHistory(topic, 9), false);
    await store.writeBlobs(placed(topic, 9, [blob('a', 1)]));
    assert.equal(await store.hasHistory(topic, 9), true);
    assert.equal(await store.hasHistory(TOPICS.events, 901), false);
    const event = canonical(fresh('tenant'), 'one');
    await store.writeOutputs(outputs({ events: [scored(event, { partition: 901 })] }));
    assert.equal(await store.hasHistory(TOPICS.events, 901), true);
    assert.equal(await store.hasHistory(topic, 901), false);
  });

  test('tells the fingerprints of all keys, or that there are too many', async () => {
    const { store } = use();
    const topic = fresh('topic');
    const keys = [...HOSTILE.map((text) => identityKey('default', text)), '', '\0group\0g'];
    await store.writeBlobs(
      placed(
        topic,
        1,
        keys.map((key) => blob(key, 1)),
      ),
    );
    await store.writeBlobs(placed(topic, 1, [blob('', 2)]));
    await store.writeBlobs(placed(topic, 2, [blob('another', 1)]));
    const found = await store.readFingerprints(topic, 1, keys.length);
    assert.deepEqual([...(found ?? [])].sort(), keys.map((key) => crc32(key)).sort());
    assert.equal(await store.readFingerprints(topic, 1, keys.length - 1), undefined);
    assert.deepEqual(await store.readFingerprints(topic, 3, 9), new Uint32Array());
  });

  test('tells the highest offset that anything stored carries', async () => {
    const { store } = use();
    const topic = fresh('topic');
    assert.equal(await store.highestOffset(topic, 9), undefined);
    await store.writeBlobs(placed(topic, 9, [blob('a', 2 ** 40), blob('b', 7)]));
    assert.equal(await store.highestOffset(topic, 9), 2 ** 40);
    assert.equal(await store.highestOffset(TOPICS.events, 906), undefined);
    const tenant = fresh('tenant');
    const place = (offset: number) => ({ partition: 906, offset });
    await store.writeOutputs(outputs({ events: [scored(canonical(tenant, 'one'), place(3))] }));
    assert.equal(await store.highestOffset(TOPICS.events, 906), 3);
    await store.writeOutputs(outputs({ findings: [findingRow(tenant, 'f', place(4))] }));
    assert.equal(await store.highestOffset(TOPICS.events, 906), 4);
    await store.writeOutputs(outputs({ alerts: [{ alert: alert(tenant, `${tenant}-high`), ...place(5) }] }));
    assert.equal(await store.highestOffset(TOPICS.events, 906), 5);
    await store.writeOutputs(outputs({ poison: [{ letter: deadLetter(), ...place(6) }] }));
    assert.equal(await store.highestOffset(TOPICS.events, 906), 6);
    await store.writeBlobs(placed(TOPICS.events, 906, [blob('a', 2)]));
    assert.equal(await store.highestOffset(TOPICS.events, 906), 6);
  });

  test('reads the keys of events in offset order, each once, page by page', async () => {
    const { db } = use();
    const tenant = fresh('tenant');
    const store = createDetectStore(db, createInserter(db), { replicated: false, seen_keys_per_read: 4 });
    const events = Array.from({ length: 11 }, (_, i) =>
      // Identities and times against the order of the offsets.
      scored(canonical(tenant, `e-${i}`, { identity: { id: `a-${i % 3}`, kind: 'agent' }, time: NOON - i }), {
        partition: 902,
        offset: 100 + i * 2,
      }),
    );
    await store.writeOutputs(outputs({ events }));
    await store.writeOutputs(outputs({ events: events.slice(3, 8) }));
    const seen: SeenKey[] = [];
    for await (const page of store.readKeys(TOPICS.events, 902, 102, 119)) seen.push(...page);
    assert.deepEqual(
      seen,
      events.slice(1, 10).map(({ offset, event }) => ({ offset, key: event.key, origin: event.origin, id: event.id })),
    );
    for await (const page of store.readKeys(fresh('topic'), 902, 0, 1_000)) assert.fail(`${page.length} keys`);
  });

  test('reads the keys of refused rows among the others', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const events = [1, 3, 4, 9].map((offset) => scored(canonical(tenant, `e-${offset}`), { partition: 907, offset }));
    await store.writeOutputs(outputs({ events }));
    const refused = [2, 8, 11].map((offset) => ({
      offset,
      key: keyOf(`${tenant}/${offset}`),
      origin: 'o',
      id: HOSTILE[0],
    }));
    for (const seen of [...refused, ...refused]) await store.writeRefusedKey(907, seen);
    const seen: SeenKey[] = [];
    for await (const page of store.readKeys(TOPICS.events, 907, 1, 10)) seen.push(...page);
    assert.deepEqual(
      seen.map(({ offset }) => offset),
      [1, 2, 3, 4, 8, 9],
    );
    assert.deepEqual(seen[1], refused[0]);
  });

  test('keeps priors under their version', async () => {
    const { store } = use();
    const version = fresh(`${HOSTILE[0]}`);
    const bytes = Buffer.from([0, 255, 10, 13, 39, 92]);
    assert.equal(await store.readPrior(version), undefined);
    await store.writePrior(version, bytes);
    await store.writePrior(version, bytes);
    assert.deepEqual(Buffer.from((await store.readPrior(version)) ?? []), bytes);
    await store.writePriors(['a', 'b'].map((name) => ({ version: `${version}/${name}`, bytes: Buffer.from(name) })));
    assert.deepEqual(Buffer.from((await store.readPrior(`${version}/b`)) ?? []).toString(), 'b');
  });

  test('lets go of old cuts, and of no prior', async () => {
    const { db, store } = use();
    const name = fresh('old');
    const rows = [`cut/${name}/0`, name, `cut/${name}/1`];
    for (const [i, version] of rows.entries()) {
      const stored = i === 2 ? 'now()' : 'now() - toIntervalDay(100)';
      await db.command(`INSERT INTO priors (version, bytes, stored) SELECT {version:String}, 'x', ${stored}`, {
        version,
      });
    }
    await db.command('OPTIMIZE TABLE priors FINAL');
    const kept = await Promise.all(rows.map(async (version) => (await store.readPrior(version)) !== undefined));
    assert.deepEqual(kept, [false, true, true]);
  });

  test('collapses what is written again, and loses nothing that only looks alike', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const events = ['a', 'b'].map((name, i) => scored(canonical(tenant, name), { offset: i, partition: 903 }));
    const rows = outputs({
      events,
      findings: [findingRow(tenant, 'f', { alert_uid: `${tenant}-uid` })],
      alerts: [{ alert: alert(tenant, `${tenant}-uid`), partition: 903, offset: 1 }],
    });
    const start = await store.totals();
    for (let i = 0; i < 3; i++) await store.writeOutputs(rows);
    // Same shape, same block size, other keys: deduplication of blocks would be entitled to nothing here.
    await store.writeOutputs(outputs({ events: [scored(canonical(tenant, 'c'), { offset: 2, partition: 903 })] }));
    await store.writeOutputs(outputs({ events: [scored(canonical(tenant, 'd'), { offset: 3, partition: 903 })] }));
    const end = await store.totals();
    assert.equal(end.events - start.events, 4);
    assert.equal(end.findings - start.findings, 1);
    assert.equal(end.alerts - start.alerts, 1);
    assert.equal(end.alert_revisions - start.alert_revisions, 1);
    const { items } = await store.listEvents({ tenant, identity: 'agent-1' }, { limit: 10 });
    assert.deepEqual(new Set(items.map((row) => row.event.id)), new Set(['a', 'b', 'c', 'd']));
  });

  test('collapses a row that stands twice in one write', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const row = scored(canonical(tenant, 'twice'), { partition: 904 });
    await store.writeOutputs(outputs({ events: [row, row, row] }));
    const { items } = await store.listEvents({ tenant, identity: 'agent-1' }, { limit: 10 });
    assert.equal(items.length, 1);
    assert.equal((await store.readIdentity(tenant, 'agent-1'))?.events, 1);
  });

  test('takes more log months in one write than ClickHouse takes partitions', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const events = Array.from({ length: 150 }, (_, month) => {
      const time = Date.UTC(2000, month, 1);
      return scored(canonical(tenant, `m-${month}`, { time }), { partition: 905, offset: month });
    });
    await store.writeOutputs(outputs({ events }));
    assert.equal((await store.readIdentity(tenant, 'agent-1'))?.events, 150);
  });

  test('refuses a row that its columns cannot hold, by name', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const good = scored(canonical(tenant, 'good'));
    const bad = [
      scored(canonical(tenant, 'no-hex', { key: 'z'.repeat(32) })),
      scored(canonical(tenant, 'short', { key: 'ab' })),
      scored(canonical(tenant, 'negative'), { offset: -1 }),
      scored(canonical(tenant, 'not a number'), { bits: Number.NaN }),
      scored(canonical(tenant, 'fraction', { volume: { records: 0.5 } })),
    ];
    for (const row of bad) {
      await assert.rejects(store.writeOutputs(outputs({ events: [good, row] })), (error) => {
        assert.ok(error instanceof StoreRefused);
        return error.message.includes('events');
      });
    }
  });
}
