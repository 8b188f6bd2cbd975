import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Oauth2ExecutorConfig } from '../../schemas/executor-config.ts';
import type { Executor } from '../../services/contain/executor.ts';
import { type Authority, openAuthority, privateKey, SECRET } from './provider.ts';
import { open, patient, requestFor } from './support.ts';

let authority: Authority;
let directory: string;
let tokens: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-tokens-'));
  tokens = join(directory, 'tokens.json');
  authority = await openAuthority();
});
after(() => rm(directory, { recursive: true, force: true }));
beforeEach(() => {
  authority.meddle(() => false);
  authority.asked();
});

const SECRETS = {
  client_secret_file: SECRET,
  private_key_file: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};

function executor(over: object = {}): Executor {
  const settings = Oauth2ExecutorConfig.parse({
    name: 'idp',
    type: 'oauth2',
    issuer: authority.issuer,
    client_id: 'basic',
    token_source: { type: 'file', path: tokens },
    ...over,
  });
  return open(settings, SECRETS);
}

const hold = (entries: unknown): Promise<void> => writeFile(tokens, JSON.stringify(entries));

describe('at a real authorization server', () => {
  const clients: readonly [string, object][] = [
    ['basic', { client_id: 'basic', client_auth: 'client_secret_basic' }],
    ['post', { client_id: 'post', client_auth: 'client_secret_post' }],
    ['keyed', { client_id: 'keyed', client_auth: 'private_key_jwt', key_id: 'k1' }],
  ];
  for (const [client, settings] of clients) {
    test(`revokes the grant as client ${client}, and believes only introspection`, async () => {
      const { access, refresh } = await authority.grant(client);
      const other = await authority.grant(client);
      await hold({
        'cred-1': [
          { token: access, token_type_hint: 'access_token' },
          { token: refresh, token_type_hint: 'refresh_token' },
        ],
        'cred-2': { token: other.refresh },
      });
      const idp = executor(settings);
      const looked = await idp.probe?.(requestFor(), patient());
      assert.equal(looked?.kind, 'not_done', looked?.detail);
      const result = await idp.execute(requestFor(), 1, patient());
      assert.deepEqual(result, {
        kind: 'done',
        detail: 'introspection says of each of 2 tokens that it is not active',
      });
      assert.equal(await authority.isActive('RefreshToken', refresh), false);
      assert.equal(await authority.isActive('AccessToken', access), false);
      assert.equal(await authority.isActive('RefreshToken', other.refresh), true, 'nobody else lost anything');
      assert.equal((await idp.probe?.(requestFor(), patient()))?.kind, 'done');
      const again = await idp.execute(requestFor(), 2, patient());
      assert.equal(again.kind, 'done', 'a repeat is harmless');
    });
  }

  test('finds the endpoints by the metadata, or takes those that are configured', async () => {
    const { refresh } = await authority.grant('basic');
    await hold({ 'cred-1': { token: refresh } });
    const endpoints = {
      revocation_endpoint: `${authority.issuer}/token/revocation`,
      introspection_endpoint: `${authority.issuer}/token/introspection`,
    };
    assert.equal(
      (await executor({ issuer: undefined, ...endpoints }).execute(requestFor(), 1, patient())).kind,
      'done',
    );
    assert.deepEqual(authority.asked(), [
      'POST /token/introspection',
      'POST /token/revocation',
      'POST /token/introspection',
    ]);
  });

  test('a token that was not active proves nothing, and nothing is sent', async () => {
    await hold({ 'cred-1': { token: 'never-issued' } });
    const result = await executor().execute(requestFor(), 1, patient());
    assert.equal(result.kind, 'failed');
    assert.match(result.detail, /no token of it was active before anything was sent/);
    assert.ok(!authority.asked().some((line) => line.includes('revocation')));
  });

  test('a client that may not authenticate changes nothing', async () => {
    const { refresh } = await authority.grant('basic');
    await hold({ 'cred-1': { token: refresh } });
    const opened = open(
      Oauth2ExecutorConfig.parse({
        name: 'idp',
        type: 'oauth2',
        issuer: authority.issuer,
        client_id: 'basic',
        token_source: { type: 'file', path: tokens },
      }),
      { client_secret_file: 'wrong' },
    );
    const result = await opened.execute(requestFor(), 1, patient());
    assert.deepEqual([result.kind, result.nothing_sent], ['unclear', true]);
    assert.match(result.detail, /HTTP 401/);
    assert.ok(await authority.isActive('RefreshToken', refresh));
  });
});

describe('an unclear answer', () => {
  const onRevocation =
    (act: (response: import('node:http').ServerResponse) => void) =>
    (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse): boolean => {
      if (request.url !== '/token/revocation') return false;
      act(response);
      return true;
    };

  test('a 200 of revocation while the token lives on is not believed', async () => {
    const { refresh } = await authority.grant('basic');
    await hold({ 'cred-1': { token: refresh } });
    authority.meddle(onRevocation((response) => void response.writeHead(200).end()));
    const result = await executor().execute(requestFor(), 1, patient());
    assert.equal(result.kind, 'unclear');
    assert.match(result.detail, /still|introspection: active/);
    assert.equal((await executor().probe?.(requestFor(), patient()))?.kind, 'not_done');
  });

  for (const [name, act] of [
    ['a 503', (response) => void response.writeHead(503, { 'retry-after': '1' }).end('busy')],
    ['a 429', (response) => void response.writeHead(429).end()],
    ['a reset', (response) => void response.destroy()],
  ] as [string, (response: import('node:http').ServerResponse) => void][]) {
    test(`${name} of revocation is unclear, and may have had its effect`, async () => {
      const { refresh } = await authority.grant('basic');
      await hold({ 'cred-1': { token: refresh } });
      authority.meddle(onRevocation(act));
      const result = await executor().execute(requestFor(), 1, patient());
      assert.deepEqual([result.kind, result.nothing_sent], ['unclear', undefined]);
    });
  }

  test('silence until the attempt is ended is unclear', async () => {
    const { refresh } = await authority.grant('basic');
    await hold({ 'cred-1': { token: refresh } });
    const stop = new AbortController();
    authority.meddle(onRevocation(() => stop.abort()));
    assert.equal((await executor().execute(requestFor(), 1, stop.signal)).kind, 'unclear');
  });

  test('a refusal is a failure once, and unclear after an attempt that may have been taken', async () => {
    const { refresh } = await authority.grant('basic');
    await hold({ 'cred-1': { token: refresh } });
    authority.meddle(
      onRevocation((response) => void response.writeHead(400).end('{"error":"unsupported_token_type"}')),
    );
    const first = await executor().execute(requestFor(), 1, patient());
    assert.equal(first.kind, 'failed');
    assert.match(first.detail, /unsupported_token_type/);
    assert.equal((await executor().execute(requestFor(), 2, patient())).kind, 'unclear');
  });

  test('a redirect is not followed with the token', async () => {
    const { refresh } = await authority.grant('basic');
    await hold({ 'cred-1': { token: refresh } });
    authority.meddle(onRevocation((response) => void response.writeHead(307, { location: '/stolen' }).end()));
    assert.equal((await executor().execute(requestFor(), 1, patient())).kind, 'failed');
    assert.ok(!authority.asked().some((line) => line.includes('stolen')));
  });

  const hostile = ['{"active":"false"}', '{"active":0}', '{}', '[]', 'null', 'false', '<html>', '{"active":false', '']
    .map((body): [string, string] => [body === '' ? 'nothing' : body, body])
    .concat([['a padded answer', `{"active":false}${' '.repeat(300_000)}`]])
    .concat([['an endless answer', `{"active":false,"x":"${'y'.repeat(300_000)}"}`]]);
  for (const [name, body] of hostile) {
    test(`introspection that answers ${name} says nothing`, async () => {
      const { refresh } = await authority.grant('basic');
      await hold({ 'cred-1': { token: refresh } });
      authority.meddle((request, response) => {
        if (request.url !== '/token/introspection') return false;
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
        return true;
      });
      assert.equal((await executor().probe?.(requestFor(), patient()))?.kind, 'unclear');
      assert.equal((await executor().execute(requestFor(), 2, patient())).kind, 'unclear');
    });
  }

  test('metadata of another issuer is not used', async () => {
    await hold({ 'cred-1': { token: 'secret-token' } });
    authority.meddle((request, response) => {
      if (request.url?.startsWith('/.well-known/') !== true) return false;
      const elsewhere = 'http://127.0.0.1:1/steal';
      const body = {
        issuer: 'https://evil.example',
        revocation_endpoint: elsewhere,
        introspection_endpoint: elsewhere,
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return true;
    });
    const result = await executor().execute(requestFor(), 1, patient());
    assert.deepEqual([result.kind, result.nothing_sent], ['unclear', true]);
    assert.match(result.detail, /not that of the configured issuer/);
  });

  test('metadata that points inside is not followed', async () => {
    await hold({ 'cred-1': { token: 'secret-token' } });
    authority.meddle((request, response) => {
      if (request.url?.startsWith('/.well-known/') !== true) return false;
      const inside = 'https://169.254.169.254/latest/meta-data';
      const body = { issuer: authority.issuer, revocation_endpoint: inside, introspection_endpoint: inside };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return true;
    });
    const result = await executor().execute(requestFor(), 1, patient());
    assert.match(result.detail, /TARGET_FORBIDDEN/);
    assert.equal(result.nothing_sent, true);
  });

  test('nothing is revoked after the deadline', async () => {
    const { refresh } = await authority.grant('basic');
    await hold({ 'cred-1': { token: refresh } });
    const late = requestFor({ deadline: 1 });
    assert.equal((await executor().execute(late, 1, patient())).kind, 'failed');
    assert.equal((await executor().execute(late, 2, patient())).kind, 'unclear');
    assert.ok(await authority.isActive('RefreshToken', refresh));
  });
});

describe('what it says of itself', () => {
  test('it revokes credentials and takes nothing back', () => {
    const carries = (over: object, order: object = {}): boolean =>
      executor(over).carriesOut({
        action: 'revoke_credential',
        direction: 'contain',
        identity_kind: 'agent',
        tenant: 'default',
        ...order,
      });
    assert.ok(carries({}));
    assert.ok(!carries({}, { direction: 'restore' }));
    assert.ok(!carries({}, { action: 'suspend_agent' }));
    assert.ok(!carries({ identity_kinds: ['service'] }));
    assert.ok(!carries({ tenants: ['emea'] }));
    assert.ok(carries({ tenants: ['emea', 'default'], identity_kinds: ['agent'], actions: ['revoke_credential'] }));
  });

  test('its dry run shows no secret and asks nobody', async () => {
    await hold({ 'cred-1': { token: 'secret-token' } });
    const text = executor().dryRun(requestFor());
    assert.match(text, /revocation endpoint of http/);
    assert.ok(!text.includes(SECRET) && !text.includes('secret-token'));
    assert.deepEqual(authority.asked(), []);
  });
});
