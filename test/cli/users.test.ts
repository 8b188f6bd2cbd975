import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EXIT } from '../../services/cli/problem.ts';
import { type Ended, records, run, type Up, up } from './support.ts';

const PASSWORD = 'four grey whales sing';
const LINK = /\/sign-in\/link#csl_[0-9a-f]{32}_[A-Za-z0-9_-]{32}$/;

describe('people and keys on the command line', { concurrency: 1, timeout: 240_000 }, () => {
  let directory = '';
  let service: Up;
  let running = true;
  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'countersign-cli-'));
    service = await up(path.join(directory, 'data'));
  });
  after(async () => {
    if (running) await service.stop();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  const cs = (...args: readonly string[]): Promise<Ended> => run([...args, '--json'], { env: service.env });
  const ok = async (...args: readonly string[]): Promise<Record<string, unknown>[]> => {
    const ended = await cs(...args);
    assert.equal(ended.code, EXIT.done, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    return records(ended);
  };
  const codeOf = (ended: Ended): unknown => (records(ended)[0]?.error as { code?: string } | undefined)?.code;
  const fileOf = async (name: string, text: string): Promise<string> => {
    const file = path.join(directory, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  /** Opens a link as its person does where there is no browser. */
  const open = async (link: unknown, password: string): Promise<Ended> => {
    const link_file = await fileOf('a.link', `${link}\n`);
    const password_file = await fileOf('a.password', `${password}\n`);
    return cs('user', 'password', '--link-file', link_file, '--password-file', password_file);
  };
  /** The cookie of somebody who signs in with a password; undefined when they do not come in. */
  const signIn = async (name: string, password: string): Promise<string | undefined> => {
    const response = await fetch(`${service.url}/auth/password`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, password }),
    });
    await response.body?.cancel();
    return response.headers.getSetCookie()[0]?.split(';')[0];
  };
  const whoami = async (headers: Record<string, string>): Promise<{ status: number; roles: unknown }> => {
    const response = await fetch(`${service.url}/v1/whoami`, { headers });
    return { status: response.status, roles: ((await response.json()) as { roles?: unknown }).roles };
  };

  test('a person is added with a link, sets a password with it once, gets other roles, is signed out and removed', async () => {
    const [added] = await ok('user', 'add', 'maria', '--roles', 'analyst,approver');
    assert.match(String(added?.link), LINK);
    assert.equal(codeOf(await open(added?.link, 'short')), 'password_unsuitable');
    assert.equal((await open(added?.link, PASSWORD)).code, EXIT.done);
    assert.equal(codeOf(await open(added?.link, PASSWORD)), 'link_refused');
    const missing = await cs('user', 'password', '--link-file', path.join(directory, 'nothing.link'));
    assert.deepEqual([missing.code, codeOf(missing)], [EXIT.usage, 'link_unreadable']);

    const cookie = (await signIn('maria', PASSWORD)) ?? '';
    assert.deepEqual(await whoami({ cookie }), { status: 200, roles: ['analyst', 'approver'] });
    await ok('user', 'roles', 'maria', '--roles', 'analyst,viewer');
    assert.deepEqual((await whoami({ cookie })).roles, ['analyst']);
    await ok('user', 'sign-out', 'maria');
    assert.equal((await whoami({ cookie })).status, 401);

    const again = (await signIn('maria', PASSWORD)) ?? '';
    assert.equal((await whoami({ cookie: again })).status, 200);
    await ok('user', 'remove', 'maria');
    assert.equal((await whoami({ cookie: again })).status, 401);
    assert.equal(await signIn('maria', PASSWORD), undefined);
    const listed = (await ok('user', 'list')) as { principal: { subject: string }; revoked?: number }[];
    assert.equal(typeof listed.find(({ principal }) => principal.subject === 'maria')?.revoked, 'number');
    assert.equal((await cs('user', 'add', 'maria', '--roles', 'viewer')).code, EXIT.refused, 'names are given once');
  });

  test('a key is rotated into a file: both work for the overlap, and without one the old key ends at once', async () => {
    const [made] = await ok('keys', 'create', 'siem', '--roles', 'siem');
    const { id } = (made?.key ?? {}) as { id: string };
    const old = { authorization: `Bearer ${made?.token}` };
    const file = path.join(directory, 'siem.key');
    const [rotated] = await ok('keys', 'rotate', id, '--overlap', '12h', '--out', file);
    assert.equal(rotated?.token, undefined);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const next = { authorization: `Bearer ${(await readFile(file, 'utf8')).trim()}` };
    assert.deepEqual([await whoami(old), await whoami(next)], Array(2).fill({ status: 200, roles: ['siem'] }));
    assert.equal(codeOf(await cs('keys', 'rotate', id, '--out', file)), 'file_exists');
    const { id: second } = (rotated?.key ?? {}) as { id: string };
    await ok('keys', 'rotate', second, '--overlap', '0m');
    assert.equal((await whoami(next)).status, 401);
  });

  test('who cannot get in gets a link from the data directory, while the service is stopped', async () => {
    const data = path.join(directory, 'data');
    const recover = (name: string): Promise<Ended> =>
      run(['--data', data, '--json', 'user', 'link', name, '--recover'], { env: { COUNTERSIGN_URL: service.url } });
    assert.equal((await open((await ok('user', 'link', 'admin'))[0]?.link, PASSWORD)).code, EXIT.done);
    const cookie = (await signIn('admin', PASSWORD)) ?? '';
    const busy = await recover('admin');
    assert.equal(codeOf(busy), 'data_dir_in_use');
    assert.equal(await service.stop(), EXIT.done);
    running = false;
    assert.equal(codeOf(await recover('nobody')), 'principal_unknown');
    const made = await recover('admin');
    assert.equal(made.code, EXIT.done, made.stderr);
    const link = String(records(made)[0]?.link);
    assert.match(link, LINK);

    service = await up(data);
    running = true;
    assert.equal((await whoami({ cookie })).status, 200);
    assert.equal((await open(link, 'six yellow ducks cross')).code, EXIT.done);
    assert.equal((await whoami({ cookie })).status, 401, 'an opened link ends all sessions');
    assert.equal(await signIn('admin', PASSWORD), undefined);
    assert.notEqual(await signIn('admin', 'six yellow ducks cross'), undefined);
  });
});
