import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { Alert } from '../../schemas/alert.ts';
import { createClient } from '../../services/cli/client.ts';
import { matchStories, type Story } from '../../services/cli/demo/fleet.ts';
import { type Order, openGateway } from '../../services/cli/demo/gateway.ts';
import { keepPassword, makeHome } from '../../services/cli/demo/home.ts';
import { createWebhookExecutor } from '../../services/contain/executors/webhook.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { startService } from '../api/support/service.ts';
import { tempDir } from './support.ts';

const story = (name: string, event_ids: readonly string[], more: Partial<Story> = {}): Story => ({
  story: name,
  kind: 'attack',
  identity: 'a',
  event_ids,
  events: event_ids.length,
  first_time: 100,
  last_time: 200,
  description: name,
  ...more,
});
const alert = (uid: string, evidence: readonly string[], identity = 'a'): Alert =>
  ({
    uid,
    identity: { id: identity, kind: 'agent' },
    created: 150,
    findings: [],
    evidence: evidence.map((id) => ({ key: id, id, time: 150 })),
  }) as unknown as Alert;

describe('which story is behind which alert', () => {
  const uids = (told: ReturnType<typeof matchStories>): unknown =>
    told.stories.map((one) => [one.story.story, one.alerts.map(({ uid }) => uid)]);

  test('is said by evidence, not by the identity', () => {
    const told = matchStories(
      [story('sweep', ['e1', 'e2']), story('burst', ['e3'])],
      [alert('x', ['e1', 'o1', 'e2']), alert('y', ['o2']), alert('z', ['e3', 'e2', 'e1'])],
    );
    assert.deepEqual(uids(told), [
      ['sweep', ['x', 'z']],
      ['burst', []],
    ]);
    assert.deepEqual(
      told.strays.map(({ uid }) => uid),
      ['y'],
    );
  });

  test('a story without events is found while it lasts', () => {
    const silent = story('gone_silent', [], { identity: 'b' });
    const told = matchStories([silent], [alert('x', ['o1'], 'b'), alert('y', ['o2'], 'c')]);
    assert.deepEqual(uids(told), [['gone_silent', ['x']]]);
  });
});

describe('the stand-in for a tool gateway', () => {
  const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const request = (idempotency_key: string) => ({
    containment: 'c1',
    digest: 'd1',
    idempotency_key,
    tenant: 'default',
    identity: 'agent-1',
    action: 'restrict_tool' as const,
    direction: 'contain' as const,
    target: 'send_mail',
    parameters: {},
    reason: 'because',
    alert_uid: 'u1',
    approved_by: [{ by: { issuer: 'local', subject: 'maria' }, time: 1 }],
    started: systemClock.now(),
    deadline: systemClock.now() + 60_000,
  });

  test('does what is signed, once, and nothing that is not', async (t) => {
    const orders: Order[] = [];
    const gateway = await openGateway(SECRET, (order) => orders.push(order));
    t.after(() => gateway.close());
    const executor = (secret: string) => {
      const made = createWebhookExecutor({ url: gateway.url, secret, clock: systemClock });
      assert.ok(made.kind === 'ready');
      return made.executor;
    };
    const { signal } = new AbortController();
    assert.equal((await executor(SECRET).execute(request('k1'), 1, signal)).kind, 'done');
    assert.equal((await executor(SECRET).execute(request('k1'), 2, signal)).kind, 'done');
    const forged = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    assert.equal((await executor(forged).execute(request('k2'), 1, signal)).kind, 'failed');
    assert.deepEqual(orders, [
      { id: 'k1', action: 'restrict_tool', target: 'send_mail', identity: 'agent-1', approved_by: ['maria'] },
    ]);
  });
});

test('the administrator of the demo has a password that only its file tells, and each demo a new one', async (t) => {
  const service = await startService();
  t.after(() => service.close());
  const home = makeHome({ keep: path.join(await tempDir(t), 'kept') });
  const client = createClient({ url: service.url, key: service.tokens.admin });
  const signIn = async (password: string): Promise<number> => {
    const payload = { name: 'admin', password };
    return (await service.app.inject({ method: 'POST', url: '/auth/password', payload })).statusCode;
  };
  await keepPassword(home, client);
  const first = readFileSync(home.password_file, 'utf8').trimEnd();
  assert.equal(statSync(home.password_file).mode & 0o777, 0o600);
  assert.equal(await signIn(first), 200);
  await keepPassword(home, client);
  const second = readFileSync(home.password_file, 'utf8').trimEnd();
  assert.deepEqual([await signIn(first), await signIn(second)], [401, 200]);
});
