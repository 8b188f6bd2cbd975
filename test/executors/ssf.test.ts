import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, verify as verifySignature } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import jsonwebtoken from 'jsonwebtoken';
import { SsfExecutorConfig } from '../../schemas/executor-config.ts';
import type { ExecutionRequest, Executor } from '../../services/contain/executor.ts';
import { openExecutor } from '../../services/contain/executors/index.ts';
import { publicJwk, readSigningKey } from '../../services/contain/executors/signing-key.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { bodyOf, open, patient, requestFor, serve } from './support.ts';

const ISSUER = 'https://countersign.example';
const AUDIENCE = 'https://receiver.example';

const KEYS: readonly ['ES256' | 'RS256' | 'EdDSA', KeyObject][] = [
  ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ['EdDSA', generateKeyPairSync('ed25519').privateKey],
];
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const EC = pemOf(KEYS[0]?.[1] ?? assert.fail());

function executor(endpoint: string, over: object = {}, pem = EC): Executor {
  const settings = { name: 'receiver', type: 'ssf', endpoint, issuer: ISSUER, audience: AUDIENCE, key_id: 'k1' };
  const parsed = SsfExecutorConfig.parse({ ...settings, private_key_file: 'key.pem', ...over });
  return open(parsed, { private_key_file: pem, token_file: 'push-token' });
}

type Pushed = { readonly headers: IncomingHttpHeaders; readonly body: string };

async function push(over: Partial<ExecutionRequest>, settings: object = {}, pem = EC) {
  const pushed: Pushed[] = [];
  const endpoint = await serve(async (request, response) => {
    pushed.push({ headers: request.headers, body: await bodyOf(request) });
    response.writeHead(202).end();
  });
  const asked = requestFor(over);
  const set = executor(endpoint, settings, pem);
  const result = await set.execute(asked, 1, patient());
  assert.deepEqual(result, { kind: 'done', detail: 'HTTP 202: the receiver has taken the event' });
  return { asked, set, pushed };
}

const claims = (token: string): Record<string, unknown> => jsonwebtoken.decode(token) as Record<string, unknown>;
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type';

describe('a pushed security event token', () => {
  for (const [alg, key] of KEYS) {
    test(`signed with ${alg} is verified by what the receiver was given`, async () => {
      const over = { action: 'quarantine_session', target: 's-1' } as const;
      const { asked, pushed } = await push(over, {}, pemOf(key));
      const [{ headers, body } = assert.fail('nothing came')] = pushed;
      assert.equal(headers['content-type'], 'application/secevent+jwt');
      assert.equal(headers.authorization, 'Bearer push-token');
      const signing = readSigningKey(pemOf(key));
      const jwk = typeof signing === 'string' ? assert.fail(signing) : publicJwk(signing, 'k1');
      assert.ok(!('d' in jwk), 'only the public half');
      const [header] = body.split('.').map((part) => Buffer.from(part, 'base64url').toString());
      assert.deepEqual(JSON.parse(header ?? ''), { alg, kid: 'k1', typ: 'secevent+jwt' });
      const expected = {
        iss: ISSUER,
        aud: AUDIENCE,
        iat: Math.floor(asked.started / 1000),
        jti: 'ctn_1',
        txn: asked.containment,
        sub_id: {
          format: 'complex',
          user: { format: 'opaque', id: 'agent-7' },
          session: { format: 'opaque', id: 's-1' },
          tenant: { format: 'opaque', id: 'default' },
        },
        events: {
          [CAEP]: {
            event_timestamp: Math.floor(asked.started / 1000),
            initiating_entity: 'admin',
            reason_admin: { en: `countersigned: quarantine the session s-1 (${asked.digest})` },
          },
        },
      };
      assert.deepEqual(claims(body), expected);
      // jsonwebtoken knows no EdDSA: there node:crypto alone is the other implementation.
      const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
      const verify = (token: string) =>
        alg === 'EdDSA'
          ? verifyEdDsa(token, publicKey)
          : jsonwebtoken.verify(token, publicKey, { algorithms: [alg], audience: AUDIENCE, issuer: ISSUER });
      assert.deepEqual(verify(body), expected);
      const [head, payload, signature] = body.split('.');
      const forged = Buffer.from(JSON.stringify({ ...expected, jti: 'other' })).toString('base64url');
      assert.throws(() => verify(`${head}.${forged}.${signature}`));
      assert.throws(() => verify(`${head}.${payload}.`));
    });
  }

  test('has the same claims in every attempt', async () => {
    const { asked, set, pushed } = await push({});
    await set.execute(asked, 2, patient());
    const [first, second] = pushed.map(({ body }) => claims(body));
    assert.deepEqual(first, second);
  });

  test('says of an account that it was disabled, and that it was enabled again', async () => {
    for (const [direction, event] of [
      ['contain', 'account-disabled'],
      ['restore', 'account-enabled'],
    ] as const) {
      const { pushed } = await push({ action: 'suspend_agent', direction });
      const { events, sub_id } = claims(pushed[0]?.body ?? '');
      assert.deepEqual(events, { [`${RISC}/${event}`]: {} });
      assert.deepEqual(sub_id, { format: 'opaque', id: 'agent-7' });
    }
  });

  test('names whom it is about as the receiver knows them', async () => {
    const subject = async (settings: object) =>
      claims((await push({ action: 'suspend_agent' }, settings)).pushed[0]?.body ?? '').sub_id;
    const issuer = 'https://idp.example';
    assert.deepEqual(await subject({ subject_format: 'iss_sub', subject_issuer: issuer }), {
      format: 'iss_sub',
      iss: issuer,
      sub: 'agent-7',
    });
    assert.deepEqual(await subject({ subject_format: 'email' }), { format: 'email', email: 'agent-7' });
  });
});

function verifyEdDsa(token: string, key: KeyObject): unknown {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const bytes = Buffer.from(`${head}.${payload}`);
  assert.ok(verifySignature(null, bytes, key, Buffer.from(signature, 'base64url')));
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
}

describe('what the answer of a receiver means', () => {
  const at = async (act: (response: ServerResponse) => void, attempt = 1) => {
    const endpoint = await serve((_, response) => act(response));
    return executor(endpoint).execute(requestFor(), attempt, patient());
  };
  const cases: [number, string, string][] = [
    [202, 'done', 'done'],
    [200, 'unclear', 'unclear'],
    [204, 'unclear', 'unclear'],
    [307, 'failed', 'unclear'],
    [400, 'failed', 'unclear'],
    [401, 'failed', 'unclear'],
    [404, 'failed', 'unclear'],
    [429, 'unclear', 'unclear'],
    [500, 'unclear', 'unclear'],
    [503, 'unclear', 'unclear'],
  ];
  for (const [status, first, later] of cases) {
    test(`${status} is ${first}, and after another attempt ${later}`, async () => {
      const act = (response: ServerResponse): void => void response.writeHead(status, { location: '/x' }).end();
      assert.equal((await at(act)).kind, first);
      assert.equal((await at(act, 2)).kind, later);
    });
  }

  test('an error of the standard is named', async () => {
    const result = await at((response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end('{"err":"invalid_audience","description":"not for me"}');
    });
    assert.equal(result.kind, 'failed');
    assert.match(result.detail, /invalid_audience.*not for me/);
  });

  test('a reset is unclear, and nobody there has been sent nothing', async () => {
    const reset = await at((response) => void response.destroy());
    assert.deepEqual([reset.kind, reset.nothing_sent], ['unclear', undefined]);
    const nobody = await executor('http://127.0.0.1:1/').execute(requestFor(), 1, patient());
    assert.deepEqual([nobody.kind, nobody.nothing_sent], ['unclear', true]);
  });

  test('nothing is pushed after the deadline', async () => {
    const endpoint = await serve(() => assert.fail('nothing may arrive'));
    const late = requestFor({ deadline: 1 });
    assert.equal((await executor(endpoint).execute(late, 1, patient())).kind, 'failed');
    assert.equal((await executor(endpoint).execute(late, 2, patient())).kind, 'unclear');
  });
});

describe('what it says of itself', () => {
  test('what Shared Signals has words for', () => {
    const set = executor('https://receiver.example/events');
    const order = { identity_kind: 'agent', tenant: 'default' } as const;
    const carried = (['contain', 'restore'] as const).flatMap((direction) =>
      (
        ['restrict_tool', 'restrict_data_class', 'quarantine_session', 'revoke_credential', 'suspend_agent'] as const
      ).filter((action) => set.carriesOut({ ...order, action, direction })),
    );
    assert.deepEqual(carried, ['quarantine_session', 'revoke_credential', 'suspend_agent', 'suspend_agent']);
  });

  test('its dry run shows the claims, and neither key nor token', () => {
    const text = executor('https://receiver.example/events').dryRun(requestFor());
    assert.match(text, /session-revoked/);
    assert.ok(!text.includes('push-token') && !text.includes('PRIVATE'));
  });

  test('a key that signs nothing is refused without being shown', () => {
    const weak = pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
    const curve = pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey);
    const agreement = pemOf(generateKeyPairSync('x25519').privateKey);
    for (const pem of ['', 'no key', weak, curve, agreement]) {
      const settings = { name: 'r', type: 'ssf', endpoint: 'https://r.example', issuer: ISSUER, audience: AUDIENCE };
      const parsed = SsfExecutorConfig.parse({ ...settings, key_id: 'k', private_key_file: 'k' });
      const opened = openExecutor(parsed, { private_key_file: pem }, { clock: systemClock });
      assert.ok(opened.kind === 'refused' && opened.problem.field === 'private_key_file');
      assert.ok(pem === '' || !opened.problem.message.includes(pem));
    }
  });
});
