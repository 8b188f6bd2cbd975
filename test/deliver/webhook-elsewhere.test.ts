import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Command } from '../../schemas/command.ts';
import { webhooksElsewhere } from '../../services/deliver/webhook-elsewhere.ts';
import { FENCES, livePosition, redeliveryPosition } from '../../services/deliver/webhook-walk.ts';
import { type EventLog, PositionConflict, TOPICS } from '../../services/platform/event-log.ts';
import { openSimulatedLog, trimSimulated } from '../support/simulated-log.ts';
import { alerts, bench, counter, idOf, stoppedClock } from './bench.ts';
import { entryFor, until } from './receiver.ts';
import { writeFeed } from './support.ts';

/** A process that runs the lanes, and another one with nothing in common but the log and what the control log says. */
async function two(t: TestContext, reply?: Parameters<typeof bench>[1]) {
  const on = await bench(t, reply);
  const asked: Command[] = [];
  const elsewhere = webhooksElsewhere({
    log: openSimulatedLog({ disk: on.disk, clock: on.clock }),
    clock: on.clock,
    subscriptions: on.subscriptions,
    view: { next: () => 41 },
    bus: {
      ask: async (command) => {
        asked.push(Command.parse(command));
        if (command.type === 'subscription_retry') on.subscriptions.retry(command.subscription);
        return { kind: 'done', subject: 'siem' };
      },
    },
  });
  return { ...on, asked, elsewhere };
}

describe('webhooks whose lanes run in another process', () => {
  it('are redelivered there', async (t) => {
    const { receiver, log, start, elsewhere, asked } = await two(t);
    await writeFeed(log, alerts('a', 'b', 'c'));
    await start();
    await until(async () => (await counter(log, 'webhook_delivered')) === 3);
    assert.deepEqual(await elsewhere.redeliver('siem', { first: idOf('a'), last: idOf('b') }), {
      ok: true,
      from_offset: 0,
      to_offset: 2,
    });
    await until(async () => (await counter(log, 'webhook_delivered')) === 5);
    assert.deepEqual(
      receiver.received.slice(3).map(({ id }) => id),
      [idOf('a'), idOf('b')],
    );
    assert.deepEqual(
      asked.map(({ id, type, by }) => [id, type, by.subject]),
      [['subscription-retry:siem:41', 'subscription_retry', 'system']],
    );
    for (const [subscription, first, code] of [
      ['nobody', idOf('a'), 'subscription_unknown'],
      ['siem', idOf('z'), 'webhook_id_unknown'],
    ] as const) {
      const result = await elsewhere.redeliver(subscription, { first, last: first });
      assert.ok(!result.ok && result.code === code);
    }
  });

  it('are redelivered by the next process that runs the lanes when none does', async (t) => {
    const { receiver, log, start, stop, elsewhere } = await two(t);
    await writeFeed(log, alerts('a'));
    await start();
    await until(async () => (await counter(log, 'webhook_delivered')) === 1);
    await stop();
    assert.equal((await elsewhere.redeliver('siem', { first: idOf('a'), last: idOf('a') })).ok, true);
    const again = await elsewhere.redeliver('siem', { first: idOf('a'), last: idOf('a') });
    assert.ok(!again.ok && again.code === 'redelivery_active');
    assert.equal((await elsewhere.status())[0]?.redelivery?.state, 'sending');
    await start();
    await until(() => receiver.received.length === 2);
    await until(async () => (await elsewhere.status())[0]?.redelivery === undefined);
  });

  it('end their pause there', async (t) => {
    const { receiver, log, start, elsewhere } = await two(t, { reply: () => ({ status: 500 }) });
    await writeFeed(log, alerts('a'));
    await start({ clock: stoppedClock() });
    await until(async () => (await elsewhere.status())[0]?.state === 'waiting');
    receiver.reply = () => ({ status: 200 });
    assert.equal(await elsewhere.retryNow('siem'), true);
    await until(() => receiver.received.length === 2);
    assert.equal(await elsewhere.retryNow('nobody'), false);
  });

  it('fare as their positions say', async (t) => {
    const { log, disk, start, stop, elsewhere, receiver, subscriptions } = await two(t);
    const shown = async () => {
      const [one] = await elsewhere.status();
      return [one?.state, one?.behind, one?.attempts, one?.next_offset];
    };
    assert.deepEqual(await shown(), ['starting', 0, 0, 0]);
    await writeFeed(log, alerts('a', 'b'));
    assert.deepEqual(await shown(), ['starting', 2, 0, 0]);
    await start();
    await until(async () => (await shown())[0] === 'idle');
    assert.deepEqual(await shown(), ['idle', 0, 0, 2]);
    // The marker of a transaction is an offset without a record.
    const feed = disk.topics.get(TOPICS.feed)?.partitions[0];
    assert.ok(feed);
    feed.end += 1;
    assert.deepEqual((await shown()).slice(0, 2), ['idle', 0]);
    await stop();
    await writeFeed(log, alerts('c', 'd'));
    assert.deepEqual(await shown(), ['sending', 3, 0, 2]);
    trimSimulated(disk, TOPICS.feed, 0, 4);
    assert.deepEqual((await shown()).slice(0, 2), ['sending', 3]);
    subscriptions.set(entryFor(receiver.url, { status: { state: 'disabled', reason: 'gone' } }));
    assert.equal((await shown())[0], 'disabled');
  });

  it('lose nothing when another process comes in between, which is not shut out of the live lanes', async (t) => {
    const { log, disk, clock, subscriptions } = await two(t);
    await writeFeed(log, alerts('a'));
    const fences: (string | undefined)[] = [];
    let conflicts = 2;
    const contested: EventLog = {
      ...openSimulatedLog({ disk, clock }),
      transact: async (write) => {
        fences.push(write.expect?.fence);
        if (conflicts-- > 0) throw new PositionConflict('fenced');
        return log.transact(write);
      },
    };
    const bus = { ask: async () => ({ kind: 'done' as const, subject: 'siem' }) };
    const elsewhere = webhooksElsewhere({ log: contested, clock, subscriptions, bus, view: { next: () => 0 } });
    assert.equal((await elsewhere.redeliver('siem', { first: idOf('a'), last: idOf('a') })).ok, true);
    assert.deepEqual(fences, Array(3).fill(FENCES.redelivery));
    assert.notEqual(FENCES.live, FENCES.redelivery);
    assert.ok(disk.positions.has(redeliveryPosition('siem')) && !disk.positions.has(livePosition('siem')));
  });
});

describe('the lanes', () => {
  it('start and stop as often as they are wanted, and send each message once', async (t) => {
    const { receiver, log, start, stop, disk } = await bench(t);
    for (let round = 1; round <= 4; round++) {
      await writeFeed(log, alerts(`m${round}`));
      const feed = disk.topics.get(TOPICS.feed)?.partitions[0];
      assert.ok(feed);
      feed.end += 1;
      const webhooks = await start();
      await until(() => receiver.received.length === round);
      await until(async () => (await webhooks.status())[0]?.state === 'idle');
      assert.equal((await webhooks.status())[0]?.behind, 0, 'a marker is nothing to send');
      await stop();
    }
    assert.deepEqual(
      receiver.received.map(({ id }) => id),
      [1, 2, 3, 4].map((round) => idOf(`m${round}`)),
    );
  });

  it('go on at the end of a feed that has lost its tail', async (t) => {
    const { receiver, log, start, stop, disk } = await bench(t);
    await writeFeed(log, alerts('a', 'b', 'c'));
    await start();
    await until(() => receiver.received.length === 3);
    await until(async () => (await counter(log, 'webhook_delivered')) === 3);
    await stop();
    const feed = disk.topics.get(TOPICS.feed)?.partitions[0];
    assert.ok(feed);
    feed.records.length = 1;
    feed.end = 1;
    const webhooks = await start();
    await until(async () => (await webhooks.status())[0]?.state === 'idle');
    await writeFeed(log, alerts('d'));
    await until(() => receiver.received.length === 4);
    assert.equal(receiver.received[3]?.id, idOf('d'));
  });
});
