import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { type KafkaLogOptions, openKafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { readAll, record } from '../log/support.ts';
import { type KafkaBroker, startKafka } from '../support/kafka/broker.ts';
import { KAFKA_VERSION_BEFORE, whyNoJars } from '../support/kafka/jars.ts';
import { testSettings } from './place.ts';

const missing = whyNoJars();
const skip = missing === undefined ? false : `NOT RUN: no Kafka broker can be started, ${missing}`;

const unavailable = (reason: LogUnavailable['reason']) => (error: unknown) => {
  assert.ok(error instanceof LogUnavailable, String(error));
  assert.equal(error.reason, reason, error.message);
  return true;
};

describe('a log whose broker goes away', { skip }, () => {
  let broker: KafkaBroker;
  const logs: EventLog[] = [];
  before(async () => {
    // Kafka 4.3.0 forgets markers of transactions when it is started again, and partitions stand still for ever.
    broker = await startKafka({
      version: KAFKA_VERSION_BEFORE,
      // A broker that was killed may not come back before its session is over.
      properties: { 'broker.session.timeout.ms': '1500', 'broker.heartbeat.interval.ms': '300' },
    });
    // A cluster's first transaction takes a second: not a matter of these tests.
    await (await open()).close();
  });
  afterEach(async () => {
    await Promise.all(logs.splice(0).map((log) => log.close()));
  });
  after(() => broker.dispose());
  const open = async (how: Partial<KafkaLogOptions> = {}): Promise<EventLog> => {
    const settings = testSettings(broker.brokers, { transaction_timeout_ms: 60_000 });
    const log = await openKafkaLog({ settings, clock: systemClock, telemetry: silentTelemetry(), ...how });
    logs.push(log);
    return log;
  };
  const write = (text: string, bytes = 0) => ({
    records: [record('k', text.padEnd(bytes, '.'), 0)],
    counters: [{ name: 'written', add: 1 }],
  });
  const texts = async (log: EventLog): Promise<string[]> =>
    (await readAll(log, TOPICS.events, 0)).map(({ value }) => value.toString().replace(/\.*$/, ''));

  test('takes what it can hold, refuses the rest at once, and carries out what it took when the broker is back', async () => {
    const log = await open({ queue_bytes_max: 100_000 });
    await log.transact(write('before'));
    broker.pause();
    const taken = ['a', 'b', 'c'].map((text) => log.transact(write(text, 30_000)));
    await assert.rejects(log.transact(write('d', 30_000)), unavailable('busy'));
    broker.resume();
    await Promise.all(taken);
    await log.transact(write('e', 30_000));
    assert.deepEqual(await texts(log), ['before', 'a', 'b', 'c', 'e']);
    assert.equal((await log.counters()).get('written'), 5);
  });

  test('waits for a broker that died, and writes everything once', async () => {
    const log = await open();
    await log.transact(write('before'));
    const office = (text: string, expected: string | undefined) => ({
      ...write(text),
      positions: [{ name: 'seat', position: text }],
      expect: { name: 'seat', position: expected },
    });
    await log.transact(office('seat 1', undefined));
    const under_way = Array.from({ length: 20 }, (_, i) => log.transact(write(`${i}`)));
    await broker.kill();
    const later = Array.from({ length: 20 }, (_, i) => log.transact(write(`${20 + i}`)));
    const seat = log.transact(office('seat 2', 'seat 1'));
    await broker.start();
    const outcomes = await Promise.allSettled([...under_way, ...later, seat]);
    const written = await texts(log);
    assert.equal(new Set(written).size, written.length);
    outcomes.forEach((outcome, i) => {
      const text = i === 40 ? 'seat 2' : `${i}`;
      // The broker may have died between a commit and its answer.
      if (outcome.status === 'rejected') unavailable('io')(outcome.reason);
      else assert.ok(written.includes(text), `${text} was acknowledged and is lost`);
    });
    assert.equal(outcomes.at(-1)?.status, 'fulfilled');
    assert.equal((await log.counters()).get('written'), written.length);
    await log.transact(office('seat 3', 'seat 2'));
  });

  test('gives back what waited too long, and has not written it', async () => {
    const log = await open({ write_wait_ms: 300 });
    await log.transact(write('before'));
    await broker.kill();
    await assert.rejects(log.transact(write('given back')), unavailable('io'));
    await broker.start();
    for (;;) {
      const done = await log.transact(write('after')).catch((error) => {
        unavailable('io')(error);
      });
      if (done !== undefined) break;
    }
    assert.deepEqual(await texts(log), ['before', 'after']);
    assert.equal((await log.counters()).get('written'), 2);
  });

  test('closes in time, and refuses what it could not carry out', async () => {
    const log = await open({ close_ms: 100 });
    await log.transact(write('before'));
    await broker.kill();
    const pending = assert.rejects(log.transact(write('pending')), unavailable('closed'));
    await log.close();
    await pending;
    await assert.rejects(log.transact(write('late')), unavailable('closed'));
    await assert.rejects(log.position('seat'), unavailable('closed'));
  });
});

describe('a log that finds no broker', () => {
  test('says so, and nothing else is printed', async () => {
    const here = import.meta.dirname;
    const script = `
      import { openKafkaLog } from '${here}/../../services/platform/kafka/kafka-log.ts';
      import { systemClock } from '${here}/../../services/platform/clock.ts';
      import { silentTelemetry } from '${here}/../../services/platform/telemetry.ts';
      import { testSettings } from '${here}/place.ts';
      const opening = openKafkaLog({
        settings: testSettings(['127.0.0.1:1']), clock: systemClock, telemetry: silentTelemetry(),
      });
      await opening.catch((error) => process.stdout.write(error.name + ' ' + error.reason));
    `;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module-typescript',
      '-e',
      script,
    ]);
    assert.equal(stdout, 'LogUnavailable io');
    assert.equal(stderr, '');
  });
});
