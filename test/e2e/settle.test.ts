import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../services/platform/clock.ts';
import { request } from '../ingest/settle-runner-support.ts';
import { call, type ServiceProcess, startService, temporaryDirectory } from '../support/service-process.ts';

type Status = {
  readonly sums: {
    readonly held: number;
    readonly accepted: number;
    readonly absorbed: number;
    readonly balanced: boolean;
  };
};

/** What the collector sends while one process dies and the next one takes over. */
test('a tool span that came before a crash is of the agent whose root came after it', async () => {
  const directory = await temporaryDirectory();
  const data = join(directory.path, 'data');
  const environment = { COUNTERSIGN_INGEST_IDENTITY_BOUND_MS: '3600000' };
  let service: ServiceProcess | undefined;
  try {
    service = await startService(data, environment);
    const { ingest = '', admin = '' } = service.tokens;
    const send = async (span: Parameters<typeof request>[0]): Promise<void> => {
      const { status } = await call(service as ServiceProcess, ingest, '/v1/traces', {
        text: request(span),
        type: 'application/json',
      });
      assert.equal(status, 200);
    };
    const statusWhen = async (holds: (status: Status) => boolean): Promise<Status> => {
      for (let looks = 0; looks < 600; looks++) {
        const { body } = await call(service as ServiceProcess, admin, '/v1/status');
        if (holds(body)) return body;
        await systemClock.sleep(50);
      }
      return assert.fail('never');
    };
    await send({ trace: 1, span: 2, parent: 1, tool: 'look' });
    await send({ trace: 2, span: 2, parent: 1, tool: 'look' });
    await send({ trace: 1, span: 1, parent: 0 });
    const before = await statusWhen(({ sums }) => sums.held === 2);
    assert.deepEqual([before.sums.accepted, before.sums.absorbed, before.sums.balanced], [0, 1, true]);
    await service.kill('SIGKILL');
    service = await startService(data, environment);
    await send({ trace: 1, span: 0, agent: 'agent-1' });
    const after = await statusWhen(({ sums }) => sums.held === 1);
    assert.deepEqual([after.sums.accepted, after.sums.absorbed, after.sums.balanced], [1, 2, true]);
    const shown = await statusOf(service, admin, 'agent-1');
    assert.deepEqual(shown, [{ name: 'look', count: 1 }]);
    const metrics = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${admin}` } });
    const text = await metrics.text();
    assert.match(text, /^countersign_items_waiting 1$/m);
    assert.match(text, /^countersign_items_settled\{way="ancestor"\} 1$/m);
    assert.equal(await service.kill('SIGTERM'), 0);
  } finally {
    await service?.kill('SIGKILL');
    await directory.remove();
  }
});

async function statusOf(service: ServiceProcess, token: string, identity: string): Promise<unknown> {
  for (let looks = 0; looks < 600; looks++) {
    const { status, body } = await call(service, token, `/v1/identities/${identity}`);
    if (status === 200) return (body as { summary?: { tools: unknown } }).summary?.tools;
    await systemClock.sleep(50);
  }
  return assert.fail(`${identity} never had an event`);
}
