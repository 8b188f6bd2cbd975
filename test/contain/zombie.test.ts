import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { readControl } from '../../services/control/writer.ts';
import { systemClock } from '../../services/platform/clock.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { encodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { kafkaPlace } from '../kafka/place.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { openGateway } from './gateway.ts';
import { bootstrapPeople, feed, openDesk, until } from './harness.ts';
import type { ChildOptions, DeathStep } from './responder-child.ts';
import { alertOf } from './samples.ts';

/**
 * A responder as a real process that is paused (SIGSTOP) at a named step, replaced, and woken again (SIGCONT): it believes
 * that it is the responder, and must neither write nor send. The gateway counts what it got.
 */
const { brokers, skip } = await kafkaForTests();
const CHILD = new URL('./responder-child.ts', import.meta.url).pathname;
const secret = encodeWebhookSecret(randomBytes(32));

type Place = { readonly log: EventLog; readonly options: ChildOptions['place']; close(): Promise<void> };

async function embedded(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-zombie-'));
  const path = join(directory, 'log.sqlite');
  const log = openSqliteLog({ path, partitions: 2, clock: systemClock, telemetry: silentTelemetry() });
  return {
    log,
    options: { path },
    async close() {
      await log.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function kafka(): Promise<Place> {
  const place = kafkaPlace(brokers);
  const log = await place.open();
  return { log, options: { kafka: place.settings }, close: () => log.close() };
}

type Mortal = { readonly child: ChildProcess; readonly lines: Interface };

async function stage(t: TestContext, open: () => Promise<Place>) {
  const place = await open();
  const gateway = await openGateway(secret);
  await bootstrapPeople(place.log, systemClock);
  const desk = await openDesk(place.log, systemClock, 60_000);
  const children = new Set<ChildProcess>();
  const start = (instance: string, pausesAt?: DeathStep): Mortal => {
    const where = 'kafka' in place.options ? { kafka: { ...place.options.kafka, instance } } : place.options;
    const options: ChildOptions = {
      place: where,
      url: gateway.url,
      secret,
      instance,
      ...(pausesAt !== undefined && { diesAt: pausesAt, pauses: true }),
    };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return { child, lines: createInterface({ input: child.stdout }) };
  };
  t.after(async () => {
    for (const child of children) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await desk.view.close();
    await gateway.close();
    await place.close();
  });
  const responder = (instance: string): Promise<true> =>
    until(desk.view, () => (desk.view.state.responder?.instance === instance ? true : undefined));
  return { place, gateway, desk, start, responder };
}

type Stage = Awaited<ReturnType<typeof stage>>;

async function nextLine({ lines }: Mortal): Promise<string> {
  return (await once(lines, 'line'))[0] as string;
}

/** Who wrote each record of the control log: whoever wrote the last fence before it. */
async function writers(log: EventLog): Promise<{ readonly fences: string[]; readonly records: number }> {
  const fences: string[] = [];
  let records = 0;
  for (let next = 0; ; ) {
    const read = await readControl(log, next);
    if (read.next === next) return { fences, records };
    for (const { record } of read.entries) if (record.kind === 'responder_fence') fences.push(record.instance);
    records += read.entries.length;
    next = read.next;
  }
}

const approve = async ({ desk }: Stage): Promise<void> => {
  const { id, digest } = await desk.reaches('pending');
  assert.equal((await desk.ask('ben', { type: 'approve', containment: id, digest })).kind, 'done');
};

/** Steps at which it is paused, and the orders that have reached the gateway when all is over, from whomever. */
const STEPS: Partial<Record<DeathStep, number>> = {
  'before dispatching': 1,
  'dispatching written': 1,
  'asked before sending': 1,
  'webhook sent': 2,
  'before outcome': 2,
};

for (const [where, open] of [
  ['embedded', embedded],
  ['on Kafka', kafka],
] as const) {
  describe(where, { skip: where === 'on Kafka' ? skip : false }, () => {
    for (const [step, orders] of Object.entries(STEPS) as [DeathStep, number][]) {
      test(`paused at "${step}", replaced and woken, it neither writes nor sends`, async (t) => {
        const on = await stage(t, open);
        const zombie = on.start('zombie', step);
        const paused = nextLine(zombie);
        await on.responder('zombie');
        await feed(on.place.log, alertOf());
        const approved = approve(on);
        assert.equal(await paused, 'paused');
        on.start('successor');
        await Promise.all([approved, on.responder('successor'), on.desk.reaches('succeeded')]);
        // No office changes hands within so short a time: what the log said a moment ago still counts.
        if (step === 'asked before sending') await systemClock.sleep(LIMITS.dispatch_guard_ms);
        const before = await writers(on.place.log);
        const said = nextLine(zombie);
        const sent = on.gateway.orders.length;
        zombie.child.kill('SIGCONT');
        assert.equal(await said, 'fenced', 'it learns that it was replaced');
        if (zombie.child.exitCode === null) await once(zombie.child, 'exit');
        assert.equal(on.gateway.orders.length, sent, 'it sends nothing');
        assert.equal(sent, orders);
        assert.equal(new Set(on.gateway.orders.map(({ key }) => key)).size, 1, 'one key for one containment');
        assert.deepEqual(on.gateway.complaints, []);
        const after = await writers(on.place.log);
        assert.deepEqual(after, before, 'it writes nothing');
        assert.deepEqual(after.fences, ['zombie', 'successor']);
      });
    }

    test('killed with SIGKILL and replaced, what was countersigned is carried out once', async (t) => {
      const on = await stage(t, open);
      const first = on.start('first');
      await on.responder('first');
      await feed(on.place.log, alertOf());
      await on.desk.reaches('pending');
      first.child.kill('SIGKILL');
      await once(first.child, 'exit');
      const began = systemClock.elapsed();
      on.start('second');
      await on.responder('second');
      t.diagnostic(`taken over ${Math.round(systemClock.elapsed() - began)} ms after the start of its process`);
      await approve(on);
      await on.desk.reaches('succeeded');
      assert.equal(on.gateway.orders.length, 1);
    });
  });
}
