import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { buildApp } from '../../services/api/app.ts';
import type { Ports } from '../../services/api/ports.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { type Service, startService } from './support/service.ts';

const PASSWORD = 'six yellow ducks cross';
const IDLE_MS = 30 * UNITS.MINUTE_MS;
const SESSION_MS = 70 * UNITS.MINUTE_MS;

/** Time at the door stands still and is moved by hand; the responder's goes on by itself. */
describe('a session ends', { concurrency: 1 }, () => {
  const began = systemClock.now();
  const began_elapsed = systemClock.elapsed();
  let ahead_ms = 0;
  let service: Service;
  /** Of another process that was given no cookie key, so it has one of its own. */
  let stranger: FastifyInstance;
  before(async () => {
    const clock = { ...systemClock, now: () => began + ahead_ms, elapsed: () => began_elapsed + ahead_ms };
    const times = { session_ms: SESSION_MS, idle_ms: IDLE_MS };
    const change = (ports: Ports): Ports => ({ ...ports, clock, auth: { ...ports.auth, ...times } });
    service = await startService({ change });
    const auth = { ...service.ports.auth, cookie_key: Buffer.alloc(32, 7) };
    stranger = await buildApp({ ...service.ports, auth, telemetry: silentTelemetry() });
  });
  after(async () => {
    await stranger.close();
    await service.close();
  });
  beforeEach(() => {
    ahead_ms = 0;
  });

  const cookieOf = (answer: LightMyRequestResponse): string | undefined => {
    const found = answer.cookies.find(({ name }) => name === 'countersign');
    return found === undefined ? undefined : `countersign=${found.value}`;
  };
  const signIn = async (): Promise<string> => {
    const made = await service.as('admin', { method: 'POST', url: '/v1/principals/local/viewer/link' });
    const token = String(made.json().path).split('#')[1];
    const payload = { token, password: PASSWORD };
    const opened = await service.app.inject({ method: 'POST', url: '/auth/link', payload });
    assert.equal(opened.statusCode, 200, opened.body);
    return cookieOf(opened) ?? '';
  };
  const whoami = (cookie: string, app = service.app) => app.inject({ url: '/v1/whoami', headers: { cookie } });
  const codeOf = (answer: LightMyRequestResponse): string | undefined => answer.json().error?.code;

  test('after so long without use; use renews it', async () => {
    const first = await signIn();
    ahead_ms = IDLE_MS - 1;
    const used = await whoami(first);
    assert.equal(used.statusCode, 200, used.body);
    const renewed = cookieOf(used);
    assert.ok(renewed !== undefined && renewed !== first);
    ahead_ms = IDLE_MS;
    assert.equal(codeOf(await whoami(first)), 'session_over');
    ahead_ms = 2 * IDLE_MS - 2;
    assert.equal((await whoami(renewed)).statusCode, 200);
    ahead_ms = 2 * IDLE_MS - 1;
    assert.equal(codeOf(await whoami(renewed)), 'session_over');
  });

  test('after so long, however much it is used', async () => {
    let cookie = await signIn();
    for (ahead_ms = 0; ahead_ms < SESSION_MS; ahead_ms += IDLE_MS / 2) {
      const answer = await whoami(cookie);
      assert.equal(answer.statusCode, 200, `${ahead_ms}`);
      cookie = cookieOf(answer) ?? cookie;
    }
    ahead_ms = SESSION_MS - 1;
    const last = await whoami(cookie);
    assert.equal(last.statusCode, 200, last.body);
    ahead_ms = SESSION_MS;
    assert.equal(codeOf(await whoami(cookieOf(last) ?? '')), 'session_over');
  });

  test('never at a time that its holder writes into the cookie', async () => {
    const cookie = await signIn();
    ahead_ms = IDLE_MS;
    const [token, , mac] = cookie.split('.');
    const forged = [token, (began + ahead_ms).toString(36), mac].join('.');
    assert.equal(codeOf(await whoami(forged)), 'session_over');
  });

  test('at a process with another cookie key, which warns of it and counts it as no guess', async () => {
    const warnings = async (): Promise<string[]> => {
      const headers = { authorization: `Bearer ${service.tokens.admin}` };
      const answer = await stranger.inject({ url: '/v1/status', headers });
      return answer.json<{ warnings: { code: string }[] }>().warnings.map(({ code }) => code);
    };
    assert.deepEqual(await warnings(), []);
    assert.equal(
      (await whoami(`countersign=css_${'0'.repeat(32)}_${'a'.repeat(32)}.1.${'a'.repeat(22)}`, stranger)).statusCode,
      401,
    );
    assert.deepEqual(await warnings(), [], 'what is the cookie of no session says nothing');
    const cookie = await signIn();
    for (let i = 0; i < LIMITS.auth_failures_max + 2; i++) {
      assert.equal(codeOf(await whoami(cookie, stranger)), 'session_over');
    }
    assert.deepEqual(await warnings(), ['cookie_key_not_shared']);
    ahead_ms = IDLE_MS;
    assert.deepEqual(await warnings(), []);
  });
});
