import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { ROUTES } from '../../services/api/routes/index.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { HOSTILE } from '../support/store-fixtures.ts';
import { eventOf, ndjson, type Service, type Subject, startService } from './support/service.ts';

const TEXTS = [
  ...HOSTILE,
  '__proto__',
  'constructor',
  '../../../etc/passwd',
  '..%2f..%2f',
  'a\r\nset-cookie: x=1',
  '\ud800',
  '<script>alert(1)</script>',
  "' OR 1=1 --",
  'x'.repeat(10_000),
];

describe('hostile input', { concurrency: 1 }, () => {
  let service: Service;
  before(async () => {
    service = await startService();
    await service.raise(plainAlert());
  });
  after(() => service.close());

  /** Every answer is a documented one, none is a failure of ours, none repeats a header that was sent. */
  const survives = async (subject: Subject, request: InjectOptions | string): Promise<number> => {
    const response = await service.as(subject, request);
    assert.ok(
      response.statusCode < 500,
      `${JSON.stringify(request).slice(0, 200)} ${response.statusCode} ${response.payload}`,
    );
    assert.equal(response.headers['set-cookie'], undefined);
    assert.match(response.headers['request-id']?.toString() ?? '', /^[0-9a-f]{16}$/);
    return response.statusCode;
  };

  const bearer = () => ({ authorization: `Bearer ${service.tokens.root}` });

  const refusal = async (url: string): Promise<[number, string]> => {
    await survives('root', url);
    const response = await service.as('root', url);
    return [response.statusCode, response.json<{ error: { code: string } }>().error.code];
  };

  test('no text in a path or a query does anything but find nothing', async () => {
    for (const text of TEXTS) {
      const escaped = encodeURIComponent(text.toWellFormed());
      for (const url of [
        `/v1/alerts/${escaped}`,
        `/v1/alerts?identity=${escaped}`,
        `/v1/alerts?tenant=${escaped}`,
        `/v1/alerts?cursor=${escaped}`,
        `/v1/alerts?limit=${escaped}`,
        `/v1/alerts?since=${escaped}`,
        `/v1/alerts?${escaped}=1`,
        `/v1/identities/${escaped}`,
        `/v1/identities/${escaped}/events?session=${escaped}`,
        `/v1/containments/${escaped}`,
        `/v1/containments?state=${escaped}`,
      ]) {
        const status = await survives('root', url);
        assert.notEqual(status, 401);
      }
    }
    const all = await service.as('root', '/v1/alerts');
    assert.equal(all.json<{ items: unknown[] }>().items.length, 1, 'the tables are still there');
  });

  test('broken escapes, long URLs and methods nobody knows have an answer', async () => {
    for (const url of ['/v1/alerts/%', '/v1/alerts/%zz', '/v1/alerts/%c3%28']) {
      assert.deepEqual(await refusal(url), [400, 'url_malformed'], url);
    }
    assert.deepEqual(await refusal(`/v1/alerts/${'a'.repeat(20_000)}`), [414, 'url_too_long']);
    for (const method of ['PATCH', 'OPTIONS', 'HEAD', 'DELETE'] as const) {
      assert.equal(await survives('root', { method, url: '/v1/alerts' }), 404);
    }
    // Every method that Node's parser knows; Fastify has rules of its own for some of them.
    for (const method of METHODS) {
      const response = await service.app.inject({ method: method as 'GET', url: '/v1/alerts', headers: bearer() });
      assert.ok(response.statusCode < 500, `${method} ${response.payload}`);
    }
  });

  test('a parameter that a route does not know is refused, on every route', async () => {
    for (const { method, url, access } of ROUTES) {
      if (method !== 'GET' || access === 'open') continue;
      const asked = `${url.replaceAll(/:\w+/g, '0'.repeat(32))}?sevrity=high`;
      const response = await service.as(url.includes('siem') ? 'siem' : 'root', asked);
      const { error } = response.json<{ error: { code: string; field: string } }>();
      assert.deepEqual([response.statusCode, error.code, error.field], [400, 'request_invalid', 'query'], asked);
    }
  });

  test('bodies of every wrong shape are refused with the field that is wrong', async () => {
    const url = '/v1/keys';
    const json = { 'content-type': 'application/json' };
    const keys = service.ports.control.state.keys.size;
    for (const payload of [
      'null',
      '[]',
      '"text"',
      '1',
      'true',
      '',
      '{',
      '{"principal":{"subject":"viewer"},"roles":["viewer"],"roles":"admin"}',
      '{"principal":{"subject":"viewer"},"roles":["root"]}',
      '{"principal":{"subject":"viewer","human":true},"roles":["viewer"]}',
      '{"principal":{"subject":"viewer"},"roles":[]}',
      '{"principal":{"subject":"vi\\u0000ewer"},"roles":["viewer"]}',
      '{"principal":{"subject":"viewer"},"roles":["viewer"],"expires_in_ms":-1}',
      '{"principal":{"subject":"viewer"},"roles":["viewer"],"expires_in_ms":1e999}',
      '{"principal":{"subject":"viewer"},"roles":["viewer"],"hash":"x"}',
      '{"__proto__":{"roles":["admin"]},"principal":{"subject":"viewer"},"roles":["viewer"]}',
      '{"constructor":{"prototype":{"roles":["admin"]}},"principal":{"subject":"viewer"},"roles":["viewer"]}',
      `${'['.repeat(100_000)}`,
      `{"principal":{"subject":"${'v'.repeat(1_000_000)}"},"roles":["viewer"]}`,
    ]) {
      const response = await service.as('admin', { method: 'POST', url, headers: json, payload });
      assert.equal(response.statusCode, 400, `${payload.slice(0, 80)} ${response.payload}`);
      const { error } = response.json<{ error: { code: string } }>();
      assert.ok(['request_invalid', 'body_malformed', 'body_empty'].includes(error.code), error.code);
    }
    assert.equal(service.ports.control.state.keys.size, keys);
    assert.equal(({} as { roles?: unknown }).roles, undefined);
  });

  test('any JSON as a verdict or a vote is refused or taken, never a failure', async () => {
    const containment = [...service.ports.control.state.containments.values()][0];
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (payload) => {
        const text = { headers: { 'content-type': 'application/json' }, payload: JSON.stringify(payload) };
        await survives('approver', { method: 'POST', url: `/v1/containments/${containment?.id}/approve`, ...text });
        await survives('analyst', { method: 'POST', url: '/v1/alerts/none/verdict', ...text });
      }),
      { numRuns: 60 },
    );
    assert.equal(service.ports.control.state.containments.get(containment?.id ?? '')?.state, 'pending');
  });

  test('any bytes as events are answered, and what is received is what is accounted for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        const response = await service.as('ingest', {
          method: 'POST',
          url: '/v1/events',
          headers: { 'content-type': 'application/x-ndjson' },
          payload: Buffer.from(bytes),
        });
        assert.equal(response.statusCode, 200, response.payload);
        const { received, accepted, dead_lettered, absorbed } = response.json<Record<string, number>>();
        assert.equal(received, (accepted ?? 0) + (dead_lettered ?? 0) + (absorbed ?? 0));
      }),
      { numRuns: 100 },
    );
  });

  test('hostile names of an agent come back as they were and break nothing on their way', async () => {
    const named = HOSTILE.filter((text) => text.length <= 200);
    const events = named.map((text, n) =>
      eventOf(`h${n}`, { identity: { id: 'hostile' }, tool: { name: text }, outcome: { reason: text } }),
    );
    const polluted = `{"id":"p","time":${service.ports.clock.now()},"identity":{"id":"hostile"},"__proto__":{"polluted":1}}\n`;
    const sent = await service.as('ingest', {
      method: 'POST',
      url: '/v1/events',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: ndjson(...events) + polluted,
    });
    assert.equal(sent.statusCode, 200);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    await service.drain();
    const page = await service.as('viewer', '/v1/identities/hostile/events?limit=100');
    assert.equal(page.statusCode, 200, page.payload);
    assert.ok(page.json<{ items: unknown[] }>().items.length >= named.length);
    assert.equal((await service.as('viewer', '/v1/identities/hostile')).statusCode, 200);
    const metrics = await service.as('viewer', '/metrics');
    for (const text of named)
      assert.ok(text.length < 4 || !metrics.payload.includes(text), 'a metric repeats an agent');
  });

  test('the log takes no identity that HTTP could not name', async () => {
    const sent = await service.as('ingest', {
      method: 'POST',
      url: '/v1/events',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: ndjson(
        eventOf('c', { identity: { id: 'a\r\nb' } }),
        eventOf('d', { identity: { id: 'x'.repeat(300) } }),
      ),
    });
    assert.equal(sent.json<{ dead_lettered: number }>().dead_lettered, 2);
    const { end } = await service.log.bounds(TOPICS.dead, 0);
    assert.ok(end > 0);
  });
});
