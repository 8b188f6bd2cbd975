import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import canonicalize from 'canonicalize';
import { systemClock } from '../../services/platform/clock.ts';
import { writeSimulation } from '../../services/simulate/write.ts';
import { run as cli, type Ended, records } from '../cli/support.ts';
import { startFront } from '../support/clickhouse-http-front.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { call, type ServiceProcess, startService, temporaryDirectory } from '../support/service-process.ts';
import {
  counted,
  installationOn,
  newSecret,
  produce,
  receiver,
  type Status,
  statusOf,
  until,
} from './support/cluster.ts';

/** The service on a real Kafka broker: one process that does everything, and several that share the work. */
const kafka = await kafkaForTests();
const LIVE = 40;

describe('Countersign on Kafka', { skip: kafka.skip, timeout: 240_000 }, () => {
  test('one process: events by HTTP and by the raw topic become alerts, and alerts webhooks', async () => {
    const directory = await temporaryDirectory();
    const siem = await receiver();
    const place = installationOn(kafka.brokers, uniquePrefix(), 3);
    try {
      const service = await startService(join(directory.path, 'data'), {
        ...place.environment,
        COUNTERSIGN_INGEST_SOURCES: JSON.stringify([{ topic: place.topics.raw, recorded: true }]),
        COUNTERSIGN_DELIVER_WEBHOOK_URL: siem.url,
        COUNTERSIGN_DELIVER_WEBHOOK_SECRET: newSecret(),
      });
      const { admin = '', ingest = '' } = service.tokens;
      const lines = await fleet(join(directory.path, 'fleet.ndjson'));
      const recorded = lines.map((value, index) => ({ value, partition: index % 3 }));
      await produce(place, place.topics.raw, [...recorded, { value: 'no JSON', partition: 0 }]);
      const text = Array.from({ length: LIVE }, (_, n) => liveEvent(n)).join('\n');
      const posted = await call(service, ingest, '/v1/events', { text, type: 'application/x-ndjson' });
      assert.equal(posted.status, 200, JSON.stringify(posted.body));

      const accepted = lines.length + LIVE;
      const status = await until(async () => {
        const now = await statusOf(service, admin);
        return counted(now, 'event') === accepted ? now : undefined;
      });
      assert.deepEqual(
        [status.sums.received, status.sums.accepted, status.sums.dead_lettered, status.sums.balanced],
        [accepted + 1, accepted, 1, true],
      );
      assert.equal(counted(status, 'accepted'), accepted, 'every event counts once');
      assert.ok(status.partitions.every(({ here }) => here));
      const uid = await until(async () => {
        const { body } = await call(service, admin, '/v1/alerts?limit=500');
        return (body as { items: { uid: string }[] }).items[0]?.uid;
      });
      await until(async () => siem.bodies.find((body) => body.includes(uid)));
      assert.equal(await service.kill('SIGTERM'), 0);
    } finally {
      await siem.close();
      await directory.remove();
    }
  });

  test('a replay into the running service gives the alerts of a backtest, and doctor finds nothing wrong', async () => {
    const directory = await temporaryDirectory();
    const place = installationOn(kafka.brokers, uniquePrefix(), 2);
    const [data, recording, out] = ['data', 'fleet.ndjson', 'out'].map((name) => join(directory.path, name)) as [
      string,
      string,
      string,
    ];
    const run = async (...args: string[]): Promise<Ended> => {
      const ended = await cli(['--data', data, '--json', ...args], { env: { ...place.environment, ...key } });
      assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
      return ended;
    };
    let key: Record<string, string> = {};
    try {
      const service = await startService(data, place.environment);
      key = { COUNTERSIGN_API_KEY: service.tokens.admin ?? '', COUNTERSIGN_URL: service.url };
      const events = (await fleet(recording)).length;
      const [sums] = records(await run('replay', recording));
      assert.deepEqual([sums?.accepted, sums?.caught_up], [events, true]);
      await run('backtest', recording, '--out', out);
      const expected = (await readFile(join(out, 'alerts.ndjson'), 'utf8')).split('\n').filter((line) => line !== '');
      assert.ok(expected.length > 0);
      const revisions = await until(async () => {
        const answer = await call(service, service.tokens.siem ?? '', '/v1/siem/alerts?limit=500');
        const { items } = answer.body as { items: unknown[] };
        return items.length >= expected.length ? items.map(canonical) : undefined;
      });
      assert.deepEqual(revisions.toSorted(), expected.map((line) => canonical(JSON.parse(line))).toSorted());

      await run('replay', recording);
      const status = await statusOf(service, service.tokens.admin ?? '');
      assert.deepEqual([counted(status, 'accepted'), counted(status, 'duplicate')], [events, events]);
      for (const { check, status: found, detail } of records(await run('doctor'))) {
        assert.equal(found, 'ok', `${check}: ${detail}`);
      }
      assert.equal(await service.kill('SIGTERM'), 0);
    } finally {
      await directory.remove();
    }
  });

  test('roles in several processes on one ClickHouse: partitions move, offices move, nothing is lost or doubled', async () => {
    const directory = await temporaryDirectory();
    const siem = await receiver();
    const front = await startFront();
    const place = installationOn(kafka.brokers, uniquePrefix(), 6);
    const environment = {
      ...place.environment,
      COUNTERSIGN_STORE_URL: front.url,
      COUNTERSIGN_INGEST_SOURCES: JSON.stringify([{ topic: place.topics.raw, recorded: true }]),
      COUNTERSIGN_DELIVER_WEBHOOK_URL: siem.url,
      COUNTERSIGN_DELIVER_WEBHOOK_SECRET: newSecret(),
    };
    const begin = (name: string, roles: string): Promise<ServiceProcess> =>
      startService(join(directory.path, name), { ...environment, COUNTERSIGN_ROLES: roles });
    const running: ServiceProcess[] = [];
    try {
      const worker = await begin('worker-1', 'ingest,detect');
      const [second, offices, api] = await Promise.all([
        begin('worker-2', 'ingest,detect'),
        begin('offices', 'deliver,contain'),
        begin('api', 'api'),
      ]);
      running.push(worker, second, offices, api);
      const { admin = '' } = offices.tokens;
      assert.deepEqual(api.tokens, {}, 'keys are shown by the process that made them');
      await whatWorkersAnswer(worker, admin);

      const lines = await fleet(join(directory.path, 'fleet.ndjson'));
      const spread = (from: number, to: number) =>
        lines.slice(from, to).map((value, index) => ({ value, partition: index % 6 }));
      const third = Math.floor(lines.length / 3);
      const applied = (count: number) =>
        until(async () => {
          const now = await statusOf(api, admin);
          return counted(now, 'event') >= count && now.partitions.every(isSettled) ? now : undefined;
        });
      await produce(place, place.topics.raw, spread(0, third));
      await applied(third);
      await until(async () => {
        const both = await Promise.all([worker, second].map((one) => partitionsOf(one, admin)));
        return both.every((count) => count === 3) ? both : undefined;
      });

      const producing = produce(place, place.topics.raw, spread(third, 2 * third));
      assert.equal(await worker.kill('SIGTERM'), 0, 'what it worked on is handed over');
      await producing;
      await applied(2 * third);
      await until(async () => ((await partitionsOf(second, admin)) === 6 ? true : undefined));

      await produce(place, place.topics.raw, spread(2 * third, lines.length));
      await second.kill('SIGKILL');
      running.push(await begin('worker-1', 'ingest,detect'));
      const status = await applied(lines.length);
      assert.equal(counted(status, 'accepted'), lines.length, 'every event counts once');
      assert.equal(counted(status, 'event'), lines.length);
      assert.deepEqual([status.sums.accepted, status.sums.balanced], [lines.length, true]);
      assert.ok(status.partitions.every(({ here }) => !here));

      const alerts = await until(async () => {
        const { body } = await call(api, admin, '/v1/alerts?limit=500');
        const { items } = body as { items: { uid: string }[] };
        return items.length > 0 ? items : undefined;
      });
      for (const { uid } of alerts) await until(async () => siem.bodies.find((body) => body.includes(uid)));
    } finally {
      await Promise.all(running.map((one) => one.kill('SIGTERM')));
      await front.close();
      await siem.close();
      await directory.remove();
    }
  });
});

/** One text for equal values: the API may write fields in another order (RFC 8785). */
const canonical = (value: unknown): string => String(canonicalize(value));

const isSettled = ({ next_offset, durable_offset }: Status['partitions'][number]): boolean =>
  next_offset === durable_offset;

/** A process without the API answers for its health, and to who has a key with its metrics. */
async function whatWorkersAnswer(worker: ServiceProcess, admin: string): Promise<void> {
  const statuses = async (key: string): Promise<number[]> =>
    Promise.all(
      ['/health', '/health/ready', '/metrics', '/v1/status'].map(async (path) => {
        const answer = await fetch(`${worker.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
  await until(async () => ((await statuses(admin))[1] === 200 ? true : undefined));
  assert.deepEqual(await statuses(admin), [200, 200, 200, 404]);
  assert.deepEqual(await statuses('csk_0_0'), [200, 200, 401, 401]);
}

/** How many partitions of detect a process has, as its metrics say. */
async function partitionsOf(worker: ServiceProcess, admin: string): Promise<number> {
  const answer = await fetch(`${worker.url}/metrics`, { headers: { authorization: `Bearer ${admin}` } });
  const found = /^countersign_detect_partitions\{state="running"\} (\d+)$/m.exec(await answer.text());
  return Number(found?.[1] ?? 0);
}

async function fleet(file: string): Promise<string[]> {
  const request = { seed: 3, identities: 16, days: 16, start_ms: Date.UTC(2026, 2, 9), stories: ['resource_sweep:1'] };
  const written = await writeSimulation(request, file);
  assert.ok(written.ok, JSON.stringify(written));
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}

function liveEvent(n: number): string {
  return JSON.stringify({
    id: `live-${n}`,
    time: systemClock.now(),
    identity: { id: `agent-${n % 5}`, kind: 'agent' },
    session: `s${n % 11}`,
    action: { operation: 'read' },
    tool: { name: `tool-${n % 7}` },
  });
}
