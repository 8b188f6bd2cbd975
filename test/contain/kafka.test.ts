import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { GapIncident } from '../../schemas/gap.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { runResponder } from '../../services/contain/responder.ts';
import { createGapPort } from '../../services/control/gaps.ts';
import { runFeed } from '../../services/deliver/feed.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { feedKeys, revisionOf, writeAlerts } from '../deliver/support.ts';
import { kafkaPlace } from '../kafka/place.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { bootstrapPeople, type Desk, openDesk } from './harness.ts';

const { brokers, skip } = await kafkaForTests();
const telemetry = silentTelemetry();
const clock = systemClock;
const EVERY_MS = 50;

/** Looks again and again, for as long as the test may take. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(EVERY_MS);
}

/** A cluster of processes by their handles, and somebody who administers. */
async function cluster(t: TestContext) {
  const place = kafkaPlace(brokers);
  const opened: EventLog[] = [];
  const open = async (): Promise<EventLog> => {
    const log = await place.open();
    opened.push(log);
    return log;
  };
  const observer = await open();
  await bootstrapPeople(observer, clock);
  const desk = await openDesk(observer, clock);
  const offices: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const leave of offices) await leave();
    await desk.view.close();
    for (const log of opened) await log.close();
  });
  const serve = (work: (signal: AbortSignal) => Promise<void>) => {
    const over = new AbortController();
    const done = work(over.signal);
    const leave = async (): Promise<void> => {
      over.abort();
      await done;
    };
    offices.push(leave);
    return leave;
  };
  const respond = async () => {
    const log = await open();
    const newInstance = (): string => randomBytes(8).toString('hex');
    return serve((signal) =>
      runResponder({ log, clock, telemetry, policy: BUILT_IN_POLICY, executors: [], newInstance }, signal),
    );
  };
  const feed = async () => {
    const log = await open();
    const gaps = createGapPort({ log, clock, view: desk.view });
    return serve((signal) => runFeed({ log, clock, telemetry, gaps }, signal));
  };
  /** Only once all that was written to it has been read: a deleted topic must not owe its transactions their markers. */
  const remake = async (topic: 'alerts' | 'commands', partitions: number): Promise<void> => {
    const name = place.settings.topics[topic];
    await place.admin((admin) => admin.deleteTopics({ topics: [name] }));
    await until(async () => !(await place.admin((admin) => admin.listTopics())).includes(name));
    const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
    await place.admin((admin) =>
      admin.createTopics({ topics: [{ topic: name, numPartitions: partitions, replicationFactor: 1, configEntries }] }),
    );
  };
  return { observer, desk, respond, feed, remake };
}

const gapIn = (desk: Desk, state: GapIncident['state']): GapIncident | undefined =>
  [...desk.view.state.gaps.values()].find((one) => one.state === state);

async function accept(desk: Desk): Promise<GapIncident> {
  await until(() => gapIn(desk, 'open') !== undefined);
  const open = gapIn(desk, 'open');
  assert.ok(open);
  const answer = await desk.ask('olga', { type: 'decide_gap', gap: open.gap.id, resume: 'start', reason: 'INC-4' });
  assert.equal(answer.kind, 'done');
  await until(() => desk.view.state.gaps.get(open.gap.id)?.state === 'closed');
  return open;
}

const revoke = (desk: Desk) => desk.ask('admin', { type: 'key_revoke', key: '0'.repeat(16) });

describe('on Kafka', { skip }, () => {
  test('responder and feed change hands, and nothing is decided or delivered twice', async (t) => {
    const { observer, desk, respond, feed } = await cluster(t);
    const [firstResponder, firstFeed] = [await respond(), await feed()];
    assert.equal((await revoke(desk)).kind, 'refused');
    await writeAlerts(observer, 0, [revisionOf('a', 1), revisionOf('a', 2)]);
    await until(async () => (await feedKeys(observer)).length === 2);
    // Both hold the office for a while, as when one was cut off and does not know.
    await Promise.all([respond(), feed()]);
    await writeAlerts(observer, 0, [revisionOf('a', 3)]);
    assert.equal((await revoke(desk)).kind, 'refused');
    await until(async () => (await feedKeys(observer)).length === 3);
    await Promise.all([firstResponder(), firstFeed()]);
    await writeAlerts(observer, 1, [revisionOf('b', 1)]);
    assert.equal((await revoke(desk)).kind, 'refused');
    await until(async () => (await feedKeys(observer)).length === 4);
    assert.deepEqual(await feedKeys(observer), ['a:1', 'a:2', 'a:3', 'b:1']);
    await until(() => desk.view.state.containments.size === 2);
  });

  test('alerts that are deleted and made anew stop the feed until somebody decides', async (t) => {
    const { observer, desk, respond, feed, remake } = await cluster(t);
    await respond();
    await feed();
    await writeAlerts(observer, 0, [revisionOf('a', 1), revisionOf('a', 2)]);
    await until(async () => (await feedKeys(observer)).length === 2);
    const { partitions } = await observer.describe(TOPICS.alerts);
    await remake('alerts', partitions);
    const { gap } = await accept(desk);
    assert.deepEqual([gap.stage, gap.topic, gap.reason], ['deliver', TOPICS.alerts, 'generation_changed']);
    await until(async () => {
      const written = await writeAlerts(observer, 0, [revisionOf('a', 2), revisionOf('a', 3)]).then(
        () => true,
        () => false,
      );
      return written && (await feedKeys(observer)).length === 3;
    });
    assert.deepEqual(await feedKeys(observer), ['a:1', 'a:2', 'a:3']);
  });

  test('commands that are deleted and made anew: the decision comes through the new ones', async (t) => {
    const { desk, respond, remake } = await cluster(t);
    await respond();
    assert.equal((await revoke(desk)).kind, 'refused');
    await remake('commands', 1);
    const { gap } = await accept(desk);
    assert.deepEqual([gap.stage, gap.topic, gap.reason], ['contain', TOPICS.commands, 'generation_changed']);
    assert.equal((await revoke(desk)).kind, 'refused');
  });
});
