import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Command } from '../../schemas/command.ts';
import { LogUnavailable } from '../../services/platform/event-log.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, startService } from './support/service.ts';

describe('commands that nobody decides', { concurrency: 1 }, () => {
  let service: Service;
  let log: 'takes' | 'refuses' = 'takes';
  const asked: Command[] = [];
  before(async () => {
    service = await startService({
      change: (ports) => ({
        ...ports,
        ingest: { ...ports.ingest, mappings: [] },
        commands: {
          async ask(command) {
            if (log === 'refuses') throw new LogUnavailable('disk_full', 'no space on /data');
            asked.push(command);
            return { kind: 'unanswered', command: command.id };
          },
        },
      }),
    });
    await service.raise(plainAlert());
  });
  after(() => service.close());

  const approve = async (headers: Record<string, string> = {}) => {
    const [containment] = [...service.ports.control.state.containments.values()];
    const url = `/v1/containments/${containment?.id}/approve`;
    const response = await service.as('approver', {
      method: 'POST',
      url,
      headers,
      payload: { digest: containment?.digest },
    });
    return { response, error: response.json<{ error: { code: string; remedy: string } }>().error };
  };

  test('are no success, and say how to go on', async () => {
    const once = await approve();
    assert.deepEqual([once.response.statusCode, once.error.code], [503, 'command_undecided']);
    const repeatable = await approve({ 'idempotency-key': 'mine' });
    assert.match(repeatable.error.remedy, /same idempotency-key/);
  });

  test('have the same id when they are the same, and another when they are not', async () => {
    asked.length = 0;
    await approve({ 'idempotency-key': 'one' });
    await approve({ 'idempotency-key': 'one' });
    await approve({ 'idempotency-key': 'two' });
    await approve();
    await approve();
    const [first, second, ...others] = asked.map(({ id }) => id);
    assert.equal(first, second);
    assert.equal(new Set([first, ...others]).size, 4);
  });

  test('come from who holds the key, whatever the request says', async () => {
    asked.length = 0;
    await approve({ 'x-forwarded-user': 'root', 'x-forwarded-for': '10.0.0.1' });
    assert.deepEqual(asked[0]?.by, { issuer: 'local', subject: 'approver' });
    assert.equal(service.ports.control.state.keys.get(asked[0]?.credential ?? '')?.key.principal.subject, 'approver');
  });

  test('that the log does not take are 503 and not acknowledged', async () => {
    log = 'refuses';
    const { response, error } = await approve();
    assert.deepEqual([response.statusCode, error.code, response.headers['retry-after']], [503, 'log_unavailable', '5']);
    assert.ok(!response.payload.includes('/data'));
  });

  test('mapped events without a mapping are refused', async () => {
    const response = await service.as('ingest', {
      method: 'POST',
      url: '/v1/events?format=mapped',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: '{}',
    });
    assert.deepEqual(
      [response.statusCode, response.json<{ error: { code: string } }>().error.code],
      [400, 'mapping_missing'],
    );
  });
});
