import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Alert } from '../../schemas/alert.ts';
import type { Responder } from '../../services/contain/responder.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { bootstrapPeople, type Desk, feed, openDesk, respond, until } from './harness.ts';
import { alertOf } from './samples.ts';

let log: EventLog;
let desk: Desk;
let responder: Responder;

beforeEach(async () => {
  const clock = manualClock();
  log = openSimulatedLog({ disk: newDisk({ partitions: 4, random: () => 0.5 }), clock });
  await bootstrapPeople(log, clock);
  desk = await openDesk(log, clock);
  responder = respond(log, clock);
});

afterEach(async () => {
  await responder.stop();
  await desk.view.close();
  await log.close();
});

async function proposed(over: Partial<Alert> = {}): Promise<void> {
  await feed(log, alertOf(over));
  await desk.reaches('pending');
}

describe('calling an alert harmless', () => {
  const body = { type: 'verdict', alert_uid: 'a'.repeat(32), tenant: 'default', identity: 'agent-7' } as const;
  const harmless = { ...body, verdict: 'false_positive' } as const;
  const codeOf = async (subject: string, verdict: typeof harmless | (typeof body & { verdict: 'true_positive' })) => {
    const answer = await desk.ask(subject, verdict);
    return answer.kind === 'refused' ? answer.code : answer.kind;
  };

  test('is for humans while a containment of it is open', async () => {
    await proposed();
    assert.equal(await codeOf('robot', harmless), 'not_human');
    assert.equal(desk.only().state, 'pending');
    assert.equal(desk.view.state.verdicts.size, 0, 'what is refused reaches no baseline either');
    assert.equal(await codeOf('robot', { ...body, verdict: 'true_positive' }), 'done');
    assert.equal(await codeOf('admin', harmless), 'done');
    assert.equal(desk.only().state, 'cancelled');
    assert.equal(await codeOf('robot', harmless), 'done', 'nothing is open any more');
  });

  test('is not for whom the containment is about', async () => {
    const owned = { ...alertOf().identity, owner: 'admin' };
    await proposed({ identity: owned });
    assert.equal(await codeOf('admin', harmless), 'contained_cannot_decide');
    assert.equal(await codeOf('ben', harmless), 'done');
  });

  test('by a machine before anything was open does not call off what comes later', async () => {
    assert.equal(await codeOf('robot', harmless), 'done');
    await feed(log, alertOf());
    await desk.reaches('pending');
    const closed = { status: 'closed', closed_reason: 'false_positive' } as const;
    await feed(log, alertOf({ revision: 2, ...closed }), alertOf({ uid: 'b'.repeat(32) }));
    await until(desk.view, () => (desk.view.state.containments.size === 2 ? true : undefined));
    assert.equal(desk.view.state.open.size, 2);
    assert.equal(await codeOf('admin', harmless), 'done');
    assert.equal(desk.view.state.open.size, 1);
  });
});
