import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { LIMITS } from '../../schemas/limits.ts';
import { OcsfDetectionFinding } from '../../schemas/ocsf/detection-finding.ts';
import { webhookId } from '../../services/deliver/webhook-core.ts';
import { post } from '../../services/platform/http-post.ts';
import { alerts, bench, counter, deadLetters, stoppedClock } from './bench.ts';
import { entryFor, OTHER_SECRET, type Reply, SECRET, signedWith, until } from './receiver.ts';
import { revisionOf, writeFeed } from './support.ts';

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
    const clock = stoppedClock();
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
    const clock = stoppedClock();
    const webhooks = await start({ clock });
    const waiting = async () => (await webhooks.status())[0]?.state === 'waiting';
    await until(waiting);
    assert.equal(await webhooks.retryNow('siem'), true);
    assert.equal(await webhooks.retryNow('nobody'), false);
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
