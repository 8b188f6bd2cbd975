import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { DetectRecord } from '../../schemas/record.ts';
import { isUnresolved } from '../../schemas/span.ts';
import { kafkaSettings } from '../../services/cli/service/kafka-settings.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { loadConfig } from '../../services/platform/config.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { openKafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { readAll } from '../log/support.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { startService, temporaryDirectory } from '../support/service-process.ts';
import { installationOn, produce, statusOf, until } from './support/cluster.ts';

/**
 * 103,255 recorded export requests, dealt out over the partitions of the raw topic, so that a tool span and the root that
 * knows whose it is nearly always come from different ones. One process dies in the middle.
 */
const STREAM = fileURLToPath(new URL('../../../shared/data/agent-traces/dev.otlp.ndjson.gz', import.meta.url));
const EVENTS = fileURLToPath(new URL('../../../shared/data/agent-traces/dev.events.ndjson.gz', import.meta.url));
const PARTITIONS = 4;
const kafka = await kafkaForTests();
const skip = kafka.skip || (existsSync(STREAM) ? false : 'the recorded stream is not beside the checkout');

test('recorded spans on Kafka are settled, each once, as in a replay', { skip, timeout: 400_000 }, async (t) => {
  const directory = await temporaryDirectory();
  const place = installationOn(kafka.brokers, uniquePrefix(), PARTITIONS);
  const environment = {
    ...place.environment,
    COUNTERSIGN_INGEST_SOURCES: JSON.stringify([{ topic: place.topics.raw, format: 'otlp_json', recorded: true }]),
  };
  const data = join(directory.path, 'data');
  try {
    let service = await startService(data, environment);
    const { admin = '' } = service.tokens;
    const lines = linesOf(STREAM);
    await produce(
      place,
      place.topics.raw,
      lines.map((value, index) => ({ value, partition: index % PARTITIONS })),
    );
    await until(async () => ((await statusOf(service, admin)).sums.received > lines.length / 3 ? true : undefined));
    await service.kill('SIGKILL');
    service = await startService(data, environment);
    const status = await until(async () => {
      const now = await statusOf(service, admin);
      const { received, held } = now.sums as unknown as { received: number; held: number };
      return received === lines.length && held === 0 ? now : undefined;
    });
    const { sums, counters } = status as unknown as {
      sums: Record<string, unknown>;
      counters: Record<string, number>;
    };
    const ways = Object.entries(counters).filter(([name]) => name.startsWith('ingest.settle'));
    t.diagnostic(JSON.stringify(ways));
    assert.deepEqual([sums.accepted, sums.absorbed, sums.dead_lettered, sums.balanced], [82_213, 21_042, 0, true]);
    // A raw partition's clock is that of its own events, so the bound may cut a few more or fewer than in one stream.
    assert.ok((counters['ingest.settled.unresolved'] ?? 0) <= 40, JSON.stringify(ways));
    assert.equal(await service.kill('SIGTERM'), 0);
    const known = knownIdentities();
    const wrong: string[] = [];
    for (const [place_in_time, id] of await identitiesOf(environment, data)) {
      if (!isUnresolved(id) && known.get(place_in_time) !== id) wrong.push(`${place_in_time} as ${id}`);
    }
    assert.deepEqual(wrong, []);
  } finally {
    await directory.remove();
  }
});

const linesOf = (file: string): string[] =>
  gunzipSync(readFileSync(file))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');

/** Whose each event was, as its source knew it: by time, tool and session. */
function knownIdentities(): Map<string, string> {
  const events = linesOf(EVENTS).map((line) => JSON.parse(line) as Record<string, string>);
  return new Map(
    events.map(({ ts = '', tool, session, identity = '' }) => [`${Date.parse(ts)} ${tool} ${session}`, identity]),
  );
}

async function identitiesOf(environment: Readonly<Record<string, string>>, cwd: string): Promise<[string, string][]> {
  const loaded = loadConfig({ cwd, environment, overrides: { data_dir: cwd } });
  assert.ok(loaded.ok && loaded.config.log.kafka !== undefined, JSON.stringify(loaded));
  const settings = kafkaSettings(loaded.config, loaded.config.log.kafka, loaded.secrets, 'look');
  const log = await openKafkaLog({ settings, clock: systemClock, telemetry: silentTelemetry() });
  const found: [string, string][] = [];
  try {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const { value } of await readAll(log, TOPICS.events, partition)) {
        const record = JSON.parse(value.toString()) as DetectRecord;
        if (record.type !== 'event') continue;
        const { time, tool, session, identity } = record.event;
        found.push([`${time} ${tool?.name} ${session}`, identity.id]);
      }
    }
  } finally {
    await log.close();
  }
  return found;
}
