import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { z } from 'zod';
import type { SubscriptionList } from '../../schemas/api/access.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { LogUnavailable } from '../../services/platform/event-log.ts';
import { entryFor, openReceiver, type Receiver, signedWith, until } from '../deliver/receiver.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, startService } from './support/service.ts';

type Listed = z.infer<typeof SubscriptionList>['items'][number];

/** A receiver's answer that makes the next attempt wait for longer than any test runs. */
const LATER = { status: 503, headers: { 'retry-after': '3600' }, body: 'in maintenance' };
const TAKEN = { status: 204 };
const NO_MESSAGE = `msg_${'0'.repeat(32)}`;

const uid = (letter: string): string => letter.repeat(32);

describe('webhooks and how they fare', { concurrency: 1 }, () => {
  let service: Service;
  let receiver: Receiver;
  let secret = '';
  before(async () => {
    receiver = await openReceiver();
    service = await startService();
    const payload = { url: receiver.url };
    const set = await service.as('admin', { method: 'PUT', url: '/v1/subscriptions/soc', payload });
    assert.equal(set.statusCode, 200, set.payload);
    secret = set.json<{ new_secret: string }>().new_secret;
  });
  after(async () => {
    await service.close();
    await receiver.close();
  });

  const fares = async (): Promise<Listed['delivery'] | undefined> => (await listOf(service))[0]?.delivery;
  const idOf = (letter: string): string => {
    const found = receiver.received.find(({ body }) => body.includes(`"${uid(letter)}:`));
    assert.ok(found !== undefined, `${letter} was not received`);
    return found.id;
  };
  const ask = async (path: string, payload?: object) => {
    const url = `/v1/subscriptions/${path}`;
    const { statusCode, body } = await service.as('admin', {
      method: 'POST',
      url,
      ...(payload !== undefined && { payload }),
    });
    const { error, ...answer } = JSON.parse(body) as { error?: { code: string; field?: string } };
    return { status: statusCode, code: error?.code, field: error?.field, answer };
  };

  test('one that nothing was sent to is idle', async () => {
    await until(async () => (await fares())?.state === 'idle');
    assert.deepEqual(await fares(), { state: 'idle', attempts: 0, behind: 0 });
  });

  test('one that waits says since how many attempts, until when and why, and a retry ends the wait', async () => {
    receiver.reply = () => LATER;
    await service.raise(plainAlert({ uid: uid('a') }));
    await until(async () => (await fares())?.state === 'waiting');
    const waiting = await fares();
    assert.deepEqual([waiting?.attempts, waiting?.behind, waiting?.last_error], [1, 1, 'HTTP 503 in maintenance']);
    assert.ok(Number(waiting?.next_attempt) > service.ports.clock.now());
    assert.equal(waiting?.last_delivered, undefined);

    receiver.reply = () => TAKEN;
    assert.deepEqual((await ask('soc/retry')).answer, { subscription: 'soc', state: 'woken' });
    await until(async () => (await fares())?.state === 'idle');
    const { last_delivered, ...idle } = (await fares()) ?? {};
    assert.deepEqual(idle, { state: 'idle', attempts: 0, behind: 0 });
    assert.ok(Number(last_delivered) > 0);
    assert.deepEqual(
      receiver.received.map(({ id, attempt }) => [id, attempt]),
      [1, 2].map((attempt) => [idOf('a'), attempt]),
    );
  });

  test('a message that was given up is redelivered under its webhook-id once the receiver has recovered', async () => {
    const refused = `"${uid('b')}:`;
    receiver.reply = ({ body }) => (body.includes(refused) ? { status: 422 } : TAKEN);
    await service.raise(plainAlert({ uid: uid('b') }), plainAlert({ uid: uid('c') }));
    await until(async () => (await fares())?.behind === 0 && (await fares())?.state === 'idle');
    const before = receiver.received.length;
    assert.equal(receiver.received.filter(({ id }) => id === idOf('b')).length, LIMITS.webhook_probe_attempts);
    assert.equal((await service.log.counters()).get('webhook_given_up'), 1);

    receiver.reply = () => LATER;
    const range = { first: idOf('b'), last: idOf('b') };
    const begun = await ask('soc/redeliver', range);
    assert.deepEqual([begun.status, begun.answer], [200, { subscription: 'soc', state: 'redelivering' }]);
    await until(async () => (await fares())?.redelivery?.state === 'waiting');
    const live = await fares();
    assert.deepEqual([live?.redelivery?.attempts, live?.redelivery?.last_error], [1, 'HTTP 503 in maintenance']);
    assert.deepEqual([live?.state, live?.attempts], ['idle', 0], 'new alerts are not held up');
    const second = await ask('soc/redeliver', range);
    assert.deepEqual([second.status, second.code], [409, 'redelivery_active']);

    receiver.reply = () => TAKEN;
    assert.equal((await ask('soc/retry')).status, 200);
    await until(async () => (await fares())?.redelivery === undefined);
    const again = receiver.received.slice(before);
    assert.deepEqual(
      again.map(({ id }) => id),
      [idOf('b'), idOf('b')],
    );
    for (const one of again) assert.ok(signedWith(secret, one));
    assert.match(await service.telemetry.registry.metrics(), /webhook_requests_total\{action="redeliver"\} 1/);
  });

  test('a range is sent in the order of the feed, whichever end is named first', async () => {
    const before = receiver.received.length;
    assert.equal((await ask('soc/redeliver', { first: idOf('c'), last: idOf('a') })).status, 200);
    await until(async () => (await fares())?.redelivery === undefined);
    assert.deepEqual(
      receiver.received.slice(before).map(({ id }) => id),
      ['a', 'b', 'c'].map(idOf),
    );
  });

  test("the name of the webhook in the configuration is nobody else's", async () => {
    const payload = { url: receiver.url };
    const set = await service.as('admin', { method: 'PUT', url: '/v1/subscriptions/configured', payload });
    assert.equal(set.statusCode, 400, set.payload);
    assert.match(set.payload, /choose another/);
  });

  test('what is not there is refused, each with its code', async () => {
    const range = { first: idOf('a'), last: idOf('a') };
    const refused = async (path: string, payload?: object) => {
      const { status, code, field } = await ask(path, payload);
      return [status, code, field];
    };
    assert.deepEqual(await refused('nobody/redeliver', range), [404, 'subscription_unknown', undefined]);
    assert.deepEqual(await refused('nobody/retry'), [404, 'subscription_unknown', undefined]);
    const unknown = { ...range, last: NO_MESSAGE };
    assert.deepEqual(await refused('soc/redeliver', unknown), [404, 'webhook_id_unknown', undefined]);
    const misspelt = { ...range, first: 'a:1' };
    assert.deepEqual(await refused('soc/redeliver', misspelt), [400, 'request_invalid', 'body.first']);
    assert.deepEqual(await refused('soc/redeliver', { first: range.first }), [400, 'request_invalid', 'body.last']);
  });
});

test('a subscription that only the configuration knows is listed without its secret, and redelivered to', async (t) => {
  const receiver = await openReceiver();
  const configured = entryFor(receiver.url, { subscription: { id: 'configured' } });
  const service = await startService({ configured });
  t.after(async () => {
    await service.close();
    await receiver.close();
  });
  await service.raise(plainAlert({ uid: uid('a') }));
  await until(() => receiver.received.length === 1);
  await until(async () => (await listOf(service))[0]?.delivery.state === 'idle');
  const [listed, ...others] = await listOf(service);
  assert.deepEqual([listed?.subscription.id, listed?.subscription.secret_count, others], ['configured', 1, []]);
  assert.ok(!JSON.stringify(listed).includes('whsec_'));
  const id = receiver.received[0]?.id;
  const url = '/v1/subscriptions/configured/redeliver';
  const begun = await service.as('admin', { method: 'POST', url, payload: { first: id, last: id } });
  assert.equal(begun.statusCode, 200, begun.payload);
  await until(() => receiver.received.length === 2);
  assert.equal(receiver.received[1]?.id, id);
});

test('while the log does not answer, nothing is said of how webhooks fare', async (t) => {
  const down = async (): Promise<never> => {
    throw new LogUnavailable('disk_full', 'no space on /data');
  };
  const service = await startService({
    change: (ports) => ({ ...ports, webhooks: { ...ports.webhooks, status: down, redeliver: down } }),
  });
  t.after(() => service.close());
  const range = { first: NO_MESSAGE, last: NO_MESSAGE };
  const answers = [
    await service.as('admin', '/v1/subscriptions'),
    await service.as('admin', { method: 'POST', url: '/v1/subscriptions/soc/redeliver', payload: range }),
  ];
  for (const { statusCode, payload } of answers) {
    assert.equal(statusCode, 503);
    assert.match(payload, /"log_unavailable"/);
  }
});

async function listOf(service: Service): Promise<Listed[]> {
  const response = await service.as('admin', '/v1/subscriptions');
  assert.equal(response.statusCode, 200, response.payload);
  return response.json<{ items: Listed[] }>().items;
}
