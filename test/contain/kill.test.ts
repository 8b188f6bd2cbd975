import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { Webhook } from 'standardwebhooks';
import type { Containment } from '../../schemas/containment.ts';
import { foldControl } from '../../services/control/writer.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { openSqliteLog, type SqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { encodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { bootstrapPeople, type Desk, feed, openDesk, until } from './harness.ts';
import type { ChildOptions, DeathStep } from './responder-child.ts';
import { alertOf } from './samples.ts';

/** Responders as real processes on the real log, killed with SIGKILL; a gateway that remembers what it was sent. */
const secret = encodeWebhookSecret(randomBytes(32));
const CHILD = new URL('./responder-child.ts', import.meta.url).pathname;
const children = new Set<ChildProcess>();

let directory: string;
let log: SqliteLog;
let desk: Desk;
let gateway: Server;
/** Idempotency keys by containment, as the gateway received them. */
let received: Map<string, Set<string>>;
let complaints: unknown[];
let started: number;

const pathOf = (): string => join(directory, 'log.sqlite');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-kill-'));
  log = openSqliteLog({ path: pathOf(), partitions: 2, clock: systemClock, telemetry: silentTelemetry() });
  await bootstrapPeople(log, systemClock);
  desk = await openDesk(log, systemClock, 60_000);
  received = new Map();
  complaints = [];
  started = 0;
  gateway = createServer(async (incoming, response) => {
    try {
      await receive(await text(incoming), incoming.headers as Record<string, string>);
      response.writeHead(204).end();
    } catch (error) {
      complaints.push(error);
      response.writeHead(400).end();
    }
  });
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
});

afterEach(async () => {
  for (const child of children) await kill(child);
  gateway.closeAllConnections();
  gateway.close();
  await desk.view.close();
  await log.close();
  await rm(directory, { recursive: true, force: true });
});

after(() => assert.equal(children.size, 0));

/** What a gateway can check by itself, and that the log, at this moment, holds the approval and the dispatch. */
async function receive(body: string, headers: Record<string, string>): Promise<void> {
  const message = new Webhook(secret).verify(body, headers) as { data: { containment: string; digest: string } };
  const { containment, digest } = message.data;
  const keys = received.get(containment) ?? new Set();
  received.set(containment, keys.add(headers['webhook-id'] ?? ''));
  const { state } = await foldControl(log);
  const held = state.containments.get(containment);
  assert.ok(held?.state === 'dispatching' || held?.state === 'succeeded', `it was ${held?.state} when it was sent`);
  assert.equal(held.execution?.idempotency_key, headers['webhook-id']);
  assert.equal(held.digest, digest);
  const approvals = held.votes.filter((vote) => vote.decision === 'approve' && vote.digest === digest && vote.by.human);
  assert.ok(approvals.length >= held.terms.policy.approvals, 'without approval nothing is sent');
}

function startChild(diesAt?: DeathStep): ChildProcess {
  started += 1;
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/`;
  const options: ChildOptions = { place: { path: pathOf() }, url, secret, instance: `child-${started}`, diesAt };
  const child = spawn(process.execPath, [CHILD, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  return child;
}

/** Resolves with the signal or the code that ended it. */
async function ended(child: ChildProcess): Promise<string | number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  children.delete(child);
  return child.signalCode ?? child.exitCode;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await ended(child);
}

const approve = ({ id, digest }: Containment) => desk.ask('ben', { type: 'approve', containment: id, digest });
const deny = ({ id, digest }: Containment) => desk.ask('ben', { type: 'deny', containment: id, digest });

function checkGateway(): void {
  assert.deepEqual(complaints, []);
  for (const [containment, keys] of received) {
    assert.equal(keys.size, 1, 'one key per containment');
    assert.equal(desk.view.state.containments.get(containment)?.state, 'succeeded');
  }
}

describe('a responder killed at a named step', { concurrency: false }, () => {
  const steps: Record<DeathStep, number> = {
    'fence written': 1,
    'proposal written': 1,
    'approval written': 1,
    'before dispatching': 1,
    'dispatching written': 2,
    'asked before sending': 2,
    'webhook sent': 2,
    'before outcome': 2,
    'outcome written': 1,
  };
  for (const [step, attempts] of Object.entries(steps) as [DeathStep, number][]) {
    test(step, async () => {
      const mortal = startChild(step);
      await feed(log, alertOf());
      const survivor = ended(mortal).then((how) => {
        assert.equal(how, 'SIGKILL');
        return startChild();
      });
      const outcome = await approve(await desk.reaches('pending'));
      assert.equal(outcome.kind, 'done');
      const done = await desk.reaches('succeeded');
      assert.equal(done.execution?.attempts, attempts);
      assert.equal(received.get(done.id)?.size, 1);
      checkGateway();
      const child = await survivor;
      await until(desk.view, () => (desk.view.state.responder?.instance === 'child-2' ? true : undefined));
      const last = text(child.stdout ?? assert.fail('no output'));
      child.kill('SIGTERM');
      assert.equal(await ended(child), 0);
      assert.equal(await last, 'stopped\n');
    });
  }
});

test('a responder killed again and again, after any number of records', async () => {
  const seed = process.env.SEED === undefined ? systemClock.now() % 100_000 : Number(process.env.SEED);
  const source = xoroshiro128plus(seed);
  const roll = (sides: number): number => (source.next() >>> 0) % sides;
  const uids = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.repeat(32));
  await feed(log, ...uids.map((uid) => alertOf({ uid })));
  let over = false;
  let kills = 0;
  const reaper = (async () => {
    while (!over) {
      const child = startChild();
      let left = kills < 12 ? 1 + roll(5) : Number.POSITIVE_INFINITY;
      const gone = ended(child);
      const stop = desk.view.listen(() => {
        left -= 1;
        if (left <= 0) child.kill('SIGKILL');
      });
      const how = await gone;
      stop();
      kills += how === 'SIGKILL' ? 1 : 0;
    }
  })();
  const all = () => [...desk.view.state.containments.values()];
  await until(desk.view, () => (all().length === uids.length ? true : undefined));
  const [first, second, third, fourth, denied] = all();
  assert.ok(first && second && third && fourth && denied);
  await Promise.all([approve(first), approve(second), deny(denied), approve(third), approve(fourth)]);
  await until(desk.view, () => (all().filter(({ state }) => state === 'succeeded').length === 4 ? true : undefined));
  over = true;
  for (const child of children) child.kill('SIGTERM');
  await reaper;
  const states = all().map(({ state }) => state);
  assert.deepEqual(
    states.toSorted(),
    ['denied', 'pending', 'succeeded', 'succeeded', 'succeeded', 'succeeded'],
    `SEED=${seed}`,
  );
  assert.equal(received.size, 4);
  checkGateway();
});

test('of two responders the earlier one stops by conflict', async () => {
  const earlier = startChild();
  await until(desk.view, () => (desk.view.state.responder?.instance === 'child-1' ? true : undefined));
  const later = startChild();
  await until(desk.view, () => (desk.view.state.responder?.instance === 'child-2' ? true : undefined));
  const said = text(earlier.stdout ?? assert.fail('no output'));
  await feed(log, alertOf());
  await approve(await desk.reaches('pending'));
  await desk.reaches('succeeded');
  assert.equal(await said, 'fenced\n');
  assert.equal(await ended(earlier), 0);
  checkGateway();
  await kill(later);
});
