import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { EXIT } from '../../services/cli/problem.ts';
import { type Ended, FLEET, FLEET_EVENTS, FLEET_IDENTITIES, records, run, start, type Up, up } from './support.ts';

/** Turned reading direction, a zero-width space and a tag: legal in an identifier, hostile on a screen. */
const HOSTILE_ID = 'agent\u202e\u200bevil';
const hostile = (n: number): string =>
  JSON.stringify({
    id: `hostile-${n}`,
    time: Date.UTC(2026, 2, 10, 9, n),
    identity: { id: HOSTILE_ID, kind: 'agent', peer_group: 'customer-support' },
    session: 'night',
    tool: { name: '\u001b[2J\u001b]0;owned\u0007rm\n-rf' },
    resource: { id: '../../etc/passwd\r\nALERT: all is well', store: 'files' },
    action: { operation: 'read' },
  });

let service: Up;
let directory = '';
let fleet: Ended;

const cs = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  run(args, { env: { ...service.env, ...more } });
const ok = async (...args: string[]): Promise<Ended> => {
  const ended = await cs(args);
  assert.equal(ended.code, EXIT.done, `${args.join(' ')}: ${ended.stderr}`);
  return ended;
};
const alertsOf = async (...args: string[]) => records(await ok('alerts', '--json', ...args)) as Alert[];
/** Stable code of a problem, as `--json` shows it. */
const codeOf = (ended: Ended): unknown => (records(ended)[0]?.error as { code?: string } | undefined)?.code;
const contained = (shown: Record<string, unknown> | undefined): Containment | undefined =>
  shown?.containment as Containment | undefined;
const storiesOf = (): { story: string; identity: string }[] =>
  (records(fleet)[0]?.stories ?? []) as { story: string; identity: string }[];
type Alert = {
  uid: string;
  revision: number;
  status: string;
  severity: string;
  updated: number;
  identity: { id: string };
};
type Containment = { id: string; digest: string; state: string; terms: { alert: { uid: string } } };

before(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'countersign-cli-'));
  const recording = path.join(directory, 'fleet.ndjson');
  fleet = await run(['simulate', '--out', recording, '--json', ...FLEET]);
  const events = await readFile(recording, 'utf8');
  const lines = [...Array.from({ length: 8 }, (_, n) => hostile(n)), '{"not": "an event\u001b[2J"}', 'neither is this'];
  await writeFile(recording, `${events}${lines.join('\n')}\n`);
  service = await up(path.join(directory, 'data'));
  const replayed = await run(['--data', path.join(directory, 'data'), '--json', 'replay', recording]);
  assert.equal(replayed.code, EXIT.done, replayed.stderr);
  const [sums] = records(replayed);
  assert.equal(sums?.received, FLEET_EVENTS + 10);
  assert.equal(sums?.dead_lettered, 2);
});

after(async () => {
  const code = await service.stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  assert.equal(code, EXIT.done, 'the service ends in good order');
});

describe('looking', () => {
  test('what was simulated is told', () => {
    const [written] = records(fleet);
    assert.equal(written?.events, FLEET_EVENTS);
    assert.deepEqual(
      storiesOf()
        .map(({ story }) => story)
        .toSorted(),
      ['prompt_injection_hijack', 'resource_sweep', 'rogue_plugin', 'volume_burst'],
    );
  });

  test('alerts: table, NDJSON, filters, pages', async () => {
    const alerts = await alertsOf();
    assert.ok(alerts.length >= 3);
    const table = (await ok('alerts')).stdout;
    for (const { uid, identity } of alerts) {
      assert.ok(table.includes(uid.slice(0, 10)) && table.includes(identity.id), table);
    }
    const sweeper = storiesOf().find(({ story }) => story === 'resource_sweep');
    const of_one = await alertsOf('--identity', String(sweeper?.identity));
    assert.ok(of_one.length > 0 && of_one.every(({ identity }) => identity.id === sweeper?.identity));
    const severe = await alertsOf('--severity', 'high,critical');
    assert.deepEqual(
      severe,
      alerts.filter(({ severity }) => severity === 'high' || severity === 'critical'),
    );
    assert.deepEqual(
      [...(await alertsOf('--status', 'open')), ...(await alertsOf('--status', 'closed'))].length,
      alerts.length,
    );
    const middle = alerts[1]?.updated ?? 0;
    assert.deepEqual(
      await alertsOf('--since', new Date(middle).toISOString()),
      alerts.filter(({ updated }) => updated >= middle),
    );
  });

  test('pages go on where they ended, without a skip or a repeat', async () => {
    const alerts = await alertsOf();
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const ended = await ok('alerts', '--json', '--limit', '2', ...(cursor === undefined ? [] : ['--cursor', cursor]));
      seen.push(...(records(ended) as Alert[]).map(({ uid }) => uid));
      cursor = /--cursor (\S+)/.exec(ended.stderr)?.[1];
    } while (cursor !== undefined);
    assert.deepEqual(
      seen,
      alerts.map(({ uid }) => uid),
    );
    assert.deepEqual(await alertsOf('--all', '--limit', '1'), alerts);
  });

  test('one alert in full, by the beginning of its uid', async () => {
    const [alert] = await alertsOf();
    const shown = (await ok('alert', String(alert?.uid.slice(0, 9)))).stdout;
    for (const word of [
      'severity',
      'when',
      'habit',
      'Evidence',
      'What is unusual',
      'made of',
      'What would have been normal',
      'Recommended',
      'not suspend_agent',
      'to approve',
      'to deny',
    ]) {
      assert.ok(shown.includes(word), `${word} in ${shown}`);
    }
    const [full] = records(await ok('alert', String(alert?.uid), '--json'));
    assert.equal((full?.alert as Alert | undefined)?.uid, alert?.uid);
    assert.equal((await cs(['alert', 'zzzz'])).code, EXIT.refused);
    const ambiguous = await cs(['alert', '', '--json']);
    assert.equal(ambiguous.code, EXIT.usage);
    assert.equal(codeOf(ambiguous), 'alert_ambiguous');
  });

  test('identities and their events', async () => {
    const identities = records(await ok('identities', '--json')) as { identity: string; events: number }[];
    assert.equal(identities.length, FLEET_IDENTITIES + 1);
    assert.equal(
      identities.reduce((sum, { events }) => sum + events, 0),
      FLEET_EVENTS + 8,
    );
    const name = String(identities[1]?.identity);
    const shown = (await ok('identity', name)).stdout;
    assert.match(shown, /Baseline \((learning|mature)\)/);
    assert.equal(records(await ok('events', name, '--json', '--limit', '7')).length, 7);
    assert.equal((await cs(['identity', 'nobody'])).code, EXIT.refused);
  });

  test('no command writes what an agent wrote to the terminal as it is', async () => {
    for (const args of [
      ['identities'],
      ['identity', HOSTILE_ID],
      ['events', HOSTILE_ID],
      ['dead-letters'],
      ['alerts'],
    ]) {
      const { stdout, stderr } = await ok(...args);
      assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u202e]/u, args.join(' '));
      assert.doesNotMatch(stdout, /^ALERT: all is well/m);
    }
    assert.match((await ok('identities')).stdout, /agent\\u202e\\u200bevil/);
  });

  test('dead letters and status', async () => {
    const letters = records(await ok('dead-letters', '--json')) as { letter: { reason: string } }[];
    assert.equal(letters.length, 2);
    for (const { letter } of letters) assert.equal(letter.reason, 'not_json');
    assert.equal(records(await ok('dead-letters', '--json', '--reason', 'too_deep')).length, 0);
    const [status] = records(await ok('status', '--json'));
    assert.deepEqual(status?.sums, {
      received: FLEET_EVENTS + 10,
      accepted: FLEET_EVENTS + 8,
      absorbed: 0,
      held: 0,
      dead_lettered: 2,
      dead_letter_reasons: { not_json: 2 },
      balanced: true,
    });
    assert.match((await ok('status')).stdout, /is ready/);
  });

  test('tail follows from the start and ends after so many; Ctrl-C is a good end', async () => {
    const tailed = records(await ok('tail', '--from', 'start', '--count', '3', '--json')) as Alert[];
    assert.equal(tailed.length, 3);
    assert.equal(new Set(tailed.map(({ uid, revision }) => `${uid} ${revision}`)).size, 3);
    const child = start(['tail', '--from', 'start'], service.env);
    if (child.stdout === null) throw new Error('a child with pipes has a standard output');
    await once(createInterface({ input: child.stdout }), 'line');
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'close'), [EXIT.done, null]);
  });

  test('doctor beside the running service', async () => {
    const checks = records(await cs(['--data', path.join(directory, 'data'), 'doctor', '--json'])) as {
      check: string;
      status: string;
      detail: string;
    }[];
    const of = new Map(checks.map((check) => [check.check, check]));
    for (const check of checks) assert.equal(check.status, 'ok', JSON.stringify(check));
    assert.match(String(of.get('lock')?.detail), /held/);
    assert.match(String(of.get('sums_applied')?.detail), new RegExp(`${FLEET_EVENTS + 8} scored`));
    const keyless = await run(['--data', path.join(directory, 'data'), 'doctor', '--json']);
    assert.equal(keyless.code, EXIT.done, 'what cannot be asked is no failure');
  });
});

describe('deciding', () => {
  before(async () => {
    const [made] = records(await ok('user', 'link', 'admin', '--json'));
    const [link_file, password_file] = [path.join(directory, 'admin.link'), path.join(directory, 'admin.password')];
    await writeFile(link_file, String(made?.link), { mode: 0o600 });
    await writeFile(password_file, 'four grey whales sing\n', { mode: 0o600 });
    const set = await cs(['user', 'password', '--link-file', link_file, '--password-file', password_file]);
    assert.equal(set.code, EXIT.done, set.stderr);
    service = { ...service, env: { ...service.env, COUNTERSIGN_PASSWORD_FILE: password_file } };
  });

  test('a script approves exactly what it read', async () => {
    const pending = records(await ok('containments', '--state', 'pending', '--json')) as Containment[];
    assert.ok(pending.length >= 3);
    const [first, second, third] = pending as [Containment, Containment, Containment];

    const asked = await cs(['approve', first.id, '--json']);
    assert.equal(asked.code, EXIT.usage);
    assert.equal(codeOf(asked), 'digest_missing');
    const other = await cs(['approve', first.id, '--digest', second.digest, '--json']);
    assert.equal(other.code, EXIT.refused);
    assert.equal(codeOf(other), 'digest_mismatch');
    assert.equal((await cs(['approve', first.id, '--digest', 'x'])).code, EXIT.refused);

    const approved = records(
      await ok('approve', first.id.slice(0, 10), '--digest', first.digest, '--comment', 'seen', '--json'),
    );
    assert.equal(contained(approved[0])?.state, 'approved');
    const again = await cs(['approve', first.id, '--digest', first.digest, '--json']);
    assert.equal(again.code, EXIT.refused);
    assert.equal(codeOf(again), 'already_approved_by_you');
    assert.match(
      (await ok('containment', first.id)).stdout,
      /approve by admin .*: seen[\s\S]*no executor is configured/,
    );

    const denied = await ok('deny', second.id, '--digest', second.digest);
    assert.match(denied.stdout, /the containment is denied/);
    assert.match((await ok('cancel', third.id)).stdout, /is cancelled/);
    const listed = records(await ok('containments', '--state', 'all', '--all', '--json')) as Containment[];
    assert.deepEqual(
      [first, second, third].map(({ id }) => listed.find((one) => one.id === id)?.state),
      ['approved', 'denied', 'cancelled'],
    );
  });

  test('a verdict is remembered, and a harmless one ends what waited', async () => {
    const pending = records(await ok('containments', '--state', 'pending', '--json')) as Containment[];
    const { id, terms } = pending[0] as Containment;
    await ok('verdict', terms.alert.uid.slice(0, 12), 'expected_change', '--comment', 'CHG-1042');
    assert.match((await ok('alert', terms.alert.uid)).stdout, /expected_change by .*CHG-1042/);
    assert.equal((await cs(['verdict', terms.alert.uid, 'maybe'])).code, EXIT.usage);
    const [shown] = records(await ok('containment', id, '--json'));
    assert.equal(contained(shown)?.state, 'cancelled');
  });
});

describe('keys and webhooks', () => {
  test('a new person gets a key in a file, may do what it says and no more, until it is revoked', async () => {
    const file = path.join(directory, 'maria.key');
    const made = records(
      await ok(
        'keys',
        'create',
        'maria',
        '--person',
        '--roles',
        'viewer',
        '--out',
        file,
        '--expires-in',
        '1h',
        '--json',
      ),
    );
    const { id } = (made[0]?.key ?? {}) as { id: string };
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.doesNotMatch(JSON.stringify(made), /csk_/);
    const env = { COUNTERSIGN_API_KEY: '' };
    assert.equal((await cs(['alerts', '--key-file', file], env)).code, EXIT.done);
    const forbidden = await cs(['keys', 'list', '--key-file', file, '--json'], env);
    assert.equal(forbidden.code, EXIT.refused);
    assert.equal(codeOf(forbidden), 'role_missing');
    assert.match((await ok('keys', 'list')).stdout, new RegExp(`${id} +maria`));
    await ok('keys', 'revoke', id);
    assert.equal((await cs(['alerts', '--key-file', file], env)).code, EXIT.refused);
    assert.equal((await cs(['keys', 'create', 'nobody', '--roles', 'viewer'])).code, EXIT.refused);
    assert.equal((await cs(['keys', 'create', 'maria', '--roles', 'emperor'])).code, EXIT.usage);
  });

  test('webhooks are set, listed without their secrets, and removed', async () => {
    const set = await ok(
      'subscriptions',
      'set',
      'siem',
      '--to',
      'https://siem.example/alerts',
      '--severity-min',
      'high',
    );
    const secret = /whsec_\S+/.exec(set.stdout)?.[0];
    assert.notEqual(secret, undefined);
    const listed = await ok('subscriptions', 'list');
    assert.match(listed.stdout, /siem +active +high/);
    assert.ok(!listed.stdout.includes(String(secret)));
    await ok('subscriptions', 'remove', 'siem');
    assert.equal((await cs(['subscriptions', 'remove', 'siem'])).code, EXIT.refused);
  });
});

describe('where it cannot be reached', () => {
  test('the exit status says so, and a key never leaves for another machine in the clear', async () => {
    assert.equal((await cs(['alerts', '--url', 'http://127.0.0.1:1'])).code, EXIT.unreachable);
    const clear = await cs(['alerts', '--url', 'http://192.0.2.1:7788', '--json']);
    assert.equal(clear.code, EXIT.usage);
    assert.equal(codeOf(clear), 'url_in_the_clear');
    assert.equal((await cs(['alerts'], { COUNTERSIGN_API_KEY: 'csk_0123' })).code, EXIT.usage);
    const second = await run(['--data', path.join(directory, 'data'), 'up'], { env: { COUNTERSIGN_LISTEN_PORT: '0' } });
    assert.equal(second.code, EXIT.unreachable, 'the data directory is in use');
  });
});
