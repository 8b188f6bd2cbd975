import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newPulse } from '../../detectors/silence/source.ts';
import type { Alert } from '../../schemas/alert.ts';
import type { NamedPulse } from '../../schemas/pulse.ts';
import { aliasRecord } from '../../services/ingest/record.ts';
import { StoreUnavailable } from '../../services/platform/store.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { eventOf, ndjson, type Service, startService } from './support/service.ts';

const uid = (n: number): string => n.toString(16).padStart(32, '0');

/** Nine alerts on three identities, one update each apart; the odd ones are high, the others low. */
const ALERTS = Array.from({ length: 9 }, (_, n) =>
  plainAlert({
    uid: uid(n),
    severity: n % 2 === 1 ? 'high' : 'low',
    updated: plainAlert().updated + n,
    identity: { id: `agent/${n % 3} ü?`, kind: 'agent' },
  }),
);

const SILENT: NamedPulse = {
  of: 'source',
  name: 'gateway',
  recorded: false,
  pulse: { ...newPulse(), sum: 8, since: 490_000, hour: 490_003 },
};

type Page<T> = { readonly items: readonly T[]; readonly next_cursor?: string };

describe('reading', { concurrency: 1 }, () => {
  let service: Service;
  let away = false;
  let lost = false;

  before(async () => {
    service = await startService({
      change: (ports) => ({
        ...ports,
        store: {
          ...ports.store,
          async listAlerts(filter, page) {
            if (away) throw new StoreUnavailable('ClickHouse at 10.0.0.7 refused the connection');
            return ports.store.listAlerts(filter, page);
          },
        },
        detect: {
          ...ports.detect,
          async status() {
            const partitions = await ports.detect.status();
            return lost ? partitions.map((one) => ({ ...one, pulses: [SILENT] })) : partitions;
          },
        },
        readiness: async () => ({ ready: !away, reasons: away ? [{ code: 'store_away', message: 'it is away' }] : [] }),
      }),
    });
    await service.raise(...ALERTS);
    const events = Array.from({ length: 7 }, (_, n) =>
      eventOf(`e${n}`, { identity: { id: `agent/${n % 3} ü?`, kind: 'agent' }, session: 's-8841' }),
    );
    const sent = await service.as('ingest', {
      method: 'POST',
      url: '/v1/events',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: ndjson(...events),
    });
    assert.equal(sent.json<{ accepted: number }>().accepted, 7, sent.payload);
    await service.drain();
  });
  after(() => service.close());

  const read = async <T>(url: string): Promise<T> => {
    const response = await service.as('viewer', url);
    assert.equal(response.statusCode, 200, response.payload);
    return response.json<T>();
  };

  const pages = async <T>(url: string): Promise<T[]> => {
    const all: T[] = [];
    let cursor: string | undefined;
    do {
      const next: Page<T> = await read(`${url}${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      all.push(...next.items);
      cursor = next.next_cursor;
    } while (cursor !== undefined);
    return all;
  };

  const refusal = async (url: string): Promise<[number, string, string | undefined]> => {
    const response = await service.as('viewer', url);
    const { error } = response.json<{ error: { code: string; field?: string } }>();
    return [response.statusCode, error.code, error.field];
  };

  for (const limit of [1, 2, 4, 9, 100]) {
    test(`pages of ${limit} hold every alert once, in order, either way round`, async () => {
      const newest = await pages<Alert>(`/v1/alerts?limit=${limit}`);
      assert.deepEqual(newest, ALERTS.toReversed());
      const oldest = await pages<Alert>(`/v1/alerts?limit=${limit}&order=oldest_first`);
      assert.deepEqual(oldest, ALERTS);
    });
  }

  test('filters go together', async () => {
    const uids = async (query: string) => (await pages<Alert>(`/v1/alerts?limit=2&${query}`)).map((one) => one.uid);
    assert.deepEqual(await uids('severity=high'), [7, 5, 3, 1].map(uid));
    assert.deepEqual((await uids('severity=high,low')).length, 9);
    assert.deepEqual(await uids(`identity=${encodeURIComponent('agent/1 ü?')}`), [7, 4, 1].map(uid));
    assert.deepEqual(await uids(`since=${plainAlert().updated + 6}&severity=low`), [8, 6].map(uid));
    assert.deepEqual(await uids(`until=${plainAlert().updated + 1}`), [1, 0].map(uid));
    assert.deepEqual(await uids('status=closed'), []);
    assert.deepEqual(await uids('tenant=other'), []);
  });

  test('OCSF is the same alerts in the other form', async () => {
    const found = await pages<{ finding_info: { uid: string } }>('/v1/alerts?limit=4&format=ocsf');
    assert.deepEqual(
      found.map(({ finding_info }) => finding_info.uid),
      ALERTS.map((alert) => alert.uid).toReversed(),
    );
    const one = await read<{ finding_info: { uid: string } }>(`/v1/alerts/${uid(3)}?format=ocsf`);
    assert.equal(one.finding_info.uid, uid(3));
  });

  test('one alert has what it rests on, what is proposed, and what was judged', async () => {
    const judged = await service.as('analyst', {
      method: 'POST',
      url: `/v1/alerts/${uid(2)}/verdict`,
      payload: { verdict: 'false_positive', comment: 'a planned migration' },
    });
    assert.equal(judged.statusCode, 200, judged.payload);
    const page = await read<{
      alert: Alert;
      containments: { state: string; cancellation?: { reason: string } }[];
      verdicts: { verdict: string; author: string; comment: string }[];
      executor: { state: string };
      explanation: { since: string; nearest: string };
    }>(`/v1/alerts/${uid(2)}`);
    assert.deepEqual(page.alert, ALERTS[2]);
    assert.match(page.explanation.since, /^Since 2026-03-02 09:14 UTC, 1 finding\./);
    assert.equal(page.explanation.nearest, 'No session before has anything in common with it.');
    assert.deepEqual(
      page.containments.map(({ state, cancellation }) => [state, cancellation?.reason]),
      [['cancelled', 'alert_false_positive']],
    );
    assert.deepEqual(
      page.verdicts.map(({ verdict, author, comment }) => [verdict, author, comment]),
      [['false_positive', 'local/analyst', 'a planned migration']],
    );
    assert.equal(page.executor.state, 'configured');
  });

  test('what is not there is 404 with a code of its own', async () => {
    assert.deepEqual(await refusal('/v1/alerts/none'), [404, 'alert_unknown', undefined]);
    assert.deepEqual(await refusal(`/v1/alerts/${uid(1)}?tenant=other`), [404, 'alert_unknown', undefined]);
    assert.deepEqual(await refusal(`/v1/alerts/${uid(1)}?revision=9`), [404, 'alert_unknown', undefined]);
    assert.deepEqual(await refusal('/v1/identities/none'), [404, 'identity_unknown', undefined]);
    assert.deepEqual(await refusal(`/v1/containments/${uid(1)}`), [404, 'unknown_containment', undefined]);
    const verdict = { method: 'POST', url: '/v1/alerts/none/verdict', payload: { verdict: 'true_positive' } } as const;
    assert.equal((await service.as('analyst', verdict)).statusCode, 404);
  });

  test('a cursor of one list is none of another, and a damaged one is refused', async () => {
    const { next_cursor = '' } = await read<Page<Alert>>('/v1/alerts?limit=1');
    const refused = [400, 'cursor_malformed', 'query.cursor'];
    assert.deepEqual(await refusal(`/v1/alerts?order=oldest_first&cursor=${next_cursor}`), refused);
    assert.deepEqual(await refusal(`/v1/identities?cursor=${next_cursor}`), refused);
    assert.deepEqual(await refusal(`/v1/containments?cursor=${next_cursor}`), refused);
    for (const cursor of ['x', '%00', 'null', 'e30', `${next_cursor}=`, next_cursor.slice(1), 'A'.repeat(2048)]) {
      assert.deepEqual(await refusal(`/v1/alerts?cursor=${cursor}`), refused, cursor);
    }
  });

  test('an identity has its doings, its baseline, its alerts and its containments on one page', async () => {
    const names = (await pages<{ identity: string }>('/v1/identities?limit=1')).map(({ identity }) => identity);
    assert.deepEqual(names, ['agent/0 ü?', 'agent/1 ü?', 'agent/2 ü?']);
    const page = await read<{
      summary: { events: number; tools: { name: string; count: number }[] };
      baseline: { maturity: string };
      open_alerts: Alert[];
      containments: { terms: { identity: { id: string } } }[];
    }>(`/v1/identities/${encodeURIComponent('agent/0 ü?')}`);
    assert.equal(page.summary.events, 3);
    assert.deepEqual(page.summary.tools, [{ name: 'search', count: 3 }]);
    assert.equal(page.baseline.maturity, 'learning');
    assert.deepEqual(
      page.open_alerts.map((alert) => alert.uid),
      [6, 3, 0].map(uid),
    );
    assert.equal(page.containments.length, 3);
  });

  test('every identity says how far it is covered, in the list and on its page', async () => {
    type Covered = { readonly coverage: readonly { readonly status: string; readonly detail: string }[] };
    const listed = await pages<Covered>('/v1/identities?limit=2');
    const page = await read<Covered>(`/v1/identities/${encodeURIComponent('agent/0 ü?')}`);
    assert.deepEqual(page.coverage, listed[0]?.coverage);
    for (const { coverage } of listed) {
      assert.deepEqual(
        coverage.map(({ status }) => status),
        ['learning', 'unknown_sizes'],
      );
      assert.equal(coverage[1]?.detail, '100 % of its events tell no size');
    }
  });

  test('an identity shows which events turned out to be its own, and those of nobody whose they are', async () => {
    const alias = {
      tenant: 'default',
      identity: 'unresolved:till',
      resolved: 'agent/2 ü?',
      trace_id: 't-1',
      events: [uid(7)],
      count: 3,
    };
    await service.log.transact({ records: [aliasRecord(alias, undefined)] });
    await service.drain();
    type Aliases = { readonly aliases: (Omit<typeof alias, 'tenant'> & { readonly time: number })[] };
    const { tenant: _, ...expected } = alias;
    const { aliases } = await read<Aliases>(`/v1/identities/${encodeURIComponent('agent/2 ü?')}`);
    assert.deepEqual(
      aliases.map(({ time, ...rest }) => {
        assert.ok(time > 0);
        return rest;
      }),
      [expected],
    );
    const other = await read<Aliases>(`/v1/identities/${encodeURIComponent('agent/1 ü?')}`);
    assert.deepEqual(other.aliases, []);
  });

  test('events of an identity come newest first, page by page, with scores by detector', async () => {
    const url = `/v1/identities/${encodeURIComponent('agent/0 ü?')}/events`;
    const all = await pages<{ event: { id: string; time: number }; bits: number; detectors: Record<string, number> }>(
      `${url}?limit=1`,
    );
    assert.deepEqual(all.map(({ event }) => event.id).toSorted(), ['e0', 'e3', 'e6']);
    assert.deepEqual(
      all.map(({ event }) => event.time),
      all.map(({ event }) => event.time).toSorted((a, b) => b - a),
    );
    for (const { bits, detectors } of all) {
      const parts = Object.values(detectors);
      assert.ok(bits >= 0 && parts.every((part) => part > 0), JSON.stringify(detectors));
      assert.equal(bits > 0, parts.length > 0, 'who is surprised is named, and nobody else');
    }
    assert.equal((await pages(`${url}?limit=2&session=s-8841`)).length, 3);
    assert.equal((await pages(`${url}?limit=2&session=none`)).length, 0);
    assert.equal((await pages(`${url}?limit=2&to=1`)).length, 0);
  });

  test('a store that is away is 503 without a word of where it is, and readiness tells strangers only that', async () => {
    away = true;
    try {
      const response = await service.as('viewer', '/v1/alerts');
      assert.deepEqual([response.statusCode, response.headers['retry-after']], [503, '5']);
      assert.ok(!response.payload.includes('10.0.0.7'));
      const ready = await service.app.inject('/health/ready');
      assert.deepEqual([ready.statusCode, ready.payload], [503, '{"status":"not_ready"}']);
      const status = await read<{ ready: boolean; reasons: unknown[] }>('/v1/status');
      assert.deepEqual([status.ready, status.reasons], [false, [{ code: 'store_away', message: 'it is away' }]]);
    } finally {
      away = false;
    }
    assert.equal((await service.app.inject('/health/ready')).statusCode, 200);
  });

  test('status warns of lost coverage, and is ready all the same', async () => {
    type Status = { readonly ready: boolean; readonly warnings: readonly { readonly code: string }[] };
    assert.deepEqual((await read<Status>('/v1/status')).warnings, []);
    lost = true;
    const { ready, warnings } = await read<Status>('/v1/status');
    lost = false;
    assert.deepEqual([ready, warnings.map(({ code }) => code)], [true, ['source_silent']]);
  });

  test('metrics are Prometheus text, with latencies by route and never by what was asked for', async () => {
    await service.as('viewer', '/v1/alerts/a-very-special-uid');
    const metrics = await service.as('viewer', '/metrics');
    assert.match(metrics.headers['content-type']?.toString() ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(
      metrics.payload,
      /countersign_http_request_seconds_count\{method="GET",route="\/v1\/alerts\/:uid",status="4xx"\}/,
    );
    assert.ok(!metrics.payload.includes('a-very-special-uid'));
  });
});
