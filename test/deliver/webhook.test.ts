import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { OcsfDetectionFinding } from '../../schemas/ocsf/detection-finding.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import { startWebhooks, type Webhooks } from '../../services/deliver/webhook.ts';
import { webhookId } from '../../services/deliver/webhook-core.ts';
import type { WebhookPorts } from '../../services/deliver/webhook-walk.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { post } from '../../services/platform/http-post.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { type SimulatedDisk, trimSimulated } from '../support/simulated-log.ts';
import {
  entryFor,
  type FakeSubscriptions,
  fakeSubscriptions,
  OTHER_SECRET,
  openReceiver,
  type Receiver,
  type Reply,
  SECRET,
  signedWith,
  until,
} from './receiver.ts';
import { constantRandom, hastyClock, revisionOf, settled, simulated, writeFeed } from './support.ts';

type Bench = {
  readonly receiver: Receiver;
  readonly log: EventLog;
  readonly disk: SimulatedDisk;
  readonly clock: ReturnType<typeof hastyClock>;
  readonly subscriptions: FakeSubscriptions;
  /** Starts delivering; an earlier run is stopped first. */
  start(changes?: Partial<WebhookPorts>): Promise<Webhooks>;
  stop(): Promise<void>;
};

async function bench(
  t: TestContext,
  options: { readonly reply?: Receiver['reply']; readonly entry?: (url: string) => SubscriptionEntry } = {},
): Promise<Bench> {
  const receiver = await openReceiver(options.reply);
  const clock = hastyClock(Date.now());
  const { disk, log } = simulated({ clock });
  const subscriptions = fakeSubscriptions((options.entry ?? entryFor)(receiver.url));
  let running: { readonly stop: AbortController; readonly webhooks: Webhooks } | undefined;
  const stop = async (): Promise<void> => {
    running?.stop.abort();
    await running?.webhooks.stopped;
    running = undefined;
  };
  t.after(async () => {
    await stop();
    await receiver.close();
  });
  const start: Bench['start'] = async (changes = {}) => {
    await stop();
    const ports: WebhookPorts = {
      log,
      clock,
      telemetry: silentTelemetry(),
      random: constantRandom(),
      post,
      policy: { allow_private_networks: false },
      subscriptions,
      ...changes,
    };
    const ending = new AbortController();
    running = { stop: ending, webhooks: startWebhooks(ports, ending.signal) };
    return running.webhooks;
  };
  return { receiver, log, disk, clock, subscriptions, start, stop };
}

const alerts = (...uids: string[]) => uids.map((uid) => revisionOf(uid, 1));
const idOf = (uid: string) => webhookId('siem', uid, 1);

async function deadLetters(log: EventLog): Promise<{ key: string; letter: DeadLetter }[]> {
  const { partitions } = await log.describe(TOPICS.dead);
  const all = [];
  for (let partition = 0; partition < partitions; partition++) {
    for (const { key, value } of await log.read(TOPICS.dead, partition, 0, { records: 100, bytes: 1 << 24 })) {
      all.push({ key, letter: DeadLetter.parse(JSON.parse(value.toString())) });
    }
  }
  return all;
}

const counter = async (log: EventLog, name: string) => (await log.counters()).get(name) ?? 0;

describe('a webhook', () => {
  it('is verified by the standardwebhooks package and carries OCSF, in the order of the feed', async (t) => {
    const { receiver, log, start } = await bench(t);
    await writeFeed(log, [revisionOf('a', 1), revisionOf('b', 1), revisionOf('a', 2)]);
    await start();
    await until(() => receiver.received.length === 3);
    await writeFeed(log, [revisionOf('b', 2, { status: 'closed', closed_reason: 'quiet' })]);
    await until(() => receiver.received.length === 4);
    assert.deepEqual(receiver.uids(), ['a:1', 'b:1', 'a:2', 'b:2']);
    for (const { headers, body, id } of receiver.received) {
      const verified = new Webhook(SECRET).verify(body, headers as Record<string, string>);
      const parsed = OcsfDetectionFinding.parse(verified);
      assert.equal(id, webhookId('siem', parsed.finding_info.uid, parsed.metadata.sequence));
      assert.equal(headers['content-type'], 'application/json');
    }
    assert.throws(() => {
      const [first] = receiver.received;
      new Webhook(OTHER_SECRET).verify(first?.body ?? '', first?.headers as Record<string, string>);
    });
    await until(async () => (await counter(log, 'webhook_delivered')) === 4);
  });

  it('goes only to who wants it', async (t) => {
    const { receiver, log, start } = await bench(t, {
      entry: (url) => entryFor(url, { subscription: { severity_min: 'high', tenant: 'acme' } }),
    });
    await writeFeed(log, [
      revisionOf('a', 1, { severity: 'medium', tenant: 'acme' }),
      revisionOf('b', 1, { severity: 'critical', tenant: 'other' }),
      revisionOf('c', 1, { severity: 'high', tenant: 'acme' }),
    ]);
    await start();
    await until(() => receiver.received.length === 1);
    assert.deepEqual(receiver.uids(), ['c:1']);
  });

  it('is signed with both secrets while one is being rotated', async (t) => {
    const { receiver, log, subscriptions, start } = await bench(t);
    await writeFeed(log, alerts('a'));
    await start();
    await until(() => receiver.received.length === 1);
    for (const secrets of [[SECRET, OTHER_SECRET], [OTHER_SECRET]]) {
      subscriptions.set(entryFor(receiver.url, { subscription: { secrets } }));
      await writeFeed(log, alerts(`after-${secrets.length}`));
      const sent = receiver.received.length + 1;
      await until(() => receiver.received.length === sent);
    }
    const signed = receiver.received.map((one) => [signedWith(SECRET, one), signedWith(OTHER_SECRET, one)]);
    assert.deepEqual(signed, [
      [true, false],
      [true, true],
      [false, true],
    ]);
  });
});

describe('a receiver that does not take a message', () => {
  const replies: [string, Reply][] = [
    ...[301, 302, 307, 308].map((status): [string, Reply] => [
      `redirects with ${status}`,
      { status, headers: { location: '/elsewhere' } },
    ]),
    ...[400, 401, 403, 404, 408, 413, 422, 425, 429, 500, 502, 503, 504].map((status): [string, Reply] => [
      `answers ${status}`,
      { status, body: 'no\u0000\u001b[31m' },
    ]),
    ['hangs', 'hang'],
    ['resets the connection', 'reset'],
    ['resets it within the body of an error', 'reset_in_body'],
    ['never ends its error', 'endless_body'],
    ['does not speak HTTP', 'no_http'],
  ];
  for (const [what, reply] of replies) {
    it(`and ${what} is tried again with the same id and body`, async (t) => {
      const { receiver, log, start, clock } = await bench(t, {
        reply: ({ attempt }) => (attempt < 3 ? reply : { status: 200 }),
      });
      await writeFeed(log, alerts('a', 'b'));
      const timeout_ms = reply === 'hang' ? 40 : 5_000;
      const webhooks = await start({ post: (request) => post({ ...request, timeout_ms }) });
      await until(() => receiver.received.length === 6);
      assert.deepEqual(receiver.uids(), ['a:1', 'a:1', 'a:1', 'b:1', 'b:1', 'b:1']);
      assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 2);
      assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 2);
      assert.ok(receiver.received.every((one) => signedWith(SECRET, one) && one.path === '/hook'));
      assert.ok(clock.slept.length >= 4);
      await until(async () => (await webhooks.status())[0]?.state === 'idle');
      assert.deepEqual(await deadLetters(log), []);
    });
  }

  it('is told what went wrong in the status, bounded and without control characters', async (t) => {
    const { log, start } = await bench(t, { reply: () => ({ status: 503, body: `\u001b[31m${'x'.repeat(9_000)}` }) });
    await writeFeed(log, alerts('a'));
    const clock = { ...hastyClock(), sleep: (_ms: number, signal?: AbortSignal) => forever(signal) };
    const webhooks = await start({ clock });
    await until(async () => (await webhooks.status())[0]?.state === 'waiting');
    const [status] = await webhooks.status();
    assert.equal(status?.attempts, 1);
    assert.equal(status?.behind, 1);
    assert.equal(status?.next_attempt_ms, clock.now() + LIMITS.webhook_retry_ms / 2);
    assert.match(status?.last_error ?? '', /^HTTP 503 \[31mx+$/);
    assert.ok((status?.last_error ?? '').length <= LIMITS.webhook_error_chars_max);
  });

  it('is left alone for as long as it asks', async (t) => {
    const { receiver, log, start, clock } = await bench(t, {
      reply: ({ attempt }) => (attempt === 1 ? { status: 429, headers: { 'retry-after': '1200' } } : { status: 200 }),
    });
    await writeFeed(log, alerts('a'));
    await start();
    await until(() => receiver.received.length === 2);
    assert.deepEqual(clock.slept, [1_200_000]);
  });

  it('is tried at once when a person asks, or when its subscription was changed', async (t) => {
    const { receiver, log, subscriptions, start } = await bench(t, { reply: () => ({ status: 500 }) });
    await writeFeed(log, alerts('a'));
    const clock = { ...hastyClock(), sleep: (_ms: number, signal?: AbortSignal) => forever(signal) };
    const webhooks = await start({ clock });
    const waiting = async () => (await webhooks.status())[0]?.state === 'waiting';
    await until(waiting);
    assert.equal(webhooks.retryNow('siem'), true);
    assert.equal(webhooks.retryNow('nobody'), false);
    await until(() => receiver.received.length === 2);
    await until(waiting);
    receiver.reply = () => ({ status: 200 });
    subscriptions.set(entryFor(receiver.url, { subscription: { secrets: [OTHER_SECRET] } }));
    await until(() => receiver.received.length === 3);
    assert.deepEqual(
      receiver.received.map((one) => signedWith(OTHER_SECRET, one)),
      [false, false, true],
    );
  });

  it('is disabled when it answers 410, and goes on where it was when it is set active again', async (t) => {
    const { receiver, log, subscriptions, start } = await bench(t, {
      reply: ({ attempt }) => ({ status: attempt === 1 ? 410 : 200 }),
    });
    await writeFeed(log, alerts('a', 'b'));
    const webhooks = await start();
    await until(async () => (await webhooks.status())[0]?.state === 'disabled');
    await writeFeed(log, alerts('c'));
    assert.equal(subscriptions.current()[0]?.status.reason, 'gone');
    assert.deepEqual(receiver.uids(), ['a:1']);
    receiver.reply = () => ({ status: 200 });
    subscriptions.set(entryFor(receiver.url, { status: { reason: 'operator' } }));
    await until(() => receiver.received.length === 4);
    assert.deepEqual(receiver.uids(), ['a:1', 'a:1', 'b:1', 'c:1']);
  });
});

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
    const clock = { ...hastyClock(), sleep: (_ms: number, signal?: AbortSignal) => forever(signal) };
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
    const clock = { ...hastyClock(), sleep: (_ms: number, signal?: AbortSignal) => forever(signal) };
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
    const clock = { ...hastyClock(), sleep: (_ms: number, signal?: AbortSignal) => forever(signal) };
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

function forever(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
