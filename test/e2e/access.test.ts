import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Front, startFront } from '../support/clickhouse-http-front.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { type ServiceProcess, startService, temporaryDirectory } from '../support/service-process.ts';
import { installationOn } from './support/cluster.ts';

/** One installation on Kafka: a process with the responder, two with the API and one cookie key, one without that key. */
const kafka = await kafkaForTests();
const PASSWORD = 'six yellow ducks cross';

type Answer = { readonly status: number; readonly body: Record<string, unknown>; readonly cookie: string | undefined };
type Asked = { readonly key?: string; readonly cookie?: string; readonly json?: unknown };

describe('people and keys in several processes on Kafka', {
  skip: kafka.skip,
  concurrency: 1,
  timeout: 120_000,
}, () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let front: Front;
  let one: ServiceProcess;
  let two: ServiceProcess;
  let stranger: ServiceProcess;
  let admin = '';
  const running: ServiceProcess[] = [];

  before(async () => {
    directory = await temporaryDirectory();
    front = await startFront();
    const cookie_key = join(directory.path, 'cookie.key');
    await writeFile(cookie_key, randomBytes(32), { mode: 0o600 });
    const { environment } = installationOn(kafka.brokers, uniquePrefix(), 1);
    const begin = async (name: string, roles: string, more: Record<string, string>): Promise<ServiceProcess> => {
      const settings = { ...environment, COUNTERSIGN_STORE_URL: front.url, COUNTERSIGN_ROLES: roles, ...more };
      const service = await startService(join(directory.path, name), settings);
      running.push(service);
      return service;
    };
    const shared = { COUNTERSIGN_AUTH_COOKIE_KEY_FILE: cookie_key };
    const responder = await begin('contain', 'contain', {});
    admin = responder.tokens.admin ?? '';
    [one, two, stranger] = await Promise.all([
      begin('api-1', 'api', shared),
      begin('api-2', 'api', shared),
      begin('api-3', 'api', {}),
    ]);
  });
  after(async () => {
    await Promise.all(running.map((service) => service.kill('SIGKILL')));
    await front?.close();
    await directory?.remove();
  });

  /** Has a process decided something by the control log, so that it has read all that was decided before. */
  const catchUp = async (service: ServiceProcess): Promise<void> => {
    const { status } = await ask(service, 'DELETE', `/v1/keys/${'0'.repeat(16)}`, { key: admin });
    assert.equal(status, 404);
  };
  /** What a change at the first process has made of somebody's credentials, at both. */
  const whoami = async (shown: Asked): Promise<number[]> => {
    await catchUp(two);
    return Promise.all([one, two].map(async (service) => (await ask(service, 'GET', '/v1/whoami', shown)).status));
  };
  const change = async (method: string, path: string, json?: unknown): Promise<Answer> => {
    const answer = await ask(one, method, path, { key: admin, ...(json !== undefined && { json }) });
    assert.ok([200, 201].includes(answer.status), `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer;
  };
  const addPerson = async (subject: string): Promise<{ cookie: string; session: string }> => {
    const { body } = await change('POST', '/v1/principals', { subject, human: true, roles: ['viewer'], with: 'link' });
    const token = String((body.link as { path: string }).path).split('#')[1];
    const opened = await ask(one, 'POST', '/auth/link', { json: { token, password: PASSWORD } });
    assert.equal(opened.status, 200, JSON.stringify(opened.body));
    const cookie = opened.cookie ?? '';
    const me = await ask(one, 'GET', '/v1/whoami', { cookie });
    return { cookie, session: String(me.body.session) };
  };
  const makeKey = async (subject: string): Promise<{ id: string; key: string }> => {
    const { body } = await change('POST', '/v1/keys', { principal: { subject }, roles: ['viewer'] });
    return { id: String((body.key as { id: string }).id), key: String(body.token) };
  };

  test('a session of one works at the other, and revoked works at neither', async () => {
    const { cookie, session } = await addPerson('maria');
    assert.deepEqual(await whoami({ cookie }), [200, 200]);
    await change('DELETE', `/v1/sessions/${session}`);
    assert.deepEqual(await whoami({ cookie }), [401, 401]);
  });

  test('who signs in at the other with the password is known at the first; signing out holds at both', async () => {
    const json = { name: 'maria', password: PASSWORD };
    const { status, cookie = '' } = await ask(two, 'POST', '/auth/password', { json });
    assert.equal(status, 200);
    await catchUp(one);
    assert.deepEqual(await whoami({ cookie }), [200, 200]);
    await change('DELETE', '/v1/principals/local/maria/sessions');
    assert.deepEqual(await whoami({ cookie }), [401, 401]);
  });

  test('a revoked key and one rotated at once are refused at both; with an overlap both keys work', async () => {
    const [revoked, rotated] = [await makeKey('maria'), await makeKey('maria')];
    assert.deepEqual(await whoami({ key: revoked.key }), [200, 200]);
    await change('DELETE', `/v1/keys/${revoked.id}`);
    assert.deepEqual(await whoami({ key: revoked.key }), [401, 401]);

    const next = await change('POST', `/v1/keys/${rotated.id}/rotate`, { overlap_ms: 3_600_000 });
    const { id } = next.body.key as { id: string };
    assert.deepEqual(await whoami({ key: rotated.key }), [200, 200]);
    assert.deepEqual(await whoami({ key: String(next.body.token) }), [200, 200]);
    const last = await change('POST', `/v1/keys/${id}/rotate`, { overlap_ms: 0 });
    assert.deepEqual(await whoami({ key: String(next.body.token) }), [401, 401]);
    assert.deepEqual(await whoami({ key: String(last.body.token) }), [200, 200]);
  });

  test('somebody who was removed is refused at both, by session and by key', async () => {
    const { cookie } = await addPerson('nora');
    const { key } = await makeKey('nora');
    assert.deepEqual(
      [await whoami({ cookie }), await whoami({ key })],
      [
        [200, 200],
        [200, 200],
      ],
    );
    await change('DELETE', '/v1/principals/local/nora');
    assert.deepEqual(
      [await whoami({ cookie }), await whoami({ key })],
      [
        [401, 401],
        [401, 401],
      ],
    );
  });

  test('a process that was not given the cookie key turns people away, and warns of it', async () => {
    const { cookie } = await addPerson('olga');
    await catchUp(stranger);
    const warnings = async (): Promise<string[]> => {
      const { status, body } = await ask(stranger, 'GET', '/v1/status', { key: admin });
      assert.equal(status, 200, JSON.stringify(body));
      return (body.warnings as { code: string }[]).map(({ code }) => code);
    };
    assert.deepEqual(await warnings(), []);
    assert.equal((await ask(stranger, 'GET', '/v1/whoami', { cookie })).status, 401);
    assert.deepEqual(await warnings(), ['cookie_key_not_shared']);
  });
});

async function ask(
  { url }: ServiceProcess,
  method: string,
  path: string,
  { key, cookie, json }: Asked,
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(cookie !== undefined && { cookie }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  return {
    status: response.status,
    body: (await response.json()) as Answer['body'],
    cookie: response.headers.getSetCookie()[0]?.split(';')[0],
  };
}
