import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { z } from 'zod';
import type { AuditExportPage, AuditKeys, AuditPage } from '../../schemas/api/audit.ts';
import { verifyExport } from '../../services/control/audit-verify.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { exportOf, SECRET } from '../audit/support.ts';
import { type Service, type Subject, startService } from './support/service.ts';

describe('the audit log over HTTP', { concurrency: 1 }, () => {
  let service: Service;
  before(async () => {
    service = await startService();
    const payload = { url: 'https://example.com/', secrets: [SECRET] };
    const answer = await service.as('root', { method: 'PUT', url: '/v1/subscriptions/soc', payload });
    assert.equal(answer.statusCode, 200);
  });
  after(() => service.close());

  const list = async (query: string, subject: Subject = 'siem') =>
    (await service.as(subject, `/v1/audit${query}`)).json<z.infer<typeof AuditPage>>();
  const code = async (subject: Subject, url: string) => {
    const answer = await service.as(subject, url);
    return [answer.statusCode, answer.json<{ error?: { code: string } }>().error?.code];
  };

  test('is for administrators and the SIEM; the keys are for everybody', async () => {
    for (const subject of ['viewer', 'analyst', 'approver', 'ingest'] as const) {
      assert.deepEqual(await code(subject, '/v1/audit'), [403, 'role_missing'], subject);
      assert.deepEqual(await code(subject, '/v1/audit/export'), [403, 'role_missing'], subject);
    }
    for (const subject of ['admin', 'siem', 'viewer', 'analyst', 'approver', 'ingest'] as const) {
      assert.deepEqual(await code(subject, '/v1/audit/key'), [200, undefined], subject);
    }
  });

  test('pages through everything once, in order, and goes on where it ended', async () => {
    const whole = await list('?limit=500');
    assert.equal(whole.more, false);
    assert.deepEqual(
      whole.items.map(({ n }) => n),
      whole.items.map((_, index) => index + 1),
    );
    const parts = [];
    let cursor = '';
    for (let more = true; more; ) {
      const page: z.infer<typeof AuditPage> = await list(`?limit=3${cursor}`);
      parts.push(...page.items);
      cursor = `&cursor=${page.next_cursor}`;
      more = page.more;
    }
    assert.deepEqual(parts, whole.items);
    const before = parts.length;
    await service.as('root', { method: 'DELETE', url: `/v1/keys/${'0'.repeat(16)}` });
    const { items } = await list(`?limit=3${cursor}`);
    assert.deepEqual([items.length > 0, items[0]?.n], [true, before + 1]);
  });

  test('filters, and tells no secret', async () => {
    const { items } = await list('?kind=subscription_set&by=root');
    assert.equal(items.length, 1);
    assert.deepEqual((items[0]?.record.subscription as { secrets: unknown } | undefined)?.secrets, '[withheld]');
    assert.deepEqual((await list('?kind=subscription_set&by=siem')).items, []);
    const { when = 0 } = items[0] ?? {};
    assert.deepEqual((await list(`?until=${when}&kind=subscription_set`)).items, []);
    assert.equal((await list(`?since=${when}&kind=subscription_set`)).items.length, 1);
    assert.deepEqual((await list(`?containment=${'0'.repeat(32)}`)).items, []);
    const everything = JSON.stringify((await list('?limit=500')).items);
    assert.ok(!everything.includes(SECRET));
    for (const { key } of service.ports.control.state.keys.values()) assert.ok(!everything.includes(key.hash));
    assert.deepEqual(await code('siem', '/v1/audit?kind=nothing'), [400, 'request_invalid']);
  });

  test('is exported as it stands, from any record on, and verifies', async () => {
    const lines = await exportOf(service.log);
    const read = async (from: number): Promise<string[]> => {
      const items: string[] = [];
      let cursor = '';
      for (let more = true; more; ) {
        const url = `/v1/audit/export?from=${from}${cursor}`;
        const page = (await service.as('admin', url)).json<z.infer<typeof AuditExportPage>>();
        items.push(...page.items);
        cursor = `&cursor=${page.next_cursor}`;
        more = page.more;
      }
      return items;
    };
    const whole = (await read(1)).map((line) => Buffer.from(line));
    assert.deepEqual(whole, lines);
    assert.deepEqual(
      (await read(4)).map((line) => Buffer.from(line)),
      lines.slice(3),
    );
    assert.ok(!Buffer.concat(whole).includes(SECRET));
    const report = await verifyExport({ lines: whole, from: 1, checkpoints: [], keys: [] });
    assert.deepEqual([report.problems, report.last], [[], lines.length]);
    const keys = (await service.as('viewer', '/v1/audit/key')).json<z.infer<typeof AuditKeys>>();
    assert.deepEqual(keys.head, { n: report.last, hash: report.hash });
    assert.equal(keys.log, (await service.log.describe(TOPICS.control)).generation);
  });

  test('cursors of other lists and other logs are refused', async () => {
    const { next_cursor } = await list('?limit=1');
    assert.deepEqual(await code('admin', `/v1/audit/export?cursor=${next_cursor}`), [400, 'cursor_malformed']);
    const place = ['audit', { log: 'another', offset: 0 }];
    const other = Buffer.from(JSON.stringify(place)).toString('base64url');
    assert.deepEqual(await code('admin', `/v1/audit?cursor=${other}`), [410, 'cursor_generation']);
  });
});
