import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Containment } from '../../schemas/containment.ts';
import { UNITS } from '../../schemas/limits.ts';
import { readControl } from '../../services/control/writer.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { dataDirAt, takeDataDir } from '../../services/platform/data-dir.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { encodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { installationOn } from '../e2e/support/cluster.ts';
import { kafkaPlace } from '../kafka/place.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { type ServiceProcess, startService, temporaryDirectory } from '../support/service-process.ts';
import { openGateway } from './gateway.ts';
import { bootstrapPeople, feed, openDesk } from './harness.ts';
import { alertOf } from './samples.ts';

/**
 * `countersign up` as real processes: who holds the office of the responder is killed, or paused and woken again, and what
 * was countersigned is carried out once. The gateway counts what it got.
 */
const { brokers, skip } = await kafkaForTests();
const secret = encodeWebhookSecret(randomBytes(32));
/** Of members of a group, as `installationOn` sets it: so long nobody knows that one is dead. */
const SESSION_MS = 6 * UNITS.SECOND_MS;
/** What may be added to it by electing the next one, and by a machine that is busy with other tests. */
const SLACK_MS = 24 * UNITS.SECOND_MS;

async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(50);
  }
}

async function stage(t: TestContext, log: EventLog, environment: NodeJS.ProcessEnv, root: string) {
  const gateway = await openGateway(secret);
  const people = await bootstrapPeople(log, systemClock);
  const token = people.find(({ principal }) => principal.subject === 'admin')?.token ?? '';
  const desk = await openDesk(log, systemClock, 120_000);
  const services = new Set<ServiceProcess>();
  const start = async (directory: string): Promise<ServiceProcess> => {
    const service = await startService(join(root, directory), {
      ...environment,
      COUNTERSIGN_CONTAIN_EXECUTOR_URL: gateway.url,
      COUNTERSIGN_CONTAIN_EXECUTOR_SECRET: secret,
    });
    services.add(service);
    return service;
  };
  t.after(async () => {
    for (const service of services) await service.kill('SIGKILL');
    await desk.view.close();
    await gateway.close();
  });
  const holds = async ({ url }: ServiceProcess): Promise<boolean> => {
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, 200);
    return /countersign_office_held\{office="contain"\} 1/.test(await response.text());
  };
  return { log, gateway, desk, start, holds, ended: (service: ServiceProcess) => services.delete(service) };
}

type Stage = Awaited<ReturnType<typeof stage>>;

async function onKafka(t: TestContext): Promise<Stage> {
  const place = kafkaPlace(brokers);
  const log = await place.open();
  const { path, remove } = await temporaryDirectory();
  const installed = installationOn(brokers, place.settings.prefix, place.settings.partitions);
  const on = await stage(t, log, { ...installed.environment, COUNTERSIGN_ROLES: 'contain' }, path);
  t.after(async () => {
    await log.close();
    await remove();
  });
  return on;
}

/** Two processes with the role, of which the first holds the office. */
async function pair(on: Stage): Promise<{ readonly holder: ServiceProcess; readonly standby: ServiceProcess }> {
  const one = await on.start('one');
  await until(() => on.desk.view.state.responder);
  const two = await on.start('two');
  const [holder, standby] = await until(async () => {
    const [first, second] = [await on.holds(one), await on.holds(two)];
    if (first === second) return undefined;
    return first ? [one, two] : [two, one];
  });
  assert.ok(holder && standby);
  // Whoever took the office last has written its fence and answers.
  assert.equal((await on.desk.ask('admin', { type: 'key_revoke', key: '0'.repeat(16) })).kind, 'refused');
  return { holder, standby };
}

async function proposed(on: Stage, letter: string): Promise<Containment> {
  const uid = letter.repeat(32);
  await feed(on.log, alertOf({ uid }));
  return until(() => [...on.desk.view.state.containments.values()].find(({ terms }) => terms.alert.uid === uid));
}

const approve = ({ desk }: Stage, { id, digest }: Containment) =>
  desk.ask('ben', { type: 'approve', containment: id, digest });

const reached = ({ desk }: Stage, { id }: Containment, state: Containment['state']) =>
  until(() => (desk.view.state.containments.get(id)?.state === state ? true : undefined));

/** How often the control log says that something was sent. */
async function dispatches(log: EventLog): Promise<number> {
  let count = 0;
  for (let next = 0; ; ) {
    const read = await readControl(log, next);
    if (read.next === next) return count;
    for (const { record } of read.entries) {
      if (record.kind === 'containment_changed' && record.containment.state === 'dispatching') count += 1;
    }
    next = read.next;
  }
}

describe('on Kafka, real processes', { skip, timeout: 180_000 }, () => {
  test('killed with SIGKILL: the other decides and carries out, within seconds, once', async (t) => {
    const on = await onKafka(t);
    const { holder } = await pair(on);
    const containment = await proposed(on, 'a');
    const began = systemClock.elapsed();
    await holder.kill('SIGKILL');
    on.ended(holder);
    assert.equal((await approve(on, containment)).kind, 'done');
    const took_ms = systemClock.elapsed() - began;
    t.diagnostic(`decided ${Math.round(took_ms)} ms after the kill, with a session of ${SESSION_MS} ms`);
    assert.ok(took_ms < SESSION_MS + SLACK_MS, `${took_ms}`);
    await reached(on, containment, 'succeeded');
    assert.equal(on.gateway.orders.length, 1);
    assert.deepEqual(on.gateway.complaints, []);
  });

  test('paused, replaced and woken: it neither writes nor sends', async (t) => {
    const on = await onKafka(t);
    const { holder, standby } = await pair(on);
    const containment = await proposed(on, 'a');
    process.kill(holder.pid, 'SIGSTOP');
    assert.equal((await approve(on, containment)).kind, 'done');
    await reached(on, containment, 'succeeded');
    const sent = on.gateway.orders.length;
    assert.equal(sent, 1);
    process.kill(holder.pid, 'SIGCONT');
    // It has learned that the office is another's, and the other goes on.
    await until(async () => ((await on.holds(holder)) ? undefined : true));
    await until(async () => ((await on.holds(standby)) ? true : undefined));
    const next = await proposed(on, 'b');
    assert.equal((await approve(on, next)).kind, 'done');
    await reached(on, next, 'succeeded');
    assert.deepEqual(
      on.gateway.orders.map(({ containment: id }) => id),
      [containment.id, next.id],
    );
    assert.equal(await dispatches(on.log), 2);
    assert.deepEqual(on.gateway.complaints, []);
  });
});

describe('embedded, real processes', { timeout: 180_000 }, () => {
  async function embedded(t: TestContext) {
    const { path, remove } = await temporaryDirectory();
    const dir = dataDirAt(join(path, 'data'));
    await mkdir(dir.root, { mode: 0o700 });
    const log = openSqliteLog({ path: dir.log, clock: systemClock, telemetry: silentTelemetry(), partitions: 2 });
    const on = await stage(t, log, { COUNTERSIGN_LOG_PARTITIONS: '2' }, path);
    t.after(async () => {
      await log.close();
      await remove();
    });
    return { ...on, dir };
  }

  test('killed with SIGKILL: the next one takes the directory and carries out, once', async (t) => {
    const on = await embedded(t);
    const first = await on.start('data');
    const containment = await proposed(on, 'a');
    await first.kill('SIGKILL');
    on.ended(first);
    const began = systemClock.elapsed();
    const approved = approve(on, containment);
    await on.start('data');
    assert.equal((await approved).kind, 'done');
    t.diagnostic(`decided ${Math.round(systemClock.elapsed() - began)} ms after the kill`);
    await reached(on, containment, 'succeeded');
    assert.equal(on.gateway.orders.length, 1);
  });

  test('paused: it keeps the directory, so nobody can replace it, and it goes on when it is woken', async (t) => {
    const on = await embedded(t);
    const first = await on.start('data');
    const containment = await proposed(on, 'a');
    process.kill(first.pid, 'SIGSTOP');
    const taken = takeDataDir(on.dir);
    assert.equal(taken.ok ? 'taken' : taken.problem.code, 'data_dir_in_use');
    process.kill(first.pid, 'SIGCONT');
    assert.equal((await approve(on, containment)).kind, 'done');
    await reached(on, containment, 'succeeded');
    assert.equal(on.gateway.orders.length, 1);
  });
});
