import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LIMITS } from '../../schemas/limits.ts';
import { DetectRecord } from '../../schemas/record.ts';
import type { Executor } from '../../services/contain/executor.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import type { Responder } from '../../services/contain/responder.ts';
import { situationOf } from '../../services/control/explain.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { identityKey, partitionOf } from '../../services/platform/partitioner.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';
import { bootstrapPeople, type Desk, feed, openDesk, recordingExecutor, respond, until } from './harness.ts';
import { alertOf } from './samples.ts';

const PARTITIONS = 4;

let disk: SimulatedDisk;
let clock: ManualClock;
let log: EventLog;
let desk: Desk;
let responder: Responder;

beforeEach(async () => {
  disk = newDisk({ partitions: PARTITIONS, random: () => 0.5 });
  clock = manualClock();
  log = openSimulatedLog({ disk, clock });
  await bootstrapPeople(log, clock);
  desk = await openDesk(log, clock);
});

afterEach(async () => {
  for (const open of gates.splice(0)) open();
  await responder.stop();
  await desk.view.close();
  await log.close();
});

const start = (executor?: Executor): void => {
  responder = respond(log, clock, executor && { executor });
};

const approve = (subject: string) =>
  desk.ask(subject, { type: 'approve', containment: desk.only().id, digest: desk.only().digest });

async function proposed(executor?: Executor) {
  start(executor);
  await feed(log, alertOf());
  return desk.reaches('pending');
}

/** Executions that wait until they are told to be done. */
const gates: (() => void)[] = [];
const gated = () =>
  recordingExecutor(
    () =>
      new Promise((resolve) => {
        gates.push(() => resolve({ kind: 'done', detail: '' }));
      }),
  );
const openGate = async (): Promise<void> => {
  while (gates.length === 0) await nextTurn();
  gates.shift()?.();
};

describe('proposals', () => {
  test('an open alert becomes one proposal, by the system, with its evidence frozen', async () => {
    const first = await proposed();
    await feed(log, alertOf({ revision: 2, summary: 'more of it', evidence: [] }));
    await feed(log, alertOf({ uid: 'b'.repeat(32) }));
    await until(desk.view, () => (desk.view.state.containments.size === 2 ? true : undefined));
    assert.deepEqual(desk.view.state.containments.get(first.id), first);
    assert.equal(first.requested_by.human, false);
    assert.deepEqual(first.terms.alert.evidence, alertOf().evidence);
  });

  test('a verdict that says harmless takes the proposal away, quiet does not', async () => {
    await proposed();
    await feed(log, alertOf({ revision: 2, status: 'closed', closed_reason: 'quiet' }));
    await feed(log, alertOf({ uid: 'b'.repeat(32) }));
    await until(desk.view, () => (desk.view.state.containments.size === 2 ? true : undefined));
    assert.equal(desk.view.state.open.size, 2);
    await feed(log, alertOf({ revision: 3, status: 'closed', closed_reason: 'false_positive' }));
    const { cancellation } = await desk.reaches('cancelled');
    assert.equal(cancellation?.reason, 'alert_false_positive');
    assert.equal(desk.view.state.open.size, 1);
  });

  test('one alert cannot flood the approvers with targets', async () => {
    start();
    const many = Array.from({ length: 20 }, (_, index) =>
      alertOf({ revision: index + 1, recommendation: { ...alertOf().recommendation, target: `tool-${index}` } }),
    );
    await feed(log, ...many, alertOf({ uid: 'b'.repeat(32) }));
    await until(desk.view, () => desk.view.state.byAlert.get('b'.repeat(32)));
    assert.equal(desk.view.state.byAlert.get('a'.repeat(32))?.length, LIMITS.proposals_per_alert_max);
  });

  test('records that are none are passed over', async () => {
    start();
    const junk = ['', '{', '[]', '{"uid":3}', JSON.stringify({ ...alertOf(), severity: 'dreadful' })];
    const records = junk.flatMap((text) =>
      [TOPICS.feed, TOPICS.commands].map((topic) => ({ topic, partition: 0, key: '', value: Buffer.from(text) })),
    );
    await log.transact({ records });
    await feed(log, alertOf());
    await desk.reaches('pending');
    assert.equal((await approve('admin')).kind, 'done');
  });
});

describe('execution', () => {
  test('an approval executes, once', async () => {
    const executor = recordingExecutor();
    await proposed(executor);
    assert.deepEqual(await approve('ben'), { kind: 'done', subject: desk.only().id, state: 'approved' });
    const done = await desk.reaches('succeeded');
    assert.equal(executor.requests.length, 1);
    const [request] = executor.requests;
    assert.equal(request?.idempotency_key, done.execution?.idempotency_key);
    assert.deepEqual(request?.approved_by, [{ by: { issuer: 'local', subject: 'ben' }, time: clock.now() }]);
    assert.equal(request?.target, 'mail.send');
    assert.deepEqual(await approve('ben'), {
      kind: 'refused',
      code: 'already_approved_by_you',
      message: 'your approval is recorded; it is succeeded',
    });
  });

  test('without an executor it stays approved, says so, and expires', async () => {
    await proposed();
    await approve('admin');
    const approved = await desk.reaches('approved');
    assert.equal(situationOf(approved, desk.view.state).code, 'no_executor');
    clock.advance(BUILT_IN_POLICY.execution_expiry_ms);
    await desk.reaches('expired');
  });

  test('silence denies', async () => {
    const executor = recordingExecutor();
    await proposed(executor);
    clock.advance(BUILT_IN_POLICY.approval_expiry_ms - 1);
    assert.equal(desk.only().state, 'pending');
    clock.advance(1);
    await desk.reaches('expired');
    const answer = await approve('admin');
    assert.equal(answer.kind === 'refused' && answer.code, 'expired');
    assert.equal(executor.requests.length, 0);
  });

  test('an unclear answer is asked again under the same key until it is clear', async () => {
    const executor = recordingExecutor(async (_, attempt) =>
      attempt < 3 ? { kind: 'unclear', detail: `HTTP 50${attempt}` } : { kind: 'done', detail: 'HTTP 200' },
    );
    await proposed(executor);
    await approve('admin');
    for (const attempt of [1, 2]) {
      await until(desk.view, () => (desk.only().execution?.detail === `HTTP 50${attempt}` ? true : undefined));
      clock.advance(LIMITS.dispatch_retry_ms * 2 ** (attempt - 1));
    }
    const done = await desk.reaches('succeeded');
    assert.equal(done.execution?.attempts, 3);
    assert.equal(new Set(executor.requests.map((request) => JSON.stringify(request))).size, 1);
  });

  test('an unclear answer of an executor that cannot be asked twice is unknown', async () => {
    const executor = recordingExecutor(async () => ({ kind: 'unclear', detail: 'ECONNRESET' }), false);
    await proposed(executor);
    await approve('admin');
    const { execution } = await desk.reaches('unknown');
    assert.equal(execution?.detail, 'ECONNRESET');
    assert.equal(executor.requests.length, 1);
  });

  test('an executor that hangs, or throws, ends as unknown and holds nothing up', async () => {
    const signals: AbortSignal[] = [];
    const executor = recordingExecutor((request, _attempt, signal) => {
      signals.push(signal);
      return request.target === 'hangs' ? new Promise(() => {}) : Promise.reject(new Error('a defect'));
    }, false);
    start(executor);
    const targeting = (uid: string, target: string) =>
      alertOf({ uid: uid.repeat(32), recommendation: { ...alertOf().recommendation, target } });
    await feed(log, targeting('a', 'hangs'), targeting('b', 'throws'));
    await until(desk.view, () => (desk.view.state.containments.size === 2 ? true : undefined));
    for (const { id, digest } of desk.view.state.containments.values()) {
      await desk.ask('admin', { type: 'approve', containment: id, digest });
    }
    const states = () => [...desk.view.state.containments.values()].map(({ state }) => state);
    await until(desk.view, () => (states().includes('unknown') && states().includes('dispatching') ? true : undefined));
    clock.advance(BUILT_IN_POLICY.executor_timeout_ms);
    await until(desk.view, () => (states().every((state) => state === 'unknown') ? true : undefined));
    assert.ok(signals[0]?.aborted);
  });

  test('an approver whose key is revoked before dispatch takes the approval along', async () => {
    await proposed();
    await approve('ben');
    await desk.reaches('approved');
    await responder.stop();
    const { key } = [...desk.view.state.keys.values()].find((entry) => entry.key.principal.subject === 'ben') ?? {};
    const command = desk.command('admin', { type: 'key_revoke', key: key?.id ?? '' });
    await log.transact({
      records: [{ topic: TOPICS.commands, partition: 0, key: command.id, value: Buffer.from(JSON.stringify(command)) }],
    });
    const executor = recordingExecutor();
    // The next responder has no executor at first, so that the revocation comes before the dispatch.
    responder = respond(log, clock, { instance: 'second' });
    await until(desk.view, () => desk.view.state.outcomes.get(command.id));
    await responder.stop();
    responder = respond(log, clock, { instance: 'third', executor });
    const { cancellation } = await desk.reaches('cancelled');
    assert.equal(cancellation?.reason, 'quorum_lost');
    assert.equal(executor.requests.length, 0);
  });
});

describe('many at once, and the end', () => {
  const count = (state: string) =>
    [...desk.view.state.containments.values()].filter((one) => one.state === state).length;
  const approveAll = async (number: number): Promise<void> => {
    const alerts = Array.from({ length: number }, (_, index) => alertOf({ uid: `alert-${index}` }));
    await feed(log, ...alerts);
    await until(desk.view, () => (desk.view.state.containments.size === number ? true : undefined));
    for (const { id, digest } of [...desk.view.state.containments.values()]) {
      await desk.ask('admin', { type: 'approve', containment: id, digest });
    }
  };
  test('only so many executions are under way, and the others follow', async () => {
    const executor = gated();
    start(executor);
    const beyond = LIMITS.executions_in_flight_max + 3;
    await approveAll(beyond);
    await until(desk.view, () => (count('dispatching') === LIMITS.executions_in_flight_max ? true : undefined));
    assert.equal(count('approved'), 3);
    for (let done = 1; done <= beyond; done++) {
      await openGate();
      await until(desk.view, () => (count('succeeded') === done ? true : undefined));
      const under = count('dispatching');
      assert.ok(under <= LIMITS.executions_in_flight_max, `${under} at once`);
      if (done <= 3) await until(desk.view, () => (count('approved') === 3 - done ? true : undefined));
    }
    assert.equal(executor.requests.length, beyond);
  });

  test('a responder that is stopped hears what its executions say, and writes it', async () => {
    start(gated());
    await approveAll(1);
    await desk.reaches('dispatching');
    const ended = responder.stop();
    await openGate();
    assert.deepEqual(await ended, { kind: 'stopped' });
    await desk.reaches('succeeded');
  });
});

describe('what a containment waits for', () => {
  test('is said in every state', async () => {
    const situation = () => situationOf(desk.only(), desk.view.state);
    const waiting = await proposed(gated());
    assert.deepEqual([situation().code, situation().until], ['waits_for_approval', waiting.approval_expires]);
    await approve('admin');
    const approved = await desk.reaches('approved', 'dispatching');
    const before = { ...approved, state: 'approved' } as const;
    assert.equal(situationOf(before, desk.view.state).code, 'waits_for_dispatch');
    assert.equal(situationOf(before, { ...desk.view.state, responder: undefined }).code, 'no_responder');
    const sent = await desk.reaches('dispatching');
    assert.deepEqual([situation().code, situation().until], ['being_executed', sent.execution?.deadline]);
    clock.advance(BUILT_IN_POLICY.dispatch_deadline_ms + BUILT_IN_POLICY.executor_timeout_ms);
    await desk.reaches('unknown');
    assert.deepEqual([situation().code, situation().until], ['ended', undefined]);
  });
});

describe('verdicts', () => {
  test('a verdict reaches the partition of its identity and ends what waits', async () => {
    await proposed();
    const body = { alert_uid: 'a'.repeat(32), tenant: 'default', identity: 'agent-7' } as const;
    const answer = await desk.ask('admin', {
      type: 'verdict',
      ...body,
      verdict: 'expected_change',
      comment: 'new job',
    });
    assert.equal(answer.kind, 'done');
    assert.equal(desk.only().cancellation?.reason, 'alert_expected_change');
    const key = identityKey('default', 'agent-7');
    const [record] = (await log.read(TOPICS.events, partitionOf(key, PARTITIONS), 0, { records: 9, bytes: 9999 }))
      .records;
    assert.equal(record?.key, key);
    assert.deepEqual(DetectRecord.parse(JSON.parse(record?.value.toString() ?? '')), {
      type: 'verdict',
      verdict: { ...body, verdict: 'expected_change', author: 'local/admin', comment: 'new job', time: clock.now() },
    });
  });

  test('a verdict about another identity than the alert is refused', async () => {
    await proposed();
    const body = { alert_uid: 'a'.repeat(32), tenant: 'default', identity: 'agent-8' } as const;
    const answer = await desk.ask('admin', { type: 'verdict', ...body, verdict: 'false_positive' });
    assert.equal(answer.kind === 'refused' && answer.code, 'verdict_identity_mismatch');
    assert.equal(desk.only().state, 'pending');
  });
});

describe('two responders', () => {
  test('the later one takes over, the earlier one stops and decides nothing more', async () => {
    const first = recordingExecutor();
    await proposed(first);
    const earlier = responder;
    const second = recordingExecutor();
    responder = respond(log, clock, { executor: second, instance: 'second' });
    await until(desk.view, () => (desk.view.state.responder?.instance === 'second' ? true : undefined));
    await approve('admin');
    await desk.reaches('succeeded');
    assert.deepEqual(await earlier.ended, { kind: 'fenced' });
    assert.equal(first.requests.length + second.requests.length, 1);
  });
});
