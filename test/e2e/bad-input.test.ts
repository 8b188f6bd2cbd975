import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../services/platform/clock.ts';
import { eventInput, hostileInputs, lines, MARK } from '../support/hostile-input.ts';
import { call, type ServiceProcess, startService, temporaryDirectory } from '../support/service-process.ts';

/**
 * The running service under input that no source should send: each item ends as what it deserves, with a reason a person
 * can act on; the process lives; memory stays bounded; and promise P1's sums are the same wherever they are shown.
 */
const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url));
/** Far above what is needed (1.2 GB), far below what a leak of any of these floods would take. */
const RESIDENT_BYTES_MAX = 2.5e9;

type Result = { status: string; reason?: string; message?: string; field?: string };
type Answer = { received: number; accepted: number; dead_lettered: number; results: Result[]; results_omitted: number };
type Sums = { received: number; accepted: number; absorbed: number; dead_lettered: number; balanced: boolean };
type Partition = { next_offset: number; durable_offset: number; counters: Record<string, number> };
type Status = {
  ready: boolean;
  lag: number;
  sums: Sums & { dead_letter_reasons: Record<string, number> };
  partitions: Partition[];
};

describe('bad input', () => {
  const now_ms = systemClock.now();
  const expected = { accepted: 0, dead: {} as Record<string, number> };
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;

  before(async () => {
    directory = await temporaryDirectory();
    service = await startService(directory.path);
  });
  after(async () => {
    await service.kill('SIGKILL');
    await directory.remove();
  });

  const submit = async (body: Buffer): Promise<Answer> => {
    const response = await fetch(`${service.url}/v1/events?results=rejected`, {
      method: 'POST',
      headers: { authorization: `Bearer ${service.tokens.ingest}`, 'content-type': 'application/x-ndjson' },
      body: new Uint8Array(body),
    });
    assert.equal(response.status, 200);
    return (await response.json()) as Answer;
  };
  const get = async <T>(path: string): Promise<T> => {
    const { status, body } = await call(service, service.tokens.admin ?? '', path);
    assert.equal(status, 200, JSON.stringify(body));
    return body as T;
  };
  const flood = async (count: number, make: (i: number) => Record<string, unknown>): Promise<void> => {
    for (let from = 0; from < count; from += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => JSON.stringify(make(from + i)));
      const answer = await submit(lines(batch));
      assert.equal(answer.accepted, batch.length, JSON.stringify(answer.results[0]));
    }
    expected.accepted += count;
  };

  test('every item becomes an event or a dead letter whose reason names field, value and remedy', async () => {
    for (const input of hostileInputs(now_ms)) {
      const answer = await submit(input.body);
      const dead = countBy(answer.results.map(({ reason }) => reason ?? ''));
      assert.deepEqual({ accepted: answer.accepted, dead }, { accepted: input.accepted, dead: input.dead }, input.name);
      assert.equal(answer.received, answer.accepted + answer.dead_lettered, input.name);
      for (const { field, message = '' } of answer.results) {
        if (input.field !== undefined) assert.equal(field, input.field, input.name);
        assert.match(message, field === undefined ? REMEDY : new RegExp(`^${field.replace('.', '\\.')}: `), input.name);
        assert.ok(message.length < 400 && isPrintable(message), JSON.stringify(message));
      }
      expected.accepted += input.accepted;
      for (const [reason, count] of Object.entries(input.dead)) {
        expected.dead[reason] = (expected.dead[reason] ?? 0) + count;
      }
    }
  });

  test('a request with more items than it may hold is refused without being unfolded', async () => {
    const before_bytes = mostResidentBytes(service.pid);
    const { status, body } = await call(service, service.tokens.ingest ?? '', '/v1/events', {
      ...{ text: '1\n'.repeat(4_000_000), type: 'application/x-ndjson' },
    });
    assert.equal(status, 413);
    assert.equal((body as { error: { code: string } }).error.code, 'batch_too_large');
    const grown = mostResidentBytes(service.pid) - before_bytes;
    assert.ok(grown < 400e6, `refusing it took ${grown} bytes`);
  });

  test('a repeated event and a reused id are accepted; what they come to is told with the sums', async () => {
    const again = eventInput(now_ms, { identity: { id: 'repeater' } });
    const other = { ...again, purpose: 'other content' };
    const answer = await submit(lines([again, again, other].map((event) => JSON.stringify(event))));
    assert.equal(answer.accepted, 3);
    expected.accepted += 3;
  });

  test('floods of names, sessions, groups, identities and times are taken, in bounded memory', async () => {
    const one = (more: Record<string, unknown>) => eventInput(now_ms, more);
    await flood(100_000, (i) => one({ identity: { id: 'tools' }, tool: { name: `t${i}` }, resource: { id: `r${i}` } }));
    await flood(100_000, (i) => one({ identity: { id: 'sessions' }, session: `s${i}` }));
    await flood(20_000, (i) => one({ identity: { id: `g${i % 9}`, peer_group: `group-${i}` } }));
    await flood(50_000, (i) => one({ identity: { id: `once-${i}` } }));
    await flood(10_000, (i) =>
      one({ identity: { id: `c${i % 50}` }, time: CENTURY.from + ((i * 7919 * STEP) % CENTURY.ms) }),
    );
    const { ready, partitions } = await settled(() => get<Status>('/v1/status'));
    assert.equal(ready, true);
    const outside = counted(partitions, 'flag.late') + counted(partitions, 'flag.early');
    assert.ok(outside > 9_990, `${outside} events were outside the windows`);
    const resident = mostResidentBytes(service.pid);
    assert.ok(resident < RESIDENT_BYTES_MAX, `${resident} bytes at the most`);
  });

  test('the sums of P1 hold, and the status, the metrics, the dead letters and doctor show the same', async () => {
    const { sums, partitions } = await settled(() => get<Status>('/v1/status'));
    const dead_lettered = Object.values(expected.dead).reduce((a, b) => a + b, 0);
    const received = expected.accepted + dead_lettered;
    const { dead_letter_reasons, ...rest } = sums;
    assert.deepEqual(rest, {
      ...{ received, accepted: expected.accepted, absorbed: 0, held: 0, dead_lettered, balanced: true },
    });
    assert.deepEqual(dead_letter_reasons, expected.dead);
    assert.equal(counted(partitions, 'event'), expected.accepted);
    assert.equal(counted(partitions, 'accepted'), expected.accepted - 1);
    assert.equal(counted(partitions, 'duplicate'), 1);
    assert.equal(counted(partitions, 'flag.id_reused'), 1);

    const metrics = await metricsOf(service);
    assert.equal(metrics.get('countersign_items{state="ingest.received"}'), received);
    assert.equal(metrics.get('countersign_items{state="ingest.accepted"}'), expected.accepted);
    assert.equal(metrics.get('countersign_items{state="ingest.dead_lettered"}'), dead_lettered);
    for (const [reason, count] of Object.entries(expected.dead)) {
      assert.equal(metrics.get(`countersign_items{state="ingest.dead.${reason}"}`), count);
    }
    assert.equal(metrics.get('countersign_detect_records{kind="event"}'), expected.accepted);

    const checks = await doctor(directory.path, service);
    assert.equal(
      checks.get('sums_received')?.detail,
      `${received} received = ${expected.accepted} accepted + 0 absorbed + 0 held + ${dead_lettered} dead-lettered`,
    );
    for (const name of ['sums_received', 'sums_applied']) {
      assert.equal(checks.get(name)?.status, 'ok', JSON.stringify(checks.get(name)));
    }
  });

  test('what agents chose stands in no metric, and reaches people only in printable form', async () => {
    assert.ok(![...(await metricsOf(service)).keys()].some((name) => name.includes(MARK) || name.includes('forged')));
    for (const path of ['/v1/alerts?limit=500', '/v1/identities/named', '/v1/identities/named/events?limit=50']) {
      const texts = textsIn(await get<unknown>(path));
      assert.deepEqual(
        texts.filter((text) => !isPrintable(text)),
        [],
        path,
      );
    }
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });

  test('it stops in good order', async () => {
    assert.equal(await service.kill('SIGTERM'), 0);
  });
});

const BATCH = 10_000;
const CENTURY = { from: Date.UTC(2000, 0, 1), ms: Date.UTC(2100, 0, 1) - Date.UTC(2000, 0, 1) };
const STEP = Math.floor(CENTURY.ms / 10_000);
/** Messages without a field tell in their second half what to do. */
const REMEDY = /; |flatten/;

function isPrintable(text: string): boolean {
  return text.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029\u2066-\u2069]/.test(text);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => (name === 'unmapped' ? [] : [name, ...textsIn(inner)]));
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const counted = (partitions: readonly Partition[], name: string): number =>
  partitions.reduce((sum, { counters }) => sum + (counters[name] ?? 0), 0);

/** Everything that is in the log is durable in the store. */
async function settled(status: () => Promise<Status>): Promise<Status> {
  for (;;) {
    const now = await status();
    if (now.lag === 0 && now.partitions.every((p) => p.durable_offset === p.next_offset)) return now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Resident bytes of a process at the most so far, as Linux tells them. */
function mostResidentBytes(pid: number): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

async function metricsOf(service: ServiceProcess): Promise<Map<string, number>> {
  const headers = { authorization: `Bearer ${service.tokens.admin}` };
  const text = await (await fetch(`${service.url}/metrics`, { headers })).text();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

type Check = { check: string; status: string; detail: string };

async function doctor(data: string, { url, tokens }: ServiceProcess): Promise<Map<string, Check>> {
  const environment = { ...process.env, COUNTERSIGN_URL: url, COUNTERSIGN_API_KEY: tokens.admin ?? '' };
  const text = await new Promise<string>((resolve) => {
    // A check of the machine may fail; what the sums say is looked at below.
    execFile(process.execPath, [MAIN, '--data', data, '--json', 'doctor'], { env: environment }, (_, stdout) =>
      resolve(stdout),
    );
  });
  const checks = text.split('\n').filter((line) => line !== '');
  return new Map(checks.map((line) => JSON.parse(line) as Check).map((check) => [check.check, check]));
}
