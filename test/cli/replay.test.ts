import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import canonicalize from 'canonicalize';
import { EXIT } from '../../services/cli/problem.ts';
import { dataDirAt } from '../../services/platform/data-dir.ts';
import { FLEET, FLEET_EVENTS, records, run, start, tempDir, type Up, up } from './support.ts';

/** One text for equal values: the API may write fields in another order (RFC 8785). */
const canonical = (value: unknown): string => String(canonicalize(value));

/** Every alert revision of a service, as a SIEM pulls them, in an order of their own. */
async function pulled({ url, keys }: Up): Promise<string[]> {
  const alerts: string[] = [];
  let cursor: string | undefined;
  for (let more = true; more; ) {
    const query = new URLSearchParams({ limit: '500', ...(cursor !== undefined && { cursor }) });
    const answer = await fetch(`${url}/v1/siem/alerts?${query}`, { headers: { authorization: `Bearer ${keys.siem}` } });
    const page = (await answer.json()) as { items: unknown[]; next_cursor: string; more: boolean };
    alerts.push(...page.items.map(canonical));
    ({ next_cursor: cursor, more } = page);
  }
  return alerts.toSorted();
}

/** The store's totals as of `replay --json`, without what only measures time. */
function totalsOf(summary: Record<string, unknown> | undefined) {
  const { events, identities, findings, alerts, alert_revisions, dead_letters } = summary ?? {};
  return { events, identities, findings, alerts, alert_revisions, dead_letters };
}

describe('replay', () => {
  test('gives the same alerts as backtest, revision by revision', async (t) => {
    const directory = await tempDir(t);
    const [recording, data, out] = ['fleet.ndjson.gz', 'data', 'out'].map((name) => path.join(directory, name)) as [
      string,
      string,
      string,
    ];
    assert.equal((await run(['simulate', '--out', recording, ...FLEET])).code, EXIT.done);
    const tested = await run(['backtest', recording, '--out', out, '--json']);
    assert.equal(tested.code, EXIT.done, tested.stderr);
    const service = await up(data);
    try {
      const replayed = await run(['--data', data, 'replay', recording]);
      assert.equal(replayed.code, EXIT.done, replayed.stderr);
      const expected = (await readFile(path.join(out, 'alerts.ndjson'), 'utf8'))
        .split('\n')
        .filter((line) => line !== '');
      assert.ok(expected.length >= 3);
      let alerts = await pulled(service);
      // The feed is a moment behind detect.
      while (alerts.length < expected.length) {
        await after(50);
        alerts = await pulled(service);
      }
      assert.deepEqual(alerts, expected.map((line) => canonical(JSON.parse(line))).toSorted());
    } finally {
      await service.stop();
    }
  });

  test('cut short by SIGKILL and run again it gives what one run gives', async (t) => {
    const directory = await tempDir(t);
    const recording = path.join(directory, 'fleet.ndjson');
    assert.equal((await run(['simulate', '--out', recording, ...FLEET])).code, EXIT.done);
    const whole = await run(['--data', path.join(directory, 'whole'), '--json', 'replay', recording]);
    assert.equal(whole.code, EXIT.done, whole.stderr);

    const data = path.join(directory, 'cut');
    for (const share of [0.3, 0.7]) {
      const child = start(['--data', data, '--json', 'replay', recording]);
      const closed = once(child, 'close');
      await acceptedAtLeast(data, share * FLEET_EVENTS);
      child.kill('SIGKILL');
      assert.deepEqual(await closed, [null, 'SIGKILL']);
    }
    const again = await run(['--data', data, '--json', 'replay', recording]);
    assert.equal(again.code, EXIT.done, again.stderr);
    assert.deepEqual(totalsOf(records(again)[0]), totalsOf(records(whole)[0]));
    const doctor = await run(['--data', data, 'doctor', '--json']);
    assert.equal(doctor.code, EXIT.done, doctor.stdout);
  });

  test('reads standard input, packed or not, and says what a file is that cannot be read', async (t) => {
    const directory = await tempDir(t);
    const recording = path.join(directory, 'few.ndjson');
    assert.equal(
      (await run(['simulate', '--out', recording, '--identities', '2', '--days', '1', '--stories', 'none'])).code,
      EXIT.done,
    );
    const bytes = await readFile(recording);
    const count = bytes.toString('utf8').split('\n').length - 1;
    for (const stdin of [bytes, gzipSync(bytes)]) {
      const ended = await run(['backtest', '-', '--out', path.join(directory, 'out'), '--json'], { stdin });
      assert.equal(ended.code, EXIT.done, ended.stderr);
      assert.equal(records(ended)[0]?.events, count);
    }
    const packed = await run(['--data', path.join(directory, 'data'), '--json', 'replay', '-'], {
      stdin: gzipSync(bytes),
    });
    assert.equal(records(packed)[0]?.events, count);
    const none = await run(['backtest', path.join(directory, 'none'), '--out', directory]);
    assert.equal(none.code, EXIT.usage);
    assert.match(none.stderr, /none/);
  });

  test('a mapping file is tried out before it is used', async (t) => {
    const directory = await tempDir(t);
    const mapping = path.join(directory, 'calls.yaml');
    const calls = path.join(directory, 'calls.ndjson');
    const call = { call: 'c1', at: '2026-03-09T10:00:00Z', agent: 'a1', tool: 'read_file', extra: 1 };
    await writeFile(calls, `${JSON.stringify(call)}\n${JSON.stringify({ ...call, call: 'c2', at: 'noon' })}\n`);
    await writeFile(
      mapping,
      'version: 1\nname: calls\norigin: calls\nfields:\n  id: call\n  time: at\n  identity.id: agent\n  tool.name: tool\n',
    );
    const tried = await run(['map', 'test', calls, '--mapping', mapping, '--json']);
    assert.equal(tried.code, EXIT.failed, tried.stderr);
    const [report] = records(tried);
    assert.deepEqual(report?.sums, { received: 2, accepted: 1, absorbed: 0, held: 0, dead_lettered: 1 });
    await writeFile(mapping, 'version: 1\nname: calls\norigin: calls\nfields:\n  id: call\n  tmie: at\n');
    const misspelt = await run(['map', 'test', calls, '--mapping', mapping]);
    assert.equal(misspelt.code, EXIT.usage);
    assert.match(misspelt.stderr, /calls\.yaml:6.*tmie/);
  });
});

/** Waits until so many events are durable in the log of a running replay. */
async function acceptedAtLeast(data: string, count: number): Promise<void> {
  for (;;) {
    await after(5);
    if (counterOf(data) >= count) return;
  }
}

/** Read as a second process would, from outside. */
function counterOf(data: string): number {
  const { log } = dataDirAt(data);
  if (!existsSync(log)) return 0;
  const db = new DatabaseSync(log, { readOnly: true, timeout: 1000 });
  try {
    const row = db.prepare("SELECT value FROM counters WHERE name = 'ingest.accepted'").get();
    return Number(row?.value ?? 0);
  } catch {
    // The file is being made.
    return 0;
  } finally {
    db.close();
  }
}
