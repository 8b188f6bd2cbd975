import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Alert } from '../../schemas/alert.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { listen } from '../../services/api/server.ts';
import type { Clock } from '../../services/platform/clock.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, startService } from './support/service.ts';

const TIMEOUT = { timeout: 30_000 } as const;

type Message = { readonly id?: string; readonly event?: string; readonly data?: string };

/** A client of one stream, over a real socket. */
class Client {
  readonly #request: ClientRequest;
  readonly messages: Message[] = [];
  readonly #changed = new Set<() => void>();
  response: IncomingMessage | undefined;
  ended = false;

  constructor(url: string, token: string, headers: Record<string, string> = {}) {
    this.#request = request(url, { headers: { authorization: `Bearer ${token}`, ...headers } });
    this.#request.on('error', () => this.#end());
    this.#request.on('response', (response) => {
      this.response = response;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        this.messages.push(...blocks.map(parseBlock));
        this.#tell();
      });
      response.on('error', () => this.#end());
      response.on('close', () => this.#end());
      this.#tell();
    });
    this.#request.end();
  }

  get alerts(): Alert[] {
    return this.messages.flatMap(({ event, data }) => (event === 'alert' ? [JSON.parse(data ?? '') as Alert] : []));
  }

  get lastId(): string {
    return this.messages.findLast(({ id }) => id !== undefined)?.id ?? '';
  }

  /** Resolves once it is so. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#changed.delete(look);
        resolve();
      };
      this.#changed.add(look);
      look();
    });
  }

  leave(): void {
    this.#request.destroy();
  }

  #tell(): void {
    for (const look of [...this.#changed]) look();
  }

  #end(): void {
    this.ended = true;
    this.#tell();
  }
}

function parseBlock(block: string): Message {
  const fields = block.split('\n').map((line): [string, string] => {
    const at = line.indexOf(': ');
    return [line.slice(0, at), line.slice(at + 2)];
  });
  return Object.fromEntries(fields.filter(([name]) => name !== ''));
}

describe('streams over sockets', { concurrency: 1 }, () => {
  let service: Service;
  let raised = 0;
  const clients: Client[] = [];
  /** Wakes the service's sleepers of this length at once, so that nobody waits for a heartbeat. */
  let hasty: number | undefined;
  let reads = 0;
  /** How far the service's clock is ahead. */
  let ahead_ms = 0;

  before(async () => {
    service = await startService({
      change: (ports) => ({
        ...ports,
        clock: testClock(ports.clock, { hasty: () => hasty, ahead_ms: () => ahead_ms }),
        feed: {
          ...ports.feed,
          read(request) {
            reads++;
            return ports.feed.read(request);
          },
        },
      }),
    });
  });
  after(() => service.close());
  afterEach(() => {
    hasty = undefined;
    for (const client of clients.splice(0)) client.leave();
  });

  const open = (query = '', headers: Record<string, string> = {}, subject: 'viewer' | 'analyst' = 'viewer'): Client => {
    const client = new Client(`${service.url}/v1/alerts/stream${query}`, service.tokens[subject], headers);
    clients.push(client);
    return client;
  };

  const next = (changes: Partial<Alert> = {}): Alert => {
    raised++;
    return plainAlert({ uid: raised.toString(16).padStart(32, '0'), ...changes });
  };

  test('sends what is raised while it is open, to every client, in order', TIMEOUT, async () => {
    const [one, other] = [open(), open()];
    await Promise.all([one, other].map((client) => client.until(() => client.messages.length > 0)));
    assert.match(one.response?.headers['content-type'] ?? '', /^text\/event-stream/);
    assert.equal(one.response?.headers['x-content-type-options'], 'nosniff');
    const alerts = [next(), next(), next()];
    for (const alert of alerts) await service.raise(alert);
    for (const client of [one, other]) {
      await client.until(() => client.alerts.length >= 3);
      assert.deepEqual(client.alerts, alerts);
    }
  });

  test('resumes where Last-Event-ID says, with nothing skipped and nothing twice', TIMEOUT, async () => {
    const seen: string[] = [];
    let id = '';
    const expected = [next(), next(), next(), next(), next()];
    const first = open();
    await first.until(() => first.messages.length > 0);
    id = first.lastId;
    for (const alert of expected) {
      const client = open('', { 'last-event-id': id });
      await client.until(() => client.messages.length > 0);
      await service.raise(alert);
      await client.until(() => client.alerts.length > 0);
      seen.push(...client.alerts.map(({ uid }) => uid));
      id = client.lastId;
      client.leave();
    }
    assert.deepEqual(
      seen,
      expected.map(({ uid }) => uid),
    );
  });

  test('from=start begins with the oldest, and every id goes on right after its event', TIMEOUT, async () => {
    await service.raise(next());
    const all = open('?from=start');
    await all.until(() => all.alerts.length === raised);
    const events = all.messages.filter(({ event }) => event === 'alert');
    for (const at of [0, 3, events.length - 2]) {
      const rest = open('', { 'last-event-id': events[at]?.id ?? '' });
      await rest.until(() => rest.alerts.length >= events.length - 1 - at);
      assert.deepEqual(rest.alerts, all.alerts.slice(at + 1));
    }
  });

  test('filters, and moves its id past what it leaves out', TIMEOUT, async () => {
    hasty = LIMITS.stream_heartbeat_ms;
    const client = open('?severity_min=critical&format=ocsf');
    await client.until(() => client.messages.length > 0);
    const before = client.lastId;
    await service.raise(next({ severity: 'low' }));
    await client.until(() => client.lastId !== before);
    hasty = undefined;
    assert.equal(client.messages.filter(({ event }) => event === 'alert').length, 0);
    const wanted = next({ severity: 'critical' });
    await service.raise(wanted);
    await client.until(() => client.alerts.length === 1);
    const [finding] = client.alerts as unknown as { class_uid: number; finding_info: { uid: string } }[];
    assert.deepEqual([finding?.class_uid, finding?.finding_info.uid], [2004, wanted.uid]);
  });

  test('refuses a cursor that is none before the stream begins', TIMEOUT, async () => {
    const client = open('', { 'last-event-id': 'nonsense' });
    await client.until(() => client.ended);
    assert.equal(client.response?.statusCode, 400);
  });

  test('gives out so many places, and a place again when a client has gone', TIMEOUT, async () => {
    const all = Array.from({ length: LIMITS.stream_clients_max }, () => open());
    await Promise.all(all.map((client) => client.until(() => client.messages.length > 0)));
    const late = open();
    await late.until(() => late.ended);
    assert.equal(late.response?.statusCode, 503);
    const poll = await service.app.inject({
      url: '/v1/siem/alerts',
      headers: { authorization: `Bearer ${service.tokens.siem}` },
    });
    assert.equal(poll.statusCode, 200, 'a pull that does not wait needs no place');
    for (const client of all) client.leave();
    await streams(service.url, service, (open) => open === 0);
    const again = open();
    await again.until(() => again.messages.length > 0);
  });

  const hourLater = async (): Promise<void> => {
    ahead_ms += UNITS.HOUR_MS;
  };

  for (const [what, end] of [
    ['is revoked', (id: string) => service.as('admin', { method: 'DELETE', url: `/v1/keys/${id}` })],
    ['expires', () => hourLater()],
  ] as const) {
    test(`ends when its key ${what}, and the key opens nothing any more`, TIMEOUT, async () => {
      const made = await service.as('admin', {
        method: 'POST',
        url: '/v1/keys',
        payload: { principal: { subject: 'viewer' }, roles: ['viewer'], expires_in_ms: UNITS.HOUR_MS },
      });
      const { token, key } = made.json<{ token: string; key: { id: string } }>();
      const client = new Client(`${service.url}/v1/alerts/stream`, token);
      await client.until(() => client.messages.length > 0);
      await end(key.id);
      await service.raise(next());
      await client.until(() => client.ended);
      assert.deepEqual(client.alerts, []);
      const late = new Client(`${service.url}/v1/alerts/stream`, token);
      await late.until(() => late.ended);
      assert.equal(late.response?.statusCode, 401);
    });
  }

  test('drops a client that takes nothing, and reads no further for it', TIMEOUT, async () => {
    const text = 'x'.repeat(60_000);
    const big = Array.from({ length: 200 }, () => next({ summary: text }));
    await service.raise(...big);
    hasty = LIMITS.stream_stall_ms;
    reads = 0;
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      'GET /v1/alerts/stream?from=start HTTP/1.1\r\nhost: x\r\n' +
        `authorization: Bearer ${service.tokens.viewer}\r\n\r\n`,
    );
    await once(socket, 'readable');
    // From here on it reads nothing; the service has 12 MB for it, and lets go.
    socket.pause();
    const dropped = async (): Promise<boolean> =>
      (await service.telemetry.registry.metrics()).includes('countersign_streams_dropped_total{reason="slow"} 1');
    while (!(await dropped())) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    assert.ok(reads < big.length / LIMITS.stream_page_items, `${reads} pages were read for it`);
  });

  test('a long poll is answered when something comes, and ends with its client', TIMEOUT, async () => {
    const pull = (query: string) => `${service.url}/v1/siem/alerts?${query}`;
    const headers = { authorization: `Bearer ${service.tokens.siem}` };
    const page = async (response: Response) =>
      (await response.json()) as { items: { finding_info: { uid: string } }[]; next_cursor: string; more: boolean };
    let cursor = '';
    for (let more = true; more; ) {
      const got = await page(await fetch(pull(`limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`), { headers }));
      [cursor, more] = [got.next_cursor, got.more];
    }
    const waiting = fetch(pull(`wait_s=60&cursor=${cursor}`), { headers });
    const alert = next();
    await service.raise(alert);
    const got = await page(await waiting);
    assert.deepEqual(
      got.items.map(({ finding_info }) => finding_info.uid),
      [alert.uid],
    );

    const leaving = new AbortController();
    const left = fetch(pull(`wait_s=60&cursor=${got.next_cursor}`), { headers, signal: leaving.signal });
    await streams(service.url, service, (open) => open === 1);
    leaving.abort();
    await assert.rejects(left);
    await streams(service.url, service, (open) => open === 0);
  });

  test('a long poll whose key is revoked meanwhile tells nothing', TIMEOUT, async () => {
    const made = await service.as('admin', {
      method: 'POST',
      url: '/v1/keys',
      payload: { principal: { subject: 'siem' }, roles: ['siem'] },
    });
    const { token, key } = made.json<{ token: string; key: { id: string } }>();
    const headers = { authorization: `Bearer ${token}` };
    const pull = (query: string) => fetch(`${service.url}/v1/siem/alerts?${query}`, { headers });
    let cursor = '';
    for (let more = true; more; ) {
      const got = await pull(`limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`);
      const page = (await got.json()) as { next_cursor: string; more: boolean };
      [cursor, more] = [page.next_cursor, page.more];
    }
    const waiting = pull(`wait_s=60&cursor=${cursor}`);
    await streams(service.url, service, (open) => open === 1);
    await service.as('admin', { method: 'DELETE', url: `/v1/keys/${key.id}` });
    const alert = next();
    await service.raise(alert);
    const answer = await waiting;
    assert.equal(answer.status, 401);
    assert.ok(!(await answer.text()).includes(alert.uid));
  });

  test('closing ends streams and long polls, answers them, and is over at once', TIMEOUT, async () => {
    const own = await listen({ ...service.ports, telemetry: silentTelemetry() }, { port: 0 });
    assert.ok(own.kind === 'listening');
    const client = new Client(`${own.url}/v1/alerts/stream`, service.tokens.viewer);
    await client.until(() => client.messages.length > 0);
    const headers = { authorization: `Bearer ${service.tokens.siem}` };
    const last = await (await fetch(`${own.url}/v1/siem/alerts?limit=500`, { headers })).json();
    const { next_cursor } = last as { next_cursor: string };
    const poll = fetch(`${own.url}/v1/siem/alerts?wait_s=60&cursor=${next_cursor}`, { headers });
    await streams(own.url, service, (open) => open === 2);
    await own.close();
    await client.until(() => client.ended);
    assert.equal((await poll).status, 200);
  });
});

/** A clock that can be put forward, and on which sleeps of one length are over at once. */
function testClock(clock: Clock, set: { hasty(): number | undefined; ahead_ms(): number }): Clock {
  return {
    ...clock,
    now: () => clock.now() + set.ahead_ms(),
    sleep: (ms, signal) => clock.sleep(ms === set.hasty() ? 0 : ms, signal),
  };
}

/** Resolves once so many streams and long polls are open at a server. */
async function streams(url: string, service: Service, holds: (open: number) => boolean): Promise<void> {
  for (;;) {
    const status = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${service.tokens.viewer}` } });
    if (holds(((await status.json()) as { streams: { open: number } }).streams.open)) return;
  }
}
