import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Responder } from '../../services/contain/responder.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { type Body, bootstrapPeople, type Desk, feed, openDesk, recordingExecutor, respond } from './harness.ts';
import { alertOf } from './samples.ts';

/** What was asked while nobody decided is decided before anything is carried out, however much of it there is. */
describe('commands that are durable before a responder begins', () => {
  let clock: ManualClock;
  let log: EventLog;
  let desk: Desk;
  let responder: Responder;

  beforeEach(async () => {
    clock = manualClock();
    log = openSimulatedLog({ disk: newDisk({ partitions: 1, random: () => 0.5 }), clock });
    await bootstrapPeople(log, clock);
    desk = await openDesk(log, clock);
    // Approved, and nobody there to carry it out.
    responder = respond(log, clock);
    await feed(log, alertOf());
    const { id, digest } = await desk.reaches('pending');
    await desk.ask('ben', { type: 'approve', containment: id, digest });
    await responder.stop();
  });

  afterEach(async () => {
    await responder.stop();
    await desk.view.close();
    await log.close();
  });

  const queue = async (...asked: (readonly [string, Body])[]): Promise<void> => {
    const records = asked.map(([subject, body]) => {
      const command = desk.command(subject, body);
      return {
        topic: TOPICS.commands,
        partition: 0,
        key: command.id,
        value: Buffer.from(JSON.stringify(command)),
      };
    });
    await log.transact({ records });
  };
  const withdrawal = (): readonly [string, Body] => ['admin', { type: 'cancel', containment: desk.only().id }];
  const key = (): string => desk.only().votes[0]?.credential ?? '';

  test('a withdrawal keeps it from being carried out', async () => {
    await queue(withdrawal());
    const executor = recordingExecutor();
    responder = respond(log, clock, { executor, instance: 'second' });
    const ended = await desk.reaches('cancelled', 'dispatching', 'succeeded');
    assert.deepEqual(
      [ended.state, ended.cancellation?.reason, executor.requests.length],
      ['cancelled', 'withdrawn', 0],
    );
  });

  test('so does a key that was revoked', async () => {
    await queue(['olga', { type: 'key_revoke', key: key() }]);
    const executor = recordingExecutor();
    responder = respond(log, clock, { executor, instance: 'second' });
    const ended = await desk.reaches('cancelled', 'dispatching', 'succeeded');
    assert.deepEqual([ended.cancellation?.reason, executor.requests.length], ['quorum_lost', 0]);
  });

  test('behind more than is read at a time, too', async () => {
    const others = Array.from({ length: 600 }, (): readonly [string, Body] => [
      'vera',
      { type: 'cancel', containment: desk.only().id },
    ]);
    await queue(...others, withdrawal());
    const executor = recordingExecutor();
    responder = respond(log, clock, { executor, instance: 'second' });
    const ended = await desk.reaches('cancelled', 'dispatching', 'succeeded');
    assert.deepEqual([ended.cancellation?.reason, executor.requests.length], ['withdrawn', 0]);
  });

  test('without any of them it is carried out', async () => {
    const executor = recordingExecutor();
    responder = respond(log, clock, { executor, instance: 'second' });
    await desk.reaches('succeeded');
    assert.equal(executor.requests.length, 1);
  });
});
