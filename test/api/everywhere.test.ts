import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../services/api/app.ts';
import { createCommandBus } from '../../services/control/command-bus.ts';
import { type ControlView, openControlView } from '../../services/control/view.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { type Service, startService } from './support/service.ts';

const PASSWORD = 'six yellow ducks cross';

/** Two API processes, as far as they can know of each other: each folds the log by itself and has its own memory. */
describe('what one process ends is over in every other', { concurrency: 1 }, () => {
  let service: Service;
  let view: ControlView;
  let other: FastifyInstance;
  before(async () => {
    service = await startService();
    const { clock } = service.ports;
    view = await openControlView(service.log, clock);
    const commands = createCommandBus({ log: service.log, view, clock });
    other = await buildApp({ ...service.ports, control: view, commands, telemetry: silentTelemetry() });
  });
  after(async () => {
    await other.close();
    await view.close();
    await service.close();
  });

  const admin = () => ({ authorization: `Bearer ${service.tokens.root}` });
  /** Both see the same log; the other one is waited for as any reader is. */
  const caughtUp = async (): Promise<void> => {
    const { end } = await service.log.bounds('agent.control', 0);
    assert.ok(await view.waitForOffset(end - 1, AbortSignal.timeout(5_000)));
  };
  const cookieOf = async (app: FastifyInstance, subject: string): Promise<string> => {
    const url = `/v1/principals/local/${subject}/link`;
    const made = await app.inject({ method: 'POST', url, headers: admin() });
    assert.equal(made.statusCode, 201, made.body);
    const token = String(made.json().path).split('#')[1];
    const opened = await app.inject({ method: 'POST', url: '/auth/link', payload: { token, password: PASSWORD } });
    assert.equal(opened.statusCode, 200, opened.body);
    return `countersign=${opened.cookies.find(({ name }) => name === 'countersign')?.value}`;
  };
  const whoami = async (app: FastifyInstance, headers: Record<string, string>): Promise<number> =>
    (await app.inject({ url: '/v1/whoami', headers })).statusCode;

  test('a session of one opens the other, and its end closes both', async () => {
    const cookie = await cookieOf(service.app, 'viewer');
    await caughtUp();
    assert.equal(await whoami(other, { cookie }), 200);
    const { session } = (await other.inject({ url: '/v1/whoami', headers: { cookie } })).json();
    const ended = await other.inject({ method: 'DELETE', url: `/v1/sessions/${session}`, headers: admin() });
    assert.equal(ended.statusCode, 200, ended.body);
    await service.drain();
    await reaches(() => whoami(service.app, { cookie }), 401);
    assert.equal(await whoami(other, { cookie }), 401);
  });

  test('a link that one has opened opens nothing at the other', async () => {
    const made = await service.app.inject({
      method: 'POST',
      url: '/v1/principals/local/analyst/link',
      headers: admin(),
    });
    const token = String(made.json().path).split('#')[1];
    await caughtUp();
    const payload = { token, password: PASSWORD };
    const both = await Promise.all(
      [service.app, other].map((app) => app.inject({ method: 'POST', url: '/auth/link', payload })),
    );
    assert.deepEqual(both.map(({ statusCode }) => statusCode).toSorted(), [200, 401]);
  });

  test('a key that one has revoked is refused by the other; one that was rotated goes on for its time', async () => {
    const keys = async (): Promise<{ id: string; token: string }> => {
      const payload = { principal: { subject: 'viewer' }, roles: ['viewer'] };
      const made = await service.app.inject({ method: 'POST', url: '/v1/keys', headers: admin(), payload });
      return { id: made.json().key.id, token: made.json().token };
    };
    const [revoked, rotated] = [await keys(), await keys()];
    await caughtUp();
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    assert.equal(await whoami(other, bearer(revoked.token)), 200);
    await service.app.inject({ method: 'DELETE', url: `/v1/keys/${revoked.id}`, headers: admin() });
    await caughtUp();
    assert.equal(await whoami(other, bearer(revoked.token)), 401);

    const url = `/v1/keys/${rotated.id}/rotate`;
    const own = bearer(rotated.token);
    const made = await other.inject({ method: 'POST', url, headers: own, payload: { overlap_ms: 60_000 } });
    assert.equal(made.statusCode, 201, made.body);
    assert.deepEqual(made.json().key.roles, ['viewer']);
    assert.equal(await whoami(other, own), 200);
    assert.equal(await whoami(other, bearer(made.json().token)), 200);
    const again = await other.inject({ method: 'POST', url, headers: own, payload: {} });
    assert.equal(again.json().error.code, 'already_revoked');
    const at_once = await other.inject({
      method: 'POST',
      url: `/v1/keys/${made.json().key.id}/rotate`,
      headers: bearer(made.json().token),
      payload: { overlap_ms: 0 },
    });
    assert.equal(at_once.statusCode, 201);
    assert.equal(await whoami(other, bearer(made.json().token)), 401);
  });
});

/** Asks until the answer is there: the other process reads the log a moment later. */
async function reaches(ask: () => Promise<number>, wanted: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await ask()) === wanted) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail(`never ${wanted}`);
}
