import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { DeliveryView } from '../../schemas/api/access.ts';
import { EXIT } from '../../services/cli/problem.ts';
import { openReceiver, SECRET, signedWith, until } from '../deliver/receiver.ts';
import { type Ended, FLEET, records, run, tempDir, up } from './support.ts';

type Listed = { readonly subscription: { readonly id: string }; readonly delivery: DeliveryView };

test('the webhook of the configuration waits for its receiver, is retried, and redelivered to', async (t) => {
  const directory = await tempDir(t);
  const data = path.join(directory, 'data');
  const recording = path.join(directory, 'fleet.ndjson');
  const receiver = await openReceiver(() => ({
    status: 503,
    headers: { 'retry-after': '3600' },
    body: 'closed\u0007',
  }));
  const service = await up(data, {
    COUNTERSIGN_DELIVER_WEBHOOK_URL: receiver.url,
    COUNTERSIGN_DELIVER_WEBHOOK_SECRET: SECRET,
  });
  t.after(async () => {
    await service.stop();
    await receiver.close();
  });
  const cs = (...args: string[]): Promise<Ended> => run(['subscriptions', ...args], { env: service.env });
  const ok = async (...args: string[]): Promise<Ended> => {
    const ended = await cs(...args);
    assert.equal(ended.code, EXIT.done, `${args.join(' ')}: ${ended.stderr}`);
    return ended;
  };
  const fares = async (): Promise<Listed[]> => records(await ok('list', '--json')) as Listed[];

  assert.equal((await run(['simulate', '--out', recording, ...FLEET])).code, EXIT.done);
  assert.equal((await run(['--data', data, 'replay', recording])).code, EXIT.done);
  await until(async () => (await fares())[0]?.delivery.state === 'waiting');
  const [waiting, ...others] = await fares();
  assert.deepEqual([waiting?.subscription.id, waiting?.delivery.attempts, others], ['configured', 1, []]);
  const listed = await ok('list');
  assert.match(listed.stdout, /configured +active +low +waiting +[1-9]\d* +1 +20\d\d-\S+ \S+ +- +http:/);
  assert.match(listed.stdout, /^configured: HTTP 503 closed/m);
  assert.ok(!listed.stdout.includes('\u0007'));

  receiver.reply = () => ({ status: 204 });
  await ok('retry', 'configured');
  await until(async () => (await fares())[0]?.delivery.behind === 0);
  const taken = receiver.received.slice(1).map(({ id }) => id);
  const [first = '', last = ''] = [taken[0], taken.at(-1)];
  await ok('redeliver', 'configured', '--first', first, '--last', last);
  await until(async () => (await fares())[0]?.delivery.redelivery === undefined);
  const again = receiver.received.slice(1 + taken.length);
  assert.deepEqual(
    again.map(({ id }) => id),
    taken,
  );
  for (const message of again) assert.ok(signedWith(SECRET, message));

  const unknown = await cs('redeliver', 'configured', '--first', first, '--last', `msg_${'0'.repeat(32)}`, '--json');
  assert.deepEqual([unknown.code, codeOf(unknown)], [EXIT.refused, 'webhook_id_unknown']);
  const nobody = await cs('retry', 'nobody', '--json');
  assert.deepEqual([nobody.code, codeOf(nobody)], [EXIT.refused, 'subscription_unknown']);
  assert.equal((await cs('redeliver', 'configured', '--first', first)).code, EXIT.usage);
});

function codeOf(ended: Ended): unknown {
  return (records(ended)[0]?.error as { code?: string } | undefined)?.code;
}
