import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Alert } from '../../schemas/alert.ts';
import { openControl } from '../../services/cli/service/control.ts';
import { joinDetection } from '../../services/cli/service/detection.ts';
import { openFoundation } from '../../services/cli/service/foundation.ts';
import { kafkaSettings } from '../../services/cli/service/kafka-settings.ts';
import { cutName } from '../../services/detect/writer.ts';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type LoadedConfig, loadConfig } from '../../services/platform/config.ts';
import { dataDirAt } from '../../services/platform/data-dir.ts';
import { type EventLog, type LogRecord, TOPICS } from '../../services/platform/event-log.ts';
import { openKafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import type { Store } from '../../services/platform/store.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { startService, temporaryDirectory } from '../support/service-process.ts';
import { counted, installationOn, produce, statusOf, until } from './support/cluster.ts';

/**
 * 82,213 recorded tool calls of real agents, sent to several partitions of the raw topic by a real producer. Where events of
 * different partitions come to stand is chance; from there on nothing is: detect over the same log, copied record by record
 * into an embedded one, finds the same alerts.
 */
const STREAM = fileURLToPath(new URL('../../../shared/data/agent-traces/dev.events.ndjson.gz', import.meta.url));
const MAPPING = fileURLToPath(new URL('../../deploy/examples/mappings/agent-traces.yaml', import.meta.url));
const EVENTS = 82_213;
const PARTITIONS = 4;
const kafka = await kafkaForTests();
const skip = kafka.skip || (existsSync(STREAM) ? false : 'the recorded stream is not beside the checkout');

test('a recorded stream on Kafka gives the alerts of an embedded run over the log that it became', {
  skip,
  timeout: 400_000,
}, async (t) => {
  const directory = await temporaryDirectory();
  const place = installationOn(kafka.brokers, uniquePrefix(), PARTITIONS);
  const environment = {
    ...place.environment,
    COUNTERSIGN_INGEST_MAPPINGS: MAPPING,
    COUNTERSIGN_INGEST_SOURCES: JSON.stringify([{ topic: place.topics.raw, format: 'mapped', recorded: true }]),
  };
  const data = join(directory.path, 'data');
  try {
    const service = await startService(data, environment);
    const { admin = '' } = service.tokens;
    const lines = gunzipSync(readFileSync(STREAM))
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '');
    const records = lines.map((value) => ({ value, key: (JSON.parse(value) as { identity: string }).identity }));
    await produce(place, place.topics.raw, records);
    const status = await until(async () => {
      const now = await statusOf(service, admin);
      const durable = now.partitions.every((one) => one.durable_offset === one.next_offset);
      // Priors are made beside the road: on a quick one the first may come after the last event.
      const primed = counted(now, 'prior') >= PARTITIONS;
      return counted(now, 'event') >= EVENTS && primed && durable && now.lag === 0 ? now : undefined;
    });
    assert.deepEqual([status.sums.accepted, status.sums.dead_lettered, status.sums.balanced], [EVENTS, 0, true]);
    assert.equal(await service.kill('SIGTERM'), 0);

    const copied = await eventsOf(configOf(environment, data));
    // One process has ClickHouse open on one directory at a time.
    const there = await withStore(data, (store) => remember(store, copied.priors));
    const again = await detectAgain(join(directory.path, 'copy'), copied, there.priors);
    t.diagnostic(`${there.alerts.length} alert revisions, ${copied.priors.length} priors`);
    assert.ok(there.alerts.length > 0 && copied.priors.length > 0);
    assert.deepEqual(again.alerts, there.alerts);
    assert.deepEqual(again.cuts, there.cuts, 'the priors were copied, but what they were made of was found again');
  } finally {
    await directory.remove();
  }
});

function configOf(environment: Readonly<Record<string, string>>, data_dir: string): LoadedConfig {
  const loaded = loadConfig({ cwd: data_dir, environment, overrides: { data_dir } });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded;
}

type Copied = { readonly records: readonly (readonly LogRecord[])[]; readonly priors: readonly string[] };

/** The events topic by partition, and the priors that its records name. */
async function eventsOf({ config, secrets }: LoadedConfig): Promise<Copied> {
  const { kafka: cluster } = config.log;
  assert.ok(cluster !== undefined);
  const settings = kafkaSettings(config, cluster, secrets, 'copy');
  const log = await openKafkaLog({ settings, clock: systemClock, telemetry: silentTelemetry() });
  try {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => allOf(log, partition));
    const records = await Promise.all(partitions);
    const named = records.flat().flatMap(({ key, value }) => (key === 'prior' ? [versionOf(value)] : []));
    return { records, priors: [...new Set(named)] };
  } finally {
    await log.close();
  }
}

const versionOf = (value: Buffer): string => (JSON.parse(value.toString('utf8')) as { version: string }).version;

async function allOf(log: EventLog, partition: number): Promise<LogRecord[]> {
  const { start, end } = await log.bounds(TOPICS.events, partition);
  const all: LogRecord[] = [];
  for (let next = start; next < end; ) {
    const read = await log.read(TOPICS.events, partition, next, { records: 5_000, bytes: 1 << 22 });
    for (const record of read.records) all.push({ ...record, value: Buffer.from(record.value) });
    next = read.next;
  }
  return all;
}

type Remembered = { readonly alerts: readonly Alert[]; readonly cuts: Blobs; readonly priors: Blobs };
type Blobs = ReadonlyMap<string, Uint8Array>;

async function remember(store: Store, versions: readonly string[]): Promise<Remembered> {
  const cuts = versions.flatMap((version) => Array.from({ length: PARTITIONS }, (_, one) => cutName(version, one)));
  return { alerts: await alertsOf(store), cuts: await blobsOf(store, cuts), priors: await blobsOf(store, versions) };
}

async function blobsOf(store: Store, names: readonly string[]): Promise<Blobs> {
  const blobs = new Map<string, Uint8Array>();
  for (const name of names) {
    const bytes = await store.readPrior(name);
    assert.ok(bytes !== undefined, `the store holds ${name}`);
    blobs.set(name, bytes);
  }
  return blobs;
}

async function withStore<T>(data: string, work: (store: Store) => Promise<T>): Promise<T> {
  const { store } = await openStore(
    { kind: 'embedded', path: dataDirAt(data).store },
    { telemetry: silentTelemetry() },
  );
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Detect over the same records, in an embedded log without the holes of the other. */
async function detectAgain(data: string, { records, priors }: Copied, made: Blobs): Promise<Remembered> {
  const loaded = configOf({ COUNTERSIGN_LOG_PARTITIONS: String(PARTITIONS) }, data);
  const foundation = await openFoundation(loaded, silentTelemetry());
  const { log, store } = foundation;
  try {
    for (const [partition, all] of records.entries()) {
      for (let from = 0; from < all.length; from += 5_000) {
        const some = all.slice(from, from + 5_000);
        await log.transact({
          records: some.map(({ key, value }) => ({ topic: TOPICS.events, partition, key, value })),
        });
      }
    }
    for (const [version, bytes] of made) await store.writePrior(version, bytes);
    const control = await openControl(log);
    const detection = await joinDetection(foundation, control.gaps);
    await detection.runner.drain();
    await detection.stop();
    await control.close();
    return await remember(store, priors);
  } finally {
    await foundation.close();
  }
}

/** All revisions of all alerts, in an order of their own. */
async function alertsOf(store: Store): Promise<Alert[]> {
  const { items } = await store.listAlerts({ tenant: 'default' }, { limit: 10_000, order: 'oldest_first' });
  const revisions: Alert[] = [];
  for (const { uid, revision } of items.toSorted((a, b) => (a.uid < b.uid ? -1 : 1))) {
    for (let one = 1; one <= revision; one++) {
      const alert = await store.readAlert('default', uid, one);
      assert.ok(alert !== undefined, `revision ${one} of ${uid} is stored`);
      revisions.push(alert);
    }
  }
  return revisions;
}
