import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { LightMyRequestResponse } from 'fastify';
import { LIMITS } from '../../schemas/limits.ts';
import { mintLink } from '../../services/control/tokens.ts';
import { type Service, startService } from './support/service.ts';

const PASSWORD = 'correct horse battery staple';

type Browser = { cookie: string; csrf: string };

describe('local people', { concurrency: 1 }, () => {
  let service: Service;
  before(async () => {
    service = await startService();
  });
  after(() => service.close());

  const post = (url: string, payload: object, headers: Record<string, string> = {}) =>
    service.app.inject({ method: 'POST', url, payload, headers });
  const cookieOf = (answer: LightMyRequestResponse): string => {
    const found = answer.cookies.find(({ name }) => name === 'countersign');
    assert.ok(found !== undefined, `no cookie: ${answer.statusCode} ${answer.body}`);
    return `${found.name}=${found.value}`;
  };
  const codeOf = (answer: LightMyRequestResponse): string => answer.json().error.code;
  const newLink = async (subject: string): Promise<string> => {
    const { clock, randomBytes, commands, control } = service.ports;
    const { link, token } = mintLink({ issuer: 'local', subject }, { randomBytes, now: clock.now() });
    const [key] = [...control.state.keys.values()].filter((one) => one.key.principal.subject === 'admin');
    const done = await commands.ask({
      type: 'link_create',
      link,
      id: `link-${link.id}`,
      by: { issuer: 'local', subject: 'admin' },
      credential: key?.key.id,
      time: clock.now(),
    });
    assert.equal(done.kind, 'done');
    return token;
  };
  const signIn = async (subject: string): Promise<Browser> => {
    const answer = await post('/auth/link', { token: await newLink(subject), password: PASSWORD });
    assert.equal(answer.statusCode, 200, answer.body);
    return { cookie: cookieOf(answer), csrf: answer.json().csrf };
  };
  const as = (browser: Browser, url: string) => service.app.inject({ url, headers: { cookie: browser.cookie } });

  let root: Browser;
  beforeEach(async () => {
    root = await signIn('root');
  });

  test('open a link once, set a password, and are who they are', async () => {
    const token = await newLink('approver');
    const answer = await post('/auth/link', { token, password: PASSWORD });
    assert.deepEqual(answer.json().roles, ['approver']);
    const cookie = answer.cookies.find(({ name }) => name === 'countersign');
    assert.equal(cookie?.httpOnly, true);
    assert.equal(cookie?.sameSite, 'Lax');
    assert.equal(cookie?.secure, undefined, 'without TLS a browser would not keep it');
    const again = await post('/auth/link', { token, password: PASSWORD });
    assert.equal(codeOf(again), 'link_refused');
    const me = await as({ cookie: cookieOf(answer), csrf: '' }, '/v1/whoami');
    assert.equal(me.json().principal.subject, 'approver');
  });

  test('sign in with the password, and with nothing else', async () => {
    const right = await post('/auth/password', { name: 'root', password: PASSWORD });
    assert.equal(right.statusCode, 200, right.body);
    const wrong = await post('/auth/password', { name: 'root', password: `${PASSWORD}.` });
    const nobody = await post('/auth/password', { name: 'nobody', password: PASSWORD });
    const unset = await post('/auth/password', { name: 'viewer', password: PASSWORD });
    assert.deepEqual(
      [wrong, nobody, unset].map((one) => [one.statusCode, one.body]),
      Array.from({ length: 3 }, () => [401, wrong.body]),
    );
  });

  test('change something only from a page of ours, with the token of the session', async () => {
    const payload = { subject: 'somebody', human: false, roles: ['viewer'] };
    const own = { cookie: root.cookie, origin: 'http://localhost', host: 'localhost' };
    for (const headers of [
      { cookie: root.cookie },
      { ...own },
      { ...own, 'x-csrf-token': 'x' },
      { ...own, 'x-csrf-token': root.csrf, origin: 'http://evil.example' },
      { ...own, 'x-csrf-token': root.csrf, 'sec-fetch-site': 'cross-site' },
      { ...own, 'x-csrf-token': root.csrf, 'sec-fetch-site': 'same-site' },
      { cookie: root.cookie, 'x-csrf-token': root.csrf, origin: 'null' },
    ]) {
      const answer = await post('/v1/principals', payload, headers);
      assert.equal(codeOf(answer), 'csrf_refused', JSON.stringify(headers));
    }
    const answer = await post('/v1/principals', payload, { ...own, 'x-csrf-token': root.csrf });
    assert.equal(answer.statusCode, 201, answer.body);
  });

  test('sign out, and the cookie opens nothing', async () => {
    const own = { cookie: root.cookie, 'sec-fetch-site': 'same-origin' };
    const answer = await service.app.inject({
      method: 'POST',
      url: '/auth/sign-out',
      headers: { ...own, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ csrf: root.csrf }).toString(),
    });
    assert.equal(answer.statusCode, 303, answer.body);
    assert.equal(answer.headers.location, '/signed-out');
    assert.equal(codeOf(await as(root, '/v1/whoami')), 'session_over');
  });

  test('keep their say whatever names strangers try', async () => {
    const wrong = { name: 'again root', password: 'no no no no no' };
    for (let i = 0; i < LIMITS.sign_in_failures_pair_max; i++) {
      assert.equal(codeOf(await post('/auth/password', wrong)), 'sign_in_refused');
    }
    assert.equal(codeOf(await post('/auth/password', wrong)), 'sign_in_limited');
    const answer = await service.app.inject({
      method: 'POST',
      url: '/auth/step-up',
      headers: { cookie: root.cookie, 'x-csrf-token': root.csrf, 'sec-fetch-site': 'same-origin' },
      payload: { containment: 'a'.repeat(32), digest: 'b'.repeat(64), password: PASSWORD },
    });
    assert.equal(codeOf(answer), 'unknown_containment', 'the password was looked at');
  });

  test('are turned away after too many wrong passwords, and others are not', async () => {
    const wrong = () => post('/auth/password', { name: 'analyst', password: 'no no no no no' });
    for (let i = 0; i < LIMITS.sign_in_failures_pair_max; i++) assert.equal(codeOf(await wrong()), 'sign_in_refused');
    const limited = await wrong();
    assert.equal(codeOf(limited), 'sign_in_limited');
    assert.ok(Number(limited.headers['retry-after']) > 0);
    const other = await post('/auth/password', { name: 'root', password: PASSWORD });
    assert.equal(other.statusCode, 200);
  });
});
