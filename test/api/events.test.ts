import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { SubmitAnswer } from '../../schemas/api/events.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { eventOf, ndjson, type Service, startService } from './support/service.ts';

type Sent = { readonly type?: string; readonly query?: string; readonly headers?: Record<string, string> };

describe('submitting events', { concurrency: 1 }, () => {
  let service: Service;
  let broken: 'no' | 'before' | 'after' = 'no';
  let held: Promise<void> | undefined;

  before(async () => {
    service = await startService({
      change: (ports) => ({
        ...ports,
        ingest: {
          ...ports.ingest,
          async submit(items, options) {
            if (held !== undefined) await held;
            if (broken === 'before') throw new LogUnavailable('disk_full', '/secret/path is full');
            const submitted = await ports.ingest.submit(items, options);
            if (broken === 'after') throw new LogUnavailable('io', 'the answer was lost');
            return submitted;
          },
        },
      }),
    });
  });
  after(() => service.close());

  const send = (
    payload: InjectOptions['payload'],
    { type = 'application/x-ndjson', query = '', headers = {} }: Sent = {},
  ) =>
    service.as('ingest', {
      method: 'POST',
      url: `/v1/events${query}`,
      headers: { 'content-type': type, ...headers },
      ...(payload !== undefined && { payload }),
    });

  const taken = async (answer: Promise<LightMyRequestResponse>): Promise<SubmitAnswer> => {
    const response = await answer;
    assert.equal(response.statusCode, 200, response.payload);
    return response.json<SubmitAnswer>();
  };

  const appended = async (): Promise<number> => {
    const bounds = await Promise.all([0, 1].map((partition) => service.log.bounds(TOPICS.events, partition)));
    return bounds.reduce((sum, { end }) => sum + end, 0);
  };

  const refused = async (answer: Promise<LightMyRequestResponse>): Promise<[number, string]> => {
    const before = await appended();
    const response = await answer;
    assert.equal(await appended(), before, 'a refused batch left something behind');
    return [response.statusCode, response.json<{ error: { code: string } }>().error.code];
  };

  test('takes NDJSON, a list, and one object, and says what became of each', async () => {
    const lines = await taken(send(ndjson(eventOf('l1'), { no: 'event' }, eventOf('l2')), { query: '?results=all' }));
    assert.deepEqual(
      { ...lines, results: lines.results.map(({ status }) => status) },
      {
        received: 3,
        accepted: 2,
        dead_lettered: 1,
        absorbed: 0,
        held: 0,
        results: ['accepted', 'dead_lettered', 'accepted'],
        results_omitted: 0,
      },
    );
    assert.deepEqual(
      lines.results.map(({ position }) => position.split(':')[1]),
      ['1', '2', '3'],
    );
    const json = { type: 'application/json' };
    const list = await taken(send(JSON.stringify([eventOf('a1'), eventOf('a2')], null, 2), json));
    assert.deepEqual([list.accepted, list.received], [2, 2]);
    const one = await taken(send(JSON.stringify(eventOf('o1'), null, 2), json));
    assert.deepEqual([one.accepted, one.received], [1, 1]);
    assert.deepEqual((await taken(send('[]', json))).received, 0);
  });

  test('tells of all, of rejected or of no items, as asked, and counts what it leaves out', async () => {
    const body = ndjson(eventOf('t1'), { no: 'event' });
    assert.equal((await taken(send(body))).results.length, 1);
    assert.equal((await taken(send(body, { query: '?results=none' }))).results.length, 0);
    assert.equal((await taken(send(body, { query: '?results=all' }))).results.length, 2);
    const many = `${'x\n'.repeat(LIMITS.http_results_max + 7)}`;
    const told = await taken(send(many));
    assert.deepEqual([told.results.length, told.results_omitted], [LIMITS.http_results_max, 7]);
    assert.equal(told.dead_lettered, LIMITS.http_results_max + 7);
  });

  test('is durable before it answers', async () => {
    const before = await appended();
    await taken(send(ndjson(eventOf('d1'), eventOf('d2'))));
    assert.equal(await appended(), before + 2);
  });

  test('counts an event that is sent again once, whatever the batch and the packing', async () => {
    const identity = { id: 'repeated', kind: 'agent' };
    const events = ['r1', 'r2', 'r3'].map((id) => eventOf(id, { identity, time: service.ports.clock.now() }));
    const keys = async (body: InjectOptions['payload'], sent: Sent = {}) => {
      const { results } = await taken(send(body, { query: '?results=all', ...sent }));
      return results.map((result) => (result.status === 'accepted' ? result.key : result.status));
    };
    const first = await keys(ndjson(...events));
    assert.deepEqual(await keys(ndjson(...events)), first);
    assert.deepEqual(await keys(JSON.stringify(events), { type: 'application/json' }), first);
    const packed = { headers: { 'content-encoding': 'gzip' } };
    assert.deepEqual(await keys(gzipSync(ndjson(...events.slice(1))), packed), first.slice(1));
    await service.drain();
    const page = (await service.as('viewer', '/v1/identities/repeated/events')).json<{
      items: { event: { key: string } }[];
    }>();
    assert.deepEqual(page.items.map(({ event }) => event.key).toSorted(), first.toSorted());
  });

  test('unpacks gzip within the limit of a body, and refuses what is damaged as a whole', async () => {
    const packed = (body: Buffer) => send(body, { headers: { 'content-encoding': 'gzip' } });
    assert.equal((await taken(packed(gzipSync(ndjson(eventOf('g1')))))).accepted, 1);
    const whole = gzipSync(ndjson(...Array.from({ length: 200 }, (_, i) => eventOf(`g${i}`))));
    assert.deepEqual(await refused(packed(whole.subarray(0, whole.length - 9))), [400, 'body_compression_damaged']);
    assert.deepEqual(await refused(packed(Buffer.from('no gzip at all'))), [400, 'body_compression_damaged']);
    const bomb = gzipSync(Buffer.alloc(LIMITS.http_body_bytes_max + 1, 0x20));
    assert.ok(bomb.length < 20_000);
    assert.deepEqual(await refused(packed(bomb)), [413, 'body_too_large']);
    const brotli = send('x', { headers: { 'content-encoding': 'br' } });
    assert.deepEqual(await refused(brotli), [415, 'content_encoding_unsupported']);
  });

  test('dead-letters an item over its limit and takes the others of its batch', async () => {
    const large = eventOf('large', { purpose: 'x'.repeat(LIMITS.item_bytes_max) });
    const lines = await taken(send(ndjson(eventOf('s1'), large, eventOf('s2'))));
    assert.deepEqual([lines.accepted, lines.dead_lettered], [2, 1]);
    const [rejected] = lines.results;
    assert.ok(rejected?.status === 'dead_lettered' && rejected.reason === 'item_too_large');
    const alone = await taken(send(JSON.stringify(large), { type: 'application/json' }));
    assert.equal(alone.dead_lettered, 1);
  });

  test('refuses as a whole what is empty, too large, too many, or of another kind', async () => {
    assert.deepEqual(await refused(send('')), [400, 'body_empty']);
    assert.deepEqual(await refused(send(gzipSync(''), { headers: { 'content-encoding': 'gzip' } })), [
      400,
      'body_empty',
    ]);
    assert.deepEqual(await refused(send(Buffer.alloc(LIMITS.http_body_bytes_max + 1, 0x20))), [413, 'body_too_large']);
    const many = '{}\n'.repeat(LIMITS.http_batch_items_max + 1);
    assert.deepEqual(await refused(send(many)), [413, 'batch_too_large']);
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data', 'application/x-www-form-urlencoded']) {
      assert.deepEqual(await refused(send('{}', { type })), [415, 'content_type_unsupported']);
    }
    assert.deepEqual(await refused(send('{}', { query: '?format=cef' })), [400, 'request_invalid']);
    assert.deepEqual(await refused(send('{}', { query: '?mapping=other' })), [400, 'mapping_unknown']);
    assert.deepEqual(await refused(send('{}', { query: '?fromat=canonical' })), [400, 'request_invalid']);
  });

  test('takes what a configured mapping maps', async () => {
    const line = ndjson({ call_id: 'm1', ts: '2026-06-01T10:00:00Z', agent: 'mapped-agent', tool: 'grep' });
    for (const query of ['?mapping=plain-tool-log', '?format=mapped', '?format=auto']) {
      assert.equal((await taken(send(line, { query }))).accepted, 1, query);
    }
    assert.equal((await taken(send(line, { query: '?format=canonical' }))).dead_lettered, 1);
  });

  test('acknowledges nothing that the log did not take, and a repeat after an unclear answer counts once', async () => {
    const body = ndjson(eventOf('u1', { identity: { id: 'unclear' }, time: service.ports.clock.now() }));
    broken = 'before';
    const refusal = await send(body);
    assert.equal(refusal.statusCode, 503);
    assert.match(refusal.headers['retry-after']?.toString() ?? '', /^\d+$/);
    assert.equal(refusal.json<{ error: { code: string } }>().error.code, 'log_unavailable');
    assert.ok(!refusal.payload.includes('secret'), 'an answer tells a path');
    broken = 'after';
    assert.equal((await send(body)).statusCode, 503);
    broken = 'no';
    await taken(send(body));
    await service.drain();
    const page = await service.as('viewer', '/v1/identities/unclear/events');
    assert.equal(page.json<{ items: unknown[] }>().items.length, 1);
  });

  test('reads so many batches at a time and asks the next to come back', { timeout: 20_000 }, async () => {
    let release = (): void => undefined;
    held = new Promise((resolve) => {
      release = resolve;
    });
    const begun = Array.from({ length: LIMITS.http_ingest_requests_max }, (_, i) => send(ndjson(eventOf(`b${i}`))));
    let busy = await send(ndjson(eventOf('b')));
    while (busy.statusCode === 200) busy = await send(ndjson(eventOf('b')));
    assert.deepEqual([busy.statusCode, busy.json<{ error: { code: string } }>().error.code], [503, 'too_busy']);
    held = undefined;
    release();
    for (const answer of begun) assert.equal((await taken(answer)).accepted, 1);
    for (let i = 0; i <= LIMITS.http_ingest_requests_max; i++) await taken(send(ndjson(eventOf('b'))));
  });

  test('shows what it rejected, with its bytes, and what all of it sums up to', async () => {
    const original = '{"broken": \u00e4';
    await taken(send(original));
    const { letter } = await deadLetterOf(service, original);
    assert.equal(letter.reason, 'not_json');
    assert.equal(letter.origin, 'http');
    const status = (await service.as('viewer', '/v1/status')).json<{
      sums: { received: number; accepted: number; dead_lettered: number; absorbed: number; balanced: boolean };
      lag: number;
    }>();
    const { received, accepted, dead_lettered, absorbed, balanced } = status.sums;
    assert.ok(balanced && received === accepted + dead_lettered + absorbed && received > 0);
    await service.drain();
    assert.equal((await service.as('viewer', '/v1/status')).json<{ lag: number }>().lag, 0);
  });
});

/** The dead letter of these bytes, copied to the store as the service does. */
async function deadLetterOf(service: Service, original: string) {
  const { end } = await service.log.bounds(TOPICS.dead, 0);
  const { records } = await service.log.read(TOPICS.dead, 0, Math.max(0, end - 50), { records: 50, bytes: 1 << 20 });
  const rows = records.map(({ offset, value }) => ({
    letter: JSON.parse(value.toString('utf8')),
    topic: TOPICS.dead,
    partition: 0,
    offset,
  }));
  await service.store.writeDeadLetters(rows);
  const page = await service.as('analyst', '/v1/dead-letters?limit=100&reason=not_json');
  const { items, counts } = page.json<{
    items: { letter: { reason: string; origin: string; bytes: string } }[];
    counts: Record<string, number>;
  }>();
  assert.ok((counts.not_json ?? 0) > 0);
  const found = items.find(({ letter }) => Buffer.from(letter.bytes, 'base64').toString('utf8') === original);
  assert.ok(found !== undefined, 'the dead letter is not there');
  return found;
}
