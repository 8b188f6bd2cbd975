import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SourcesAnswer } from '../../schemas/api/sources.ts';
import { sourcesOf } from '../../services/api/sources.ts';
import { eventOf, ndjson, type Service, startService } from './support/service.ts';

describe('GET /v1/sources', { concurrency: 1 }, () => {
  let service: Service;
  before(async () => {
    service = await startService();
  });
  after(() => service.close());

  const read = async (query = ''): Promise<SourcesAnswer> => {
    const response = await service.as('viewer', `/v1/sources${query}`);
    assert.equal(response.statusCode, 200, response.payload);
    return response.json<SourcesAnswer>();
  };

  test('says nothing of nothing', async () => {
    const { sources, formats, origins, advice, origins_omitted, days } = await read();
    assert.deepEqual([sources, formats, origins, advice, origins_omitted, days], [[], [], [], [], false, 7]);
  });

  test('says what came, in which format, what became of it, and what it lacks', async () => {
    const full = { session: 's', credential: { id: 'k' }, resource: { id: 'r' }, volume: { bytes_out: 0 } };
    const events = [
      eventOf('a', { identity: { id: 'one', kind: 'agent', peer_group: 'mail' }, ...full }),
      eventOf('b', { identity: { id: 'two', kind: 'agent', peer_group: 'mail' }, ...full, session: undefined }),
      { jsonrpc: '2.0', method: 'ping', id: 1, session: 's' },
      { what: 'is this' },
    ];
    const sent = await service.as('ingest', {
      method: 'POST',
      url: '/v1/events',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: ndjson(...events),
    });
    assert.equal(sent.json<{ accepted: number }>().accepted, 2, sent.payload);
    await service.drain();
    const answer = await read('?days=30');
    const none = { accepted: 0, absorbed: 0, held: 0, dead_lettered: 0, dead_letter_reasons: {} };
    const unknown = { dead_lettered: 1, dead_letter_reasons: { format_unknown: 1 } };
    assert.deepEqual(answer.sources, [
      {
        source: 'http',
        kind: 'submitted',
        received: 4,
        ...none,
        accepted: 2,
        absorbed: 1,
        ...unknown,
        formats: { canonical: 2, mcp: 1, none: 1 },
      },
    ]);
    assert.deepEqual(answer.formats, [
      { format: 'canonical', received: 2, ...none, accepted: 2 },
      { format: 'mcp', received: 1, ...none, absorbed: 1 },
      { format: 'none', received: 1, ...none, ...unknown },
    ]);
    assert.equal(answer.resolved.own, 2);
    const [origin, ...others] = answer.origins;
    assert.deepEqual(others, []);
    assert.deepEqual([origin?.origin, origin?.events, origin?.identities], ['http', 2, 2]);
    assert.deepEqual(origin?.missing, {
      identity: 0,
      agent: 0,
      volume: 0,
      resource: 0,
      session: 1,
      credential: 0,
      peer_group: 0,
    });
    assert.deepEqual(
      answer.advice.map(({ missing, share }) => [missing, share]),
      [['session', 0.5]],
    );
  });

  test('is not for machines, and not for any span', async () => {
    assert.equal((await service.as('ingest', '/v1/sources')).statusCode, 403);
    assert.equal((await service.as('viewer', '/v1/sources?days=0')).statusCode, 400);
  });
});

describe('what the counters of the log say', () => {
  const answerOf = (counters: Record<string, number>): Promise<SourcesAnswer> =>
    sourcesOf(
      {
        clock: { now: () => 0 },
        log: { counters: async () => new Map(Object.entries(counters)) },
        store: { readOrigins: async () => ({ items: [], next: undefined }) },
      },
      7,
    );

  test('a topic may have dots and words of ours in its name', async () => {
    const { sources } = await answerOf({
      'ingest.source.a.dead.b.received': 3,
      'ingest.source.a.dead.b.dead_lettered': 1,
      'ingest.source.a.dead.b.dead.not_json': 1,
      'ingest.source.a.dead.b.format.mcp': 2,
      'ingest.source./replay.received': 5,
      'ingest.source.nonsense': 1,
    });
    assert.deepEqual(
      sources.map(({ source, kind, received, dead_letter_reasons, formats }) => [
        source,
        kind,
        received,
        dead_letter_reasons,
        formats,
      ]),
      [
        ['replay', 'replay', 5, {}, {}],
        ['a.dead.b', 'topic', 3, { not_json: 1 }, { mcp: 2 }],
      ],
    );
  });

  test('what was settled later is no longer among what was accepted at once', async () => {
    const { sources, resolved, waiting } = await answerOf({
      'ingest.accepted': 90,
      'ingest.held': 40,
      'ingest.settled': 30,
      'ingest.settled.ancestor': 28,
      'ingest.settled.unresolved': 2,
      'ingest.source.t.received': 100,
      'ingest.source.t.accepted': 90,
      'ingest.source.t.settled': 30,
      'ingest.source.t.held': 40,
    });
    assert.deepEqual(resolved, { own: 60, ancestor: 28, unresolved: 2 });
    assert.equal(waiting, 10);
    const [{ received, accepted, held } = { received: 0, accepted: 0, held: 0 }] = sources;
    assert.deepEqual([received, accepted, held], [100, 60, 40]);
  });
});
