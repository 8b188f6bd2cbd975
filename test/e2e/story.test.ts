import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { writeSimulation } from '../../services/simulate/write.ts';
import { call, startService, temporaryDirectory } from '../support/service-process.ts';

/**
 * The main job from end to end with real parts: a fleet with one hijacked agent is replayed beside the running service,
 * the alert reaches the SIEM by webhook and by pull, its containment waits, a human countersigns what was shown, the tool
 * gateway is asked once and by signature, and nothing else is executed.
 */
const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url));
const run = promisify(execFile);

type Received = { headers: IncomingHttpHeaders; body: string };
type Item<T> = { items: T[] };
type Alert = { uid: string; identity: { id: string }; status: string };
type Containment = { id: string; digest: string; state: string; terms: { alert: { uid: string } } };

test('from a hijacked agent to a countersigned containment', async () => {
  const directory = await temporaryDirectory();
  const gateway = await receiver();
  const siem = await receiver();
  const secrets = { gateway: secret(), siem: secret() };
  await writeFile(join(directory.path, 'gateway.secret'), secrets.gateway, { mode: 0o600 });
  await writeFile(join(directory.path, 'siem.secret'), secrets.siem, { mode: 0o600 });
  const data = join(directory.path, 'data');
  try {
    const labels = await simulate(join(directory.path, 'fleet.ndjson'));
    const service = await startService(data, {
      COUNTERSIGN_CONTAIN_EXECUTOR_URL: gateway.url,
      COUNTERSIGN_CONTAIN_EXECUTOR_SECRET_FILE: join(directory.path, 'gateway.secret'),
      COUNTERSIGN_DELIVER_WEBHOOK_URL: siem.url,
      COUNTERSIGN_DELIVER_WEBHOOK_SECRET_FILE: join(directory.path, 'siem.secret'),
    });
    const { admin = '', siem: siemKey = '' } = service.tokens;
    await run(process.execPath, [MAIN, '--data', data, '--json', 'replay', join(directory.path, 'fleet.ndjson')]);

    const hijacked = labels[0];
    assert.ok(hijacked !== undefined, 'the fleet has a hijacked agent');
    const alerts = await get<Item<Alert>>(service, admin, `/v1/alerts?identity=${hijacked}`);
    const alert = alerts.items[0];
    assert.ok(alert !== undefined, 'the hijack raised an alert');

    await settle(async () => {
      const pulled = await get<Item<{ finding_info: { uid: string } }>>(service, siemKey, '/v1/siem/alerts?limit=500');
      return pulled.items.some((item) => item.finding_info.uid === alert.uid);
    }, 'the SIEM pulls the alert');
    await settle(
      async () => siem.received.some(({ body }) => body.includes(alert.uid)),
      'the SIEM gets the alert pushed',
    );
    for (const { headers, body } of siem.received) {
      new Webhook(secrets.siem).verify(body, headers as Record<string, string>);
    }

    const waiting = await get<Item<Containment>>(service, admin, '/v1/containments?state=pending&limit=500');
    const proposal = waiting.items.find((containment) => containment.terms.alert.uid === alert.uid);
    assert.ok(proposal !== undefined, 'a containment waits for approval');
    assert.equal(gateway.received.length, 0, 'nothing is executed before it is countersigned');

    const password = 'four grey whales sing';
    const link = await call(service, admin, '/v1/principals/local/admin/link', { json: {} });
    const token = String((link.body as { path: string }).path).split('#')[1];
    assert.equal((await call(service, admin, '/auth/link', { json: { token, password } })).status, 200);
    const bare = await call(service, admin, `/v1/containments/${proposal.id}/approve`, {
      json: { digest: proposal.digest },
    });
    assert.equal(bare.status, 403, 'a key alone gives no vote');
    const fresh = { containment: proposal.id, digest: proposal.digest, password };
    assert.equal((await call(service, admin, '/v1/step-up', { json: fresh })).status, 200);

    const other = await call(service, admin, `/v1/containments/${proposal.id}/approve`, {
      json: { digest: '0'.repeat(64) },
    });
    assert.equal(other.status, 409, 'an approval of something else counts for nothing');
    const approved = await call(service, admin, `/v1/containments/${proposal.id}/approve`, {
      json: { digest: proposal.digest, comment: 'seen' },
    });
    assert.equal(approved.status, 200, JSON.stringify(approved.body));
    await settle(async () => {
      const now = await get<{ containment: Containment }>(service, admin, `/v1/containments/${proposal.id}`);
      return now.containment.state === 'succeeded';
    }, 'the containment is executed');

    assert.equal(gateway.received.length, 1, 'the gateway is asked once, and about nothing else');
    const [order] = gateway.received;
    new Webhook(secrets.gateway).verify(order?.body ?? '', order?.headers as Record<string, string>);
    assert.match(order?.body ?? '', new RegExp(proposal.id));
    assert.equal(await service.kill('SIGTERM'), 0);
  } finally {
    await Promise.all([gateway.close(), siem.close()]);
    await directory.remove();
  }
});

/** A small fleet with one hijacked agent; resolves with the identities that the labels name. */
async function simulate(file: string): Promise<string[]> {
  const request = {
    seed: 11,
    identities: 24,
    days: 16,
    start_ms: Date.UTC(2026, 2, 9),
    stories: ['prompt_injection_hijack:1'],
  };
  const written = await writeSimulation(request, file);
  assert.ok(written.ok, JSON.stringify(written));
  return written.value.stories.map((story) => story.identity);
}

async function receiver(): Promise<{ url: string; received: Received[]; close(): Promise<void> }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const secret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

async function get<T>(service: { url: string }, token: string, path: string): Promise<T> {
  const { status, body } = await call(service, token, path);
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
  return body;
}

/** Waits for what must come; a test that hangs here says what for. */
async function settle(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 600, `${what}: did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
