import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import type { OcsfDetectionFinding } from '../../schemas/ocsf/detection-finding.ts';
import { startWebhooks } from '../../services/deliver/webhook.ts';
import type { WebhookPorts } from '../../services/deliver/webhook-walk.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { trimSimulated } from '../support/simulated-log.ts';
import { alerts, bench, counter, deadLetters, idOf, stoppedClock } from './bench.ts';
import { entryFor, until } from './receiver.ts';
import { constantRandom, hastyClock, settled, writeFeed } from './support.ts';

describe('a message that is given up', () => {
  it('does not hold up the others when it alone is refused, and is redelivered under its id', async (t) => {
    const { receiver, log, start } = await bench(t, { reply: ({ id }) => ({ status: id === idOf('b') ? 422 : 200 }) });
    await writeFeed(log, alerts('a', 'b', 'c', 'd'));
    const webhooks = await start();
    await until(async () => (await counter(log, 'webhook_delivered')) === 3);
    const taken = receiver.received.filter(({ id }) => id !== idOf('b'));
    assert.deepEqual(
      taken.map(({ id }) => id),
      [idOf('a'), idOf('c'), idOf('d')],
    );
    assert.equal(receiver.received.length, 3 + LIMITS.webhook_probe_attempts);
    const [dead, ...others] = await deadLetters(log);
    assert.deepEqual(others, []);
    assert.equal(dead?.key, idOf('b'));
    assert.equal(dead?.letter.reason, 'webhook_refused');
    assert.match(dead?.letter.message ?? '', /HTTP 422.*redeliver/);
    const original = JSON.parse(Buffer.from(dead?.letter.bytes ?? '', 'base64').toString()) as OcsfDetectionFinding;
    assert.equal(original.metadata.uid, 'b:1');
    assert.equal(await counter(log, 'webhook_given_up'), 1);

    receiver.reply = () => ({ status: 200 });
    const sent = receiver.received.length;
    assert.deepEqual(await webhooks.redeliver('siem', { first: idOf('b'), last: idOf('c') }), {
      ok: true,
      from_offset: 1,
      to_offset: 3,
    });
    await until(() => receiver.received.length === sent + 2);
    assert.deepEqual(
      receiver.received.slice(sent).map(({ id }) => id),
      [idOf('b'), idOf('c')],
    );
    await until(async () => (await webhooks.status())[0]?.redelivery === undefined);
  });

  it('waits for days while the receiver takes nothing at all, one message at a time', async (t) => {
    const { receiver, log, start, clock } = await bench(t, { reply: () => ({ status: 500 }) });
    await writeFeed(log, alerts('a', 'b'));
    const began = clock.now();
    // The wire is not what is tested here, and three days are some nine hundred attempts.
    const failing: WebhookPorts['post'] = async () => {
      await settled();
      return { kind: 'failed', reason: 'unreachable', code: 'ECONNREFUSED' };
    };
    await start({ post: failing });
    await until(async () => (await counter(log, 'webhook_given_up')) === 1);
    const waited = clock.now() - began;
    assert.ok(waited >= LIMITS.webhook_give_up_ms && waited < LIMITS.webhook_give_up_ms * 1.1, `${waited} ms`);
    const [dead] = await deadLetters(log);
    assert.deepEqual([dead?.key, dead?.letter.reason], [idOf('a'), 'webhook_gave_up']);
    receiver.reply = () => ({ status: 200 });
    await start();
    await until(() => receiver.received.length === 1);
    assert.deepEqual(receiver.uids(), ['b:1']);
  });

  it('can be redelivered only when there is such a message, and once at a time', async (t) => {
    const { receiver, log, start } = await bench(t);
    await writeFeed(log, alerts('a', 'b'));
    const webhooks = await start();
    await until(() => receiver.received.length === 2);
    const codeOf = async (subscription: string, first: string, last: string) => {
      const result = await webhooks.redeliver(subscription, { first, last });
      return result.ok ? 'ok' : result.code;
    };
    assert.equal(await codeOf('nobody', idOf('a'), idOf('a')), 'subscription_unknown');
    assert.equal(await codeOf('siem', idOf('a'), 'msg_x'), 'webhook_id_unknown');
    receiver.reply = () => ({ status: 500 });
    const clock = stoppedClock();
    const slow = await start({ clock });
    assert.equal((await slow.redeliver('siem', { first: idOf('b'), last: idOf('a') })).ok, true);
    assert.equal((await slow.redeliver('siem', { first: idOf('a'), last: idOf('a') })).ok, false);
    receiver.reply = () => ({ status: 200 });
    // A restart goes on with the redelivery, in the order of the feed.
    const before = receiver.received.length;
    await start();
    await until(() => receiver.uids().slice(before).includes('b:1'));
    assert.equal(receiver.uids().at(-1), 'b:1');
  });

  it('is redelivered although the lane of an earlier redelivery has not ended yet', async (t) => {
    const { receiver, log, start } = await bench(t);
    await writeFeed(log, alerts('a'));
    const looked = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    let asked = 0;
    const position: EventLog['position'] = async (name) => {
      const held = await log.position(name);
      if (!name.endsWith('.redelivery') || asked++ > 0) return held;
      // The lane that looks for something to redeliver learns late that there was nothing.
      looked.resolve();
      await told.promise;
      return held;
    };
    const webhooks = await start({ log: { ...log, position } });
    await looked.promise;
    await until(() => receiver.received.length === 1);
    assert.equal((await webhooks.redeliver('siem', { first: idOf('a'), last: idOf('a') })).ok, true);
    told.resolve();
    await until(() => receiver.received.length === 2);
    assert.deepEqual(receiver.uids(), ['a:1', 'a:1']);
  });
});

describe('a subscription', () => {
  it('starts with what was appended since it was set', async (t) => {
    const { receiver, log, subscriptions, clock, start } = await bench(t);
    await writeFeed(log, alerts('before'));
    await clock.sleep(1_000);
    const since = clock.now();
    await writeFeed(log, alerts('after-1'));
    await clock.sleep(1_000);
    await writeFeed(log, alerts('after-2'));
    subscriptions.set(entryFor(receiver.url, { status: { since } }));
    await start();
    await until(() => receiver.received.length === 2);
    assert.deepEqual(receiver.uids(), ['after-1:1', 'after-2:1']);
  });

  it('goes on where it stopped, with the attempts it had made', async (t) => {
    const { receiver, log, start, stop } = await bench(t);
    await writeFeed(log, alerts('a', 'b'));
    await start();
    await until(() => receiver.received.length === 2);
    await stop();
    receiver.reply = () => ({ status: 503, headers: { 'retry-after': '600' } });
    await writeFeed(log, alerts('c'));
    const clock = stoppedClock();
    const first = await start({ clock });
    await until(async () => (await first.status())[0]?.state === 'waiting');
    const again = await start({ clock });
    await until(async () => (await again.status())[0]?.state === 'waiting');
    assert.equal(receiver.received.length, 3, 'the pause outlives the process');
    receiver.reply = () => ({ status: 200 });
    await start();
    await until(() => receiver.received.length === 4);
    assert.deepEqual(receiver.uids(), ['a:1', 'b:1', 'c:1', 'c:1']);
  });

  it('keeps its beginning from the moment it is first seen', async (t) => {
    const { receiver, log, subscriptions, clock, start, stop } = await bench(t);
    const idle = await start();
    await until(async () => (await idle.status())[0]?.state === 'idle');
    await stop();
    await writeFeed(log, alerts('meanwhile'));
    await clock.sleep(1_000);
    subscriptions.set(entryFor(receiver.url, { status: { since: clock.now() } }));
    await start();
    await until(() => receiver.received.length === 1);
    assert.deepEqual(receiver.uids(), ['meanwhile:1']);
  });

  it('that changes while its lane looks elsewhere is noticed', async (t) => {
    const { log, subscriptions, start } = await bench(t);
    let reads = 0;
    const read: EventLog['read'] = async (...asked) => {
      const records = await log.read(...asked);
      if (reads++ === 0) subscriptions.remove('siem');
      return records;
    };
    await start({ log: { ...log, read } });
    await until(async () => ((await log.position('deliver.webhook.siem')) ?? '').includes('"e":true'));
  });

  it('is never set back by a process that was overtaken', async (t) => {
    const { log, subscriptions, start } = await bench(t);
    await writeFeed(log, alerts('a', 'b', 'c'));
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const answer = { kind: 'answered', status: 200, retry_after: undefined, excerpt: '' } as const;
    const slow = await start({
      post: async () => {
        asked.resolve();
        await held.promise;
        return answer;
      },
    });
    await asked.promise;
    const stop = new AbortController();
    const policy = { allow_private_networks: false };
    const telemetry = silentTelemetry();
    const ports = { log, clock: hastyClock(), telemetry, random: constantRandom(), post: async () => answer, policy };
    const fast = startWebhooks({ ...ports, subscriptions }, stop.signal);
    await until(async () => (await counter(log, 'webhook_delivered')) === 3);
    held.resolve();
    await until(async () => (await slow.status())[0]?.next_offset === 3);
    stop.abort();
    await fast.stopped;
    assert.equal(await counter(log, 'webhook_delivered'), 3);
  });

  it('that cannot be sent to says why, and goes on once it is mended', async (t) => {
    const { receiver, log, subscriptions, start } = await bench(t, {
      entry: () => entryFor('http://siem.example.com/hook'),
    });
    await writeFeed(log, alerts('a'));
    const webhooks = await start();
    await until(async () => (await webhooks.status())[0]?.state === 'misconfigured');
    assert.match((await webhooks.status())[0]?.last_error ?? '', /use https/);
    subscriptions.set(entryFor(receiver.url));
    await until(() => receiver.received.length === 1);
  });

  it('that was removed and is set again begins anew', async (t) => {
    const { receiver, log, subscriptions, clock, start } = await bench(t);
    await writeFeed(log, alerts('a'));
    const webhooks = await start();
    await until(() => receiver.received.length === 1);
    subscriptions.remove('siem');
    await until(async () => ((await log.position('deliver.webhook.siem')) ?? '').includes('"e":true'));
    await writeFeed(log, alerts('while-away'));
    await clock.sleep(1_000);
    subscriptions.set(entryFor(receiver.url, { status: { since: clock.now() } }));
    await writeFeed(log, alerts('b'));
    await until(() => receiver.received.length === 2);
    assert.deepEqual(receiver.uids(), ['a:1', 'b:1']);
    assert.equal((await webhooks.status()).length, 1);
  });

  it('does not wait for another one', async (t) => {
    const { receiver, log, subscriptions, start } = await bench(t, {
      reply: ({ path }) => ({ status: path === '/down' ? 500 : 200 }),
    });
    const url = receiver.url.replace('/hook', '/down');
    subscriptions.set(entryFor(url, { subscription: { id: 'down' } }));
    await writeFeed(log, alerts('a', 'b'));
    const clock = stoppedClock();
    await start({ clock });
    await until(() => receiver.received.filter(({ path }) => path === '/hook').length === 2);
    assert.equal(receiver.received.filter(({ path }) => path === '/down').length, 1);
  });

  it('counts what retention has removed before it was sent', async (t) => {
    const { receiver, log, disk, start, stop } = await bench(t);
    await writeFeed(log, alerts('a'));
    await start();
    await until(async () => (await counter(log, 'webhook_delivered')) === 1);
    await stop();
    await writeFeed(log, alerts('b', 'c', 'd'));
    trimSimulated(disk, TOPICS.feed, 0, 3);
    await start();
    await until(() => receiver.received.length === 2);
    assert.deepEqual(receiver.uids(), ['a:1', 'd:1']);
    assert.equal(await counter(log, 'webhook_lost'), 2);
  });
});
