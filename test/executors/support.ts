import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import type { ExecutorConfig } from '../../schemas/executor-config.ts';
import type { ExecutionRequest, Executor } from '../../services/contain/executor.ts';
import { openExecutor } from '../../services/contain/executors/index.ts';
import type { ExecutorSeams, ExecutorSecrets } from '../../services/contain/executors/kit.ts';
import { systemClock } from '../../services/platform/clock.ts';

const servers: Server[] = [];

after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** The base URL of a server on loopback that ends with the tests of its file. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

export function open(settings: ExecutorConfig, secrets: ExecutorSecrets, seams: Partial<ExecutorSeams> = {}): Executor {
  const opened = openExecutor(settings, secrets, { clock: systemClock, ...seams });
  return opened.kind === 'ready' ? opened.executor : assert.fail(`${opened.problem.field}: ${opened.problem.message}`);
}

export const requestFor = (over: Partial<ExecutionRequest> = {}): ExecutionRequest => ({
  containment: 'c'.repeat(32),
  digest: 'd'.repeat(64),
  idempotency_key: 'ctn_1',
  tenant: 'default',
  identity: 'agent-7',
  action: 'revoke_credential',
  direction: 'contain',
  target: 'cred-1',
  parameters: {},
  reason: 'one credential in two places',
  alert_uid: 'a'.repeat(32),
  approved_by: [{ by: { issuer: 'local', subject: 'ben' }, time: 1 }],
  started: systemClock.now(),
  deadline: systemClock.now() + 60_000,
  ...over,
});

export const patient = (): AbortSignal => new AbortController().signal;
