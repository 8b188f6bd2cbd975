import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { GapIncident } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { type Responder, runResponder } from '../../services/contain/responder.ts';
import type { Answer } from '../../services/control/command-bus.ts';
import { readControl } from '../../services/control/writer.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { type Fault, newDisk, openSimulatedLog, type SimulatedDisk, trimSimulated } from '../support/simulated-log.ts';
import {
  type Body,
  bootstrapPeople,
  type Desk,
  feed,
  openDesk,
  recordingExecutor,
  remake,
  respond,
  until,
} from './harness.ts';
import { alertOf } from './samples.ts';

let disk: SimulatedDisk;
let clock: ManualClock;
let log: EventLog;
let desk: Desk;
let responder: Responder;

beforeEach(async () => {
  disk = newDisk({ partitions: 2, random: () => 0.5 });
  clock = manualClock();
  log = openSimulatedLog({ disk, clock });
  await bootstrapPeople(log, clock);
  desk = await openDesk(log, clock, Number.MAX_SAFE_INTEGER);
  starts = 0;
});

afterEach(async () => {
  await responder.stop();
  await desk.view.close();
  await log.close();
});

let starts = 0;
const start = (executor = recordingExecutor()) => {
  responder = respond(log, clock, { instance: `start-${++starts}`, executor });
  return executor;
};

const alert = (uid: string) => alertOf({ uid: uid.repeat(32) });
const gaps = (): GapIncident[] => [...desk.view.state.gaps.values()];
const gapIn = (state: GapIncident['state']) => until(desk.view, () => gaps().find((one) => one.state === state));
const accept = (one: GapIncident, resume: 'start' | 'end') =>
  desk.ask('olga', { type: 'decide_gap', gap: one.gap.id, resume, reason: 'INC-9' });
const proposals = (): number => desk.view.state.containments.size;
const revoke = (id: string): Promise<Answer> => desk.ask('admin', { type: 'key_revoke', key: '0'.repeat(16) }, id);

/** Alerts a and b proposed, and the responder stopped. */
async function stoppedAfterTwo(): Promise<void> {
  start();
  await feed(log, alert('a'), alert('b'));
  await until(desk.view, () => (proposals() === 2 ? true : undefined));
  await revoke('first-revocation');
  await revoke('second-revocation');
  await responder.stop();
}

describe('the feed with a gap', () => {
  for (const resume of ['start', 'end'] as const) {
    test(`made anew: commands are decided as ever, and alerts from the ${resume} on`, async () => {
      await stoppedAfterTwo();
      remake(disk, TOPICS.feed);
      await feed(log, alert('a'), alert('c'));
      start();
      const open = await gapIn('open');
      assert.deepEqual(
        { ...open.gap, message: '' },
        { ...open.gap, message: '', stage: 'contain', topic: TOPICS.feed, partition: 0, reason: 'generation_changed' },
      );
      assert.equal((await revoke('during-the-gap')).kind, 'refused');
      assert.equal(proposals(), 2);
      await accept(open, resume);
      const closed = await gapIn('closed');
      assert.equal(closed.closed?.resumed_at, resume === 'start' ? 0 : 2);
      await feed(log, alert('d'));
      await until(desk.view, () => desk.view.state.byAlert.get('d'.repeat(32)));
      assert.equal(desk.view.state.byAlert.has('c'.repeat(32)), resume === 'start');
      assert.equal(desk.view.state.byAlert.get('a'.repeat(32))?.length, 1, 'nothing is proposed twice');
    });
  }

  test('deleted before it was read: says how much, and goes on with what is there', async () => {
    await stoppedAfterTwo();
    await feed(log, alert('c'), alert('d'), alert('e'));
    trimSimulated(disk, TOPICS.feed, 0, 4);
    start();
    const { gap } = await gapIn('open');
    assert.deepEqual([gap.reason, gap.lost], ['offset_before_log', 2]);
    await accept(await gapIn('open'), 'start');
    await until(desk.view, () => desk.view.state.byAlert.get('e'.repeat(32)));
    assert.equal(proposals(), 3);
  });

  test('an incident whose cause went away closes by itself', async () => {
    await stoppedAfterTwo();
    const before = disk.topics.get(TOPICS.feed);
    assert.ok(before);
    remake(disk, TOPICS.feed);
    start();
    await gapIn('open');
    (disk.topics as Map<string, typeof before>).set(TOPICS.feed, before);
    clock.advance(LIMITS.log_check_ms);
    const closed = await gapIn('closed');
    assert.equal(closed.decision, undefined);
    await feed(log, alert('c'));
    await until(desk.view, () => (proposals() === 3 ? true : undefined));
  });

  test('is noticed while the responder runs', async () => {
    start();
    await feed(log, alert('a'));
    await until(desk.view, () => (proposals() === 1 ? true : undefined));
    remake(disk, TOPICS.feed);
    const found = gapIn('open');
    clock.advance(LIMITS.log_check_ms);
    assert.equal((await found).gap.reason, 'generation_changed');
  });
});

describe('commands with a gap', () => {
  /** One containment approved and not dispatched yet; then the commands are made anew. */
  async function approvedAndLost(): Promise<void> {
    // Without an executor nothing is dispatched.
    responder = respond(log, clock, { instance: 'without-executor' });
    await feed(log, alert('a'), alert('b'));
    await until(desk.view, () => (proposals() === 2 ? true : undefined));
    assert.equal((await vote('ben', 'a', 'approve')).kind, 'done');
    await responder.stop();
    remake(disk, TOPICS.commands);
  }

  const vote = (subject: string, uid: string, type: 'approve' | 'deny', id?: string): Promise<Answer> => {
    const [containment = ''] = desk.view.state.byAlert.get(uid.repeat(32)) ?? [];
    const digest = desk.view.state.containments.get(containment)?.digest ?? '';
    return desk.ask(subject, { type, containment, digest } satisfies Body, id);
  };
  const stateOf = (uid: string) => {
    const [id = ''] = desk.view.state.byAlert.get(uid.repeat(32)) ?? [];
    return desk.view.state.containments.get(id)?.state;
  };

  test('nothing is carried out and nobody else is answered until somebody decides; then all of it is', async () => {
    await approvedAndLost();
    const executor = start();
    const open = await gapIn('open');
    assert.deepEqual([open.gap.topic, open.gap.reason], [TOPICS.commands, 'generation_changed']);
    const denied = vote('admin', 'a', 'deny', 'deny-in-the-new-topic');
    await feed(log, alert('c'));
    await until(desk.view, () => desk.view.state.byAlert.get('c'.repeat(32)));
    assert.equal(desk.view.state.outcomes.has('deny-in-the-new-topic'), false);
    assert.equal(executor.requests.length, 0);
    assert.equal((await accept(open, 'start')).kind, 'done');
    assert.equal((await denied).kind, 'refused', 'an approved one is too late to deny');
    await until(desk.view, () => (stateOf('a') === 'succeeded' ? true : undefined));
    assert.equal(executor.requests.length, 1);
    assert.equal((await gapIn('closed')).closed?.resumed_at, 0);
  });

  test('gone on with at the end: what was asked meanwhile is not decided', async () => {
    await approvedAndLost();
    start();
    const open = await gapIn('open');
    void vote('ben', 'b', 'approve', 'asked-meanwhile');
    await accept(open, 'end');
    await gapIn('closed');
    assert.equal((await revoke('asked-later')).kind, 'refused');
    assert.equal(desk.view.state.outcomes.has('asked-meanwhile'), false);
    assert.equal(stateOf('b'), 'pending');
  });

  test('time goes on: what nobody may carry out expires', async () => {
    await approvedAndLost();
    const executor = start();
    await gapIn('open');
    clock.advance(BUILT_IN_POLICY.execution_expiry_ms);
    await until(desk.view, () => (stateOf('a') === 'expired' ? true : undefined));
    assert.equal(executor.requests.length, 0);
  });

  test('both inputs made anew are two incidents, each with its own decision', async () => {
    await approvedAndLost();
    remake(disk, TOPICS.feed);
    start();
    await until(desk.view, () => (gaps().length === 2 ? true : undefined));
    for (const one of gaps()) assert.equal((await accept(one, 'start')).kind, 'done');
    await until(desk.view, () => (gaps().every(({ state }) => state === 'closed') ? true : undefined));
    await feed(log, alert('d'));
    await until(desk.view, () => desk.view.state.byAlert.get('d'.repeat(32)));
    assert.equal((await vote('ben', 'b', 'approve')).kind, 'done');
  });

  test('a topic that has lost its tail stands still also when it has grown again', async () => {
    await stoppedAfterTwo();
    const held = disk.topics.get(TOPICS.commands)?.partitions[0];
    assert.ok(held);
    held.records.pop();
    held.end -= 1;
    start();
    const open = await gapIn('open');
    assert.equal(open.gap.reason, 'offset_beyond_log');
    const meanwhile = revoke('in-the-place-of-the-tail');
    await nextTurn();
    await responder.stop();
    start();
    await nextTurn();
    assert.equal(desk.view.state.outcomes.has('in-the-place-of-the-tail'), false);
    await accept(open, 'start');
    assert.equal((await meanwhile).kind, 'refused');
    assert.equal((await gapIn('closed')).closed?.resumed_at, 0);
    assert.equal((await revoke('after-the-tail')).kind, 'refused');
  });
});

describe('a crash at any step of a gap of the responder', () => {
  for (const moment of ['before', 'after'] as const) {
    test(moment, async () => {
      let operation = 0;
      for (let crashed = true; crashed; ) {
        operation += 1;
        crashed = await survive(operation, moment);
      }
      assert.ok(operation > 20, `the sweep crashed at ${operation - 1} operations`);
    });
  }

  async function survive(operation: number, moment: 'before' | 'after'): Promise<boolean> {
    disk = newDisk({ partitions: 2, random: () => 0.5 });
    clock = manualClock();
    log = openSimulatedLog({ disk, clock });
    await bootstrapPeople(log, clock);
    desk = await openDesk(log, clock, Number.MAX_SAFE_INTEGER);
    await stoppedAfterTwo();
    remake(disk, TOPICS.commands);
    let count = 0;
    let armed = true;
    const faults = (): Fault => (armed && ++count === operation ? { crash: moment } : {});
    const begin = (plan?: () => Fault): void => {
      const crashed = (): void => queueMicrotask(() => begin());
      const handle = openSimulatedLog({ disk, clock, ...(plan && { faults: plan }), crashed });
      responder = respond(handle, clock, { instance: `life-${++starts}` });
    };
    begin(faults);
    const pass = async (what: string, holds: () => boolean): Promise<void> => {
      for (let turn = 0; turn < 4000; turn++) {
        if (holds()) return;
        await nextTurn();
        if (turn % 10 === 9) clock.advance(500);
      }
      assert.fail(`never: ${what}, operation ${operation}`);
    };
    await pass('an open gap', () => gaps().length > 0);
    const [first] = gaps();
    assert.ok(first);
    void accept(first, 'start');
    await pass('a closed gap', () => gaps().every(({ state }) => state === 'closed'));
    void revoke('after-the-gap');
    await pass('an answer', () => desk.view.state.outcomes.has('after-the-gap'));
    const happened = count >= operation;
    armed = false;
    const { entries } = await readControl(log, 0);
    const kinds = entries.map(({ record }) => record.kind).filter((kind) => kind.startsWith('gap_'));
    assert.deepEqual(kinds, ['gap_opened', 'gap_decided', 'gap_closed'], `operation ${operation}`);
    let over = false;
    void responder.stop().then(() => {
      over = true;
    });
    await pass('an orderly end', () => over);
    await desk.view.close();
    return happened;
  }
});

describe('the office of the responder', () => {
  const run = (signal: AbortSignal, name: string): Promise<void> => {
    let count = 0;
    return runResponder(
      {
        log: openSimulatedLog({ disk, clock }),
        clock,
        telemetry: silentTelemetry(),
        policy: BUILT_IN_POLICY,
        executors: [],
        newInstance: () => `${name}-${++count}`,
      },
      signal,
    );
  };
  const ledBy = (instance: string) =>
    until(desk.view, () => (desk.view.state.responder?.instance === instance ? true : undefined));

  test('comes and goes as often as it is given, and decides in between', async () => {
    for (let term = 1; term <= 3; term++) {
      const office = new AbortController();
      const running = run(office.signal, `term-${term}`);
      assert.equal((await revoke(`in-term-${term}`)).kind, 'refused');
      office.abort();
      await running;
    }
    start();
  });

  test('whoever was fenced and still holds it takes over again; whoever does not, stops', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const one = run(first.signal, 'one');
    await ledBy('one-1');
    const two = run(second.signal, 'two');
    await ledBy('two-1');
    // The first one learns of it at its next write.
    assert.equal((await revoke('a-revocation')).kind, 'refused');
    second.abort();
    await two;
    const again = ledBy('one-2');
    for (let turn = 0; turn < 50; turn++) {
      await nextTurn();
      clock.advance(LIMITS.takeover_ms);
    }
    await again;
    assert.equal((await revoke('another-revocation')).kind, 'refused');
    first.abort();
    await one;
    start();
  });
});
