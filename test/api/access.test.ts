import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { LIMITS } from '../../schemas/limits.ts';
import { ROLES } from '../../schemas/principal.ts';
import { ROUTES } from '../../services/api/routes/index.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, startService } from './support/service.ts';

/** Who may call what, written down a second time and by hand: a change of the route table has to be meant. */
const MATRIX: Readonly<Record<string, string>> = {
  'GET /health': 'everybody',
  'GET /health/ready': 'everybody',
  'GET /metrics': 'viewer siem admin',
  'GET /v1/openapi.json': 'viewer analyst approver siem ingest admin',
  'GET /v1/whoami': 'viewer analyst approver siem ingest admin',
  'GET /v1/status': 'viewer analyst approver admin',
  'GET /v1/sources': 'viewer analyst approver admin',
  'GET /v1/dead-letters': 'analyst admin',
  'POST /v1/events': 'ingest',
  'POST /v1/traces': 'ingest',
  'POST /v1/logs': 'ingest',
  'GET /v1/alerts': 'viewer analyst approver',
  'GET /v1/alerts/stream': 'viewer analyst approver',
  'GET /v1/alerts/:uid': 'viewer analyst approver',
  'POST /v1/alerts/:uid/verdict': 'analyst',
  'GET /v1/identities': 'viewer analyst approver',
  'GET /v1/identities/:id': 'viewer analyst approver',
  'GET /v1/identities/:id/events': 'viewer analyst approver',
  'GET /v1/containments': 'viewer analyst approver',
  'GET /v1/containments/:id': 'viewer analyst approver',
  'GET /v1/containments/:id/preview': 'viewer analyst approver',
  'POST /v1/containments/:id/approve': 'approver',
  'POST /v1/containments/:id/deny': 'approver',
  'POST /v1/containments/:id/cancel': 'analyst approver',
  'POST /v1/containments': 'analyst approver',
  'GET /v1/policy': 'viewer analyst approver admin',
  'PUT /v1/policy': 'admin',
  'POST /v1/policy/dry-run': 'admin',
  'POST /v1/containments/:id/amend': 'analyst approver',
  'POST /v1/containments/:id/rollback': 'analyst approver',
  'POST /v1/containments/:id/resolve': 'analyst approver',
  'POST /v1/alerts/:uid/verdict/undo': 'analyst',
  'GET /v1/directives': 'viewer analyst approver admin',
  'POST /v1/directives/:uid/end': 'analyst admin',
  'POST /v1/suppressions': 'analyst admin',
  'POST /v1/budgets': 'admin',
  'POST /v1/changes': 'analyst admin',
  'GET /v1/gaps': 'viewer analyst approver admin',
  'POST /v1/gaps/:id/decision': 'admin',
  'GET /v1/siem/alerts': 'siem',
  'GET /v1/audit': 'admin siem',
  'GET /v1/audit/export': 'admin siem',
  'GET /v1/audit/key': 'viewer analyst approver siem ingest admin',
  'GET /auth/providers': 'everybody',
  'POST /auth/password': 'everybody',
  'POST /auth/link': 'everybody',
  'GET /auth/oidc/:provider': 'everybody',
  'GET /auth/callback/:provider': 'everybody',
  'GET /auth/session': 'viewer analyst approver siem ingest admin',
  'POST /auth/new-password': 'viewer analyst approver siem ingest admin',
  'POST /auth/step-up': 'viewer analyst approver siem ingest admin',
  'POST /auth/sign-out': 'viewer analyst approver siem ingest admin',
  'POST /v1/step-up': 'approver',
  'GET /v1/sessions': 'admin',
  'DELETE /v1/sessions/:id': 'viewer analyst approver siem ingest admin',
  'DELETE /v1/principals/:issuer/:subject/sessions': 'admin',
  'POST /v1/principals/:issuer/:subject/link': 'admin',
  'PUT /v1/principals/:issuer/:subject/roles': 'admin',
  'POST /v1/keys/:id/rotate': 'viewer analyst approver siem ingest admin',
  'GET /v1/keys': 'admin',
  'POST /v1/keys': 'admin',
  'DELETE /v1/keys/:id': 'admin',
  'GET /v1/principals': 'admin',
  'POST /v1/principals': 'admin',
  'DELETE /v1/principals/:issuer/:subject': 'admin',
  'GET /v1/subscriptions': 'admin',
  'PUT /v1/subscriptions/:id': 'admin',
  'DELETE /v1/subscriptions/:id': 'admin',
  'POST /v1/subscriptions/:id/redeliver': 'admin',
  'POST /v1/subscriptions/:id/retry': 'admin',
};

/** A request that gets past the door or not, and does nothing either way: what it is about does not exist. */
function probe(route: string): InjectOptions {
  const [method = '', path = ''] = route.split(' ');
  const url = path
    .replace('/v1/containments/:id', `/v1/containments/${'0'.repeat(32)}`)
    .replace('/v1/sessions/:id', `/v1/sessions/${'0'.repeat(32)}`)
    .replace('/v1/keys/:id', `/v1/keys/${'0'.repeat(16)}`)
    .replaceAll(/:\w+/g, 'nothing');
  // A stream would not end by itself: with a cursor that is none it is refused behind the door.
  const query = path.endsWith('/stream') ? '?cursor=none' : '';
  return { method: method as 'GET', url: `${url}${query}` };
}

/** Answered, led to a page, or told that the empty body is not enough: nobody is asked for a key. */
const AT_THE_OPEN_DOOR: ReadonlySet<number> = new Set([200, 303, 400]);

const AT_THE_DOOR = ['credential_missing', 'credential_refused', 'role_missing', 'too_many_failures'];

describe('who may call what', { concurrency: 1 }, () => {
  let service: Service;
  before(async () => {
    service = await startService();
  });
  after(() => service.close());

  test('the matrix names every route and no other', () => {
    const routes = ROUTES.map(({ method, url }) => `${String(method)} ${url}`);
    assert.deepEqual(routes.toSorted(), Object.keys(MATRIX).toSorted());
    assert.equal(new Set(routes).size, routes.length);
  });

  for (const [route, allowed] of Object.entries(MATRIX)) {
    for (const role of ROLES) {
      const may = allowed === 'everybody' || allowed.split(' ').includes(role);
      test(`${role} ${may ? 'may' : 'may not'} ${route}`, async () => {
        const response = await service.as(role, probe(route));
        const code = codeOf(response.payload);
        if (may) assert.ok(!AT_THE_DOOR.includes(code ?? ''), `${response.statusCode} ${response.payload}`);
        else assert.deepEqual([response.statusCode, code], [403, 'role_missing']);
      });
    }

    test(`nobody without a key, or with another's, gets past ${route}`, async () => {
      const [id] = [...service.ports.control.state.keys.keys()];
      const headers: InjectOptions['headers'][] = [
        {},
        { authorization: '' },
        { authorization: 'Bearer' },
        { authorization: `Basic ${service.tokens.root}` },
        { authorization: service.tokens.root },
        { authorization: `Bearer csk_${id}_${'A'.repeat(32)}` },
        { authorization: `Bearer ${service.tokens.root}x` },
        { authorization: `Bearer ${service.tokens.root} ${service.tokens.root}` },
        { cookie: `authorization=${service.tokens.root}` },
      ];
      for (const sent of headers) {
        const response = await service.app.inject({ ...probe(route), headers: sent ?? {} });
        if (allowed === 'everybody') assert.ok(AT_THE_OPEN_DOOR.has(response.statusCode), `${response.statusCode}`);
        else assert.ok([401, 429].includes(response.statusCode), `${JSON.stringify(sent)} ${response.statusCode}`);
      }
    });
  }
});

describe('keys and their holders', { concurrency: 1 }, () => {
  let service: Service;
  before(async () => {
    service = await startService();
  });
  after(() => service.close());

  const use = (token: string, url = '/v1/whoami') =>
    service.app.inject({ url, headers: { authorization: `Bearer ${token}` } });

  const make = async (body: Record<string, unknown>): Promise<{ token: string; key: { id: string } }> => {
    const made = await service.as('admin', { method: 'POST', url: '/v1/keys', payload: body });
    assert.equal(made.statusCode, 201, made.payload);
    return made.json();
  };

  test('whoami says whose key it is and what it may do', async () => {
    const mine = (await service.as('root', '/v1/whoami')).json<Record<string, unknown>>();
    assert.deepEqual(mine.principal, { issuer: 'local', subject: 'root', human: true });
    assert.deepEqual(mine.roles, ['admin', 'analyst', 'approver', 'viewer']);
  });

  test('a key holds the roles it was given and no more of its holder', async () => {
    const { token } = await make({ principal: { subject: 'root' }, roles: ['viewer'] });
    assert.equal((await use(token, '/v1/alerts')).statusCode, 200);
    assert.equal((await use(token, '/v1/keys')).statusCode, 403);
  });

  test('a key for a role that its holder lacks is refused', async () => {
    const payload = { principal: { subject: 'viewer' }, roles: ['admin'] };
    const refused = await service.as('admin', { method: 'POST', url: '/v1/keys', payload });
    assert.deepEqual([refused.statusCode, codeOf(refused.payload)], [409, 'role_not_held']);
  });

  test('a revoked key is refused from the answer on, and revoking it again says so', async () => {
    const { token, key } = await make({ principal: { subject: 'viewer' }, roles: ['viewer'] });
    assert.equal((await use(token)).statusCode, 200);
    const url = `/v1/keys/${key.id}`;
    assert.equal((await service.as('admin', { method: 'DELETE', url })).statusCode, 200);
    assert.deepEqual([(await use(token)).statusCode, codeOf((await use(token)).payload)], [401, 'credential_refused']);
    const again = await service.as('admin', { method: 'DELETE', url });
    assert.deepEqual([again.statusCode, codeOf(again.payload)], [409, 'already_revoked']);
  });

  test('a principal is added with a first key and goes with all keys', async () => {
    const payload = { subject: 'ada', human: true, roles: ['approver', 'viewer'] };
    const made = await service.as('admin', { method: 'POST', url: '/v1/principals', payload });
    assert.equal(made.statusCode, 201, made.payload);
    const { token } = made.json<{ token: string }>();
    assert.equal((await use(token)).json<{ principal: { subject: string } }>().principal.subject, 'ada');
    const url = '/v1/principals/local/ada';
    assert.equal((await service.as('admin', { method: 'DELETE', url })).statusCode, 200);
    assert.equal((await use(token)).statusCode, 401);
    const taken = await service.as('admin', { method: 'POST', url: '/v1/principals', payload });
    assert.deepEqual([taken.statusCode, codeOf(taken.payload)], [409, 'principal_exists']);
  });

  test('a machine cannot be made an approver', async () => {
    const payload = { subject: 'bot', human: false, roles: ['approver'] };
    const refused = await service.as('admin', { method: 'POST', url: '/v1/principals', payload });
    assert.deepEqual([refused.statusCode, codeOf(refused.payload)], [409, 'approver_must_be_human']);
  });

  test('no list shows a hash or a secret', async () => {
    const set = await service.as('admin', {
      method: 'PUT',
      url: '/v1/subscriptions/soc',
      payload: { url: 'https://soc.example/hook' },
    });
    assert.equal(set.statusCode, 200, set.payload);
    const { new_secret } = set.json<{ new_secret: string }>();
    const lists = await Promise.all(
      ['/v1/keys', '/v1/principals', '/v1/subscriptions'].map((url) => service.as('admin', url)),
    );
    const shown = lists.map(({ payload }) => payload).join('\n');
    const hashes = [...service.ports.control.state.keys.values()].map(({ key }) => key.hash);
    for (const secret of [...Object.values(service.tokens), ...hashes, new_secret]) assert.ok(!shown.includes(secret));
    assert.match(new_secret, /^whsec_/);
  });

  test('a subscription that is replaced without secrets keeps its own', async () => {
    const secretsOf = () => service.ports.control.state.subscriptions.get('soc')?.subscription.secrets;
    const held = secretsOf();
    const payload = { url: 'https://soc.example/other', severity_min: 'high' };
    const set = await service.as('admin', { method: 'PUT', url: '/v1/subscriptions/soc', payload });
    assert.equal(set.statusCode, 200, set.payload);
    assert.equal(set.json<{ new_secret?: string }>().new_secret, undefined);
    const changed = service.ports.control.state.subscriptions.get('soc')?.subscription;
    assert.deepEqual([changed?.url, changed?.severity_min], [payload.url, payload.severity_min]);
    assert.deepEqual(secretsOf(), held);
    const gone = await service.as('admin', { method: 'DELETE', url: '/v1/subscriptions/soc' });
    assert.equal(gone.statusCode, 200);
    const again = await service.as('admin', { method: 'DELETE', url: '/v1/subscriptions/soc' });
    assert.deepEqual([again.statusCode, codeOf(again.payload)], [404, 'subscription_unknown']);
  });

  test('an address with many refused keys is told to wait, and a valid key there still works', async () => {
    const refused = () => use(`csk_${'0'.repeat(16)}_${'A'.repeat(32)}`);
    const answers = [];
    for (let i = 0; i <= LIMITS.auth_failures_max; i++) answers.push((await refused()).statusCode);
    assert.equal(answers.at(0), 401);
    const limited = await refused();
    assert.deepEqual([limited.statusCode, codeOf(limited.payload)], [429, 'too_many_failures']);
    assert.match(limited.headers['retry-after']?.toString() ?? '', /^\d+$/);
    const metrics = await service.telemetry.registry.metrics();
    assert.match(metrics, /countersign_authentications_refused_total\{reason="key_refused"\} \d/);
    assert.match(metrics, /countersign_authentications_limited_total \d/);
    assert.equal((await use(service.tokens.viewer)).statusCode, 200);
    const elsewhere = await service.app.inject({ url: '/v1/whoami', remoteAddress: '192.0.2.7' });
    assert.equal(elsewhere.statusCode, 401);
  });

  test('a vote needs a human, whatever roles the key holds', async () => {
    const alert = plainAlert({ uid: 'f'.repeat(32) });
    await service.raise(alert);
    const [containment] = [...service.ports.control.state.containments.values()];
    assert.ok(containment !== undefined);
    const url = `/v1/containments/${containment.id}/approve`;
    const payload = { digest: containment.digest };
    const refused = await service.as('robot', { method: 'POST', url, payload });
    assert.deepEqual([refused.statusCode, codeOf(refused.payload)], [403, 'not_human']);
  });

  test('what is not in the route table looks the same to strangers as what is', async () => {
    const known = await service.app.inject({ url: '/v1/alerts', remoteAddress: '192.0.2.8' });
    const unknown = await service.app.inject({ url: '/v1/nothing', remoteAddress: '192.0.2.8' });
    assert.equal(unknown.payload, known.payload);
    assert.equal(unknown.statusCode, known.statusCode);
    const inside = await service.as('viewer', '/v1/nothing');
    assert.deepEqual([inside.statusCode, codeOf(inside.payload)], [404, 'route_unknown']);
  });
});

/** Routes of OTLP refuse with a status whose message begins with our code. */
function codeOf(payload: string): string | undefined {
  try {
    const { error, message } = JSON.parse(payload) as { error?: { code?: string }; message?: string };
    return error?.code ?? message?.split(':')[0];
  } catch {
    return undefined;
  }
}
