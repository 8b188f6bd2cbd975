import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { ExecutionRequest, Executor } from '../../services/contain/executor.ts';
import { createWebhookExecutor } from '../../services/contain/executors/webhook.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { encodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';

const secret = encodeWebhookSecret(randomBytes(32));
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/gateway`;
}

function executorFor(url: string, over: object = {}): Executor {
  const made = createWebhookExecutor({ url, secret, clock: systemClock, ...over });
  return made.kind === 'ready' ? made.executor : assert.fail(made.problem.message);
}

const request = (over: Partial<ExecutionRequest> = {}): ExecutionRequest => ({
  containment: 'c'.repeat(32),
  digest: 'd'.repeat(64),
  idempotency_key: 'ctn_1',
  tenant: 'default',
  identity: 'agent-7',
  action: 'restrict_tool',
  direction: 'contain',
  target: 'mail.send',
  parameters: {},
  reason: 'it carried the data out',
  alert_uid: 'a'.repeat(32),
  approved_by: [{ by: { issuer: 'local', subject: 'ben' }, time: 1 }],
  started: systemClock.now(),
  deadline: systemClock.now() + 60_000,
  ...over,
});
const patient = () => new AbortController().signal;

test('sends what was countersigned, signed, and the same bytes in every attempt', async () => {
  const got: { headers: IncomingHttpHeaders; body: string; method: string | undefined }[] = [];
  const url = await listen((incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      got.push({ headers: incoming.headers, body: Buffer.concat(parts).toString(), method: incoming.method });
      response.writeHead(202).end();
    });
  });
  const executor = executorFor(url);
  const asked = request();
  assert.deepEqual(await executor.execute(asked, 1, patient()), { kind: 'done', detail: 'HTTP 202' });
  assert.equal((await executor.execute(asked, 2, patient())).kind, 'done');
  const [first, second] = got;
  assert.equal(first?.method, 'POST');
  assert.equal(first?.headers['webhook-id'], 'ctn_1');
  assert.equal(first?.headers['content-type'], 'application/json');
  assert.equal(first?.body, second?.body);
  const message = new Webhook(secret).verify(first?.body ?? '', first?.headers as Record<string, string>);
  assert.deepEqual(message, {
    type: 'containment.execute',
    timestamp: new Date(asked.started).toISOString(),
    data: {
      containment: asked.containment,
      digest: asked.digest,
      idempotency_key: 'ctn_1',
      tenant: 'default',
      identity: 'agent-7',
      action: 'restrict_tool',
      direction: 'contain',
      target: 'mail.send',
      parameters: {},
      reason: 'it carried the data out',
      alert_uid: asked.alert_uid,
      approved_by: asked.approved_by,
      deadline: new Date(asked.deadline).toISOString(),
    },
  });
  assert.ok(executor.dryRun(asked).startsWith('POST http://127.0.0.1'));
  assert.ok(!executor.dryRun(asked).includes(secret.slice(6, 20)));
  assert.equal(got.length, 2, 'a dry run sends nothing');
});

describe('what an answer means', () => {
  const cases: [number, string][] = [
    [200, 'done'],
    [204, 'done'],
    [302, 'failed'],
    [400, 'failed'],
    [401, 'failed'],
    [410, 'failed'],
    [408, 'unclear'],
    [429, 'unclear'],
    [500, 'unclear'],
    [503, 'unclear'],
  ];
  for (const [status, kind] of cases) {
    test(`${status} is ${kind}`, async () => {
      let calls = 0;
      const url = await listen((_, response) => {
        calls += 1;
        response.writeHead(status, { location: '/elsewhere' }).end(status === 204 ? undefined : 'why\u0000\u001b[31m');
      });
      const result = await executorFor(url).execute(request(), 1, patient());
      assert.equal(result.kind, kind);
      assert.match(result.detail, /^HTTP \d{3}[^\u0000-\u001f]*$/);
      assert.equal(calls, 1, 'no redirect is followed and nothing is repeated here');
    });
  }

  test('a refusal of a repeat is unclear: the first order may have been taken', async () => {
    const url = await listen((_, response) => void response.writeHead(401).end());
    assert.equal((await executorFor(url).execute(request(), 2, patient())).kind, 'unclear');
  });

  test('a reset connection is unclear', async () => {
    const url = await listen((incoming) => incoming.socket.destroy());
    const result = await executorFor(url).execute(request(), 1, patient());
    assert.equal(result.kind, 'unclear');
  });

  test('nobody there is unclear', async () => {
    const url = await listen(() => {});
    servers.splice(0).forEach((server) => void server.close());
    assert.deepEqual(await executorFor(url).execute(request(), 1, patient()), {
      kind: 'unclear',
      detail: 'no answer: ECONNREFUSED',
      nothing_sent: true,
    });
  });

  test('silence until the signal aborts is unclear', async () => {
    const stop = new AbortController();
    const url = await listen(() => stop.abort());
    assert.equal((await executorFor(url).execute(request(), 1, stop.signal)).kind, 'unclear');
  });

  test('success that goes on for ever is success; an endless refusal is cut', async () => {
    const endless =
      (status: number): RequestListener =>
      (_, response) => {
        response.writeHead(status);
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(1 << 16, 'x')));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      };
    const url = await listen(endless(200));
    assert.equal((await executorFor(url).execute(request(), 1, patient())).kind, 'done');
    const refusing = await executorFor(await listen(endless(403))).execute(request(), 1, patient());
    assert.equal(refusing.kind, 'failed');
    assert.ok(refusing.detail.length < 1024);
  });
});

test('nothing is sent after the deadline', async () => {
  const url = await listen(() => assert.fail('nothing may arrive'));
  const late = request({ deadline: systemClock.now() });
  assert.equal((await executorFor(url).execute(late, 1, patient())).kind, 'failed');
  assert.equal((await executorFor(url).execute(late, 2, patient())).kind, 'unclear');
});

test('an executor whose receiver does not recognise repeats is not repeatable', () => {
  const { idempotent, canProbe } = executorFor('https://gateway.example/', { deduplicates: false });
  assert.deepEqual([idempotent, canProbe], [false, false]);
});

describe('configuration', () => {
  const problem = (over: object) => {
    const made = createWebhookExecutor({ url: 'https://gateway.example/x', secret, clock: systemClock, ...over });
    return made.kind === 'refused' ? made.problem.field : made.kind;
  };
  const cases: [object, string][] = [
    [{}, 'ready'],
    [{ url: 'http://127.0.0.1:9/x' }, 'ready'],
    [{ url: 'http://localhost/x' }, 'ready'],
    [{ url: 'http://[::1]/x' }, 'ready'],
    [{ url: 'http://gateway.example/x' }, 'url'],
    [{ url: 'http://127.0.0.1.evil.example/x' }, 'url'],
    [{ url: 'http://gateway.example/x', plaintext: true }, 'ready'],
    [{ url: 'https://10.0.0.1/x' }, 'url'],
    [{ url: 'https://10.0.0.1/x', allow_private_networks: true }, 'ready'],
    [{ url: 'http://10.0.0.1/x', plaintext: true }, 'url'],
    [{ url: 'https://169.254.169.254/x', allow_private_networks: true }, 'url'],
    [{ allow_hosts: ['gateway.example'] }, 'ready'],
    [{ allow_hosts: ['*.gateway.example'] }, 'url'],
    [{ url: 'file:///etc/passwd' }, 'url'],
    [{ url: 'ftp://gateway.example/' }, 'url'],
    [{ url: 'gateway.example' }, 'url'],
    [{ url: '' }, 'url'],
    [{ url: 'https://user:word@gateway.example/' }, 'url'],
    [{ secret: 'whsec_short' }, 'secret'],
    [{ secret: '' }, 'secret'],
  ];
  for (const [over, field] of cases) {
    test(JSON.stringify(over), () => assert.equal(problem(over), field));
  }
});
