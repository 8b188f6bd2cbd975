import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { asking } from '../../services/contain/executors/kit.ts';
import { openTokenSource } from '../../services/contain/executors/tokens.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { decodeWebhookSecret, encodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { bodyOf, patient, requestFor, serve } from './support.ts';

const secret = encodeWebhookSecret(randomBytes(32));

async function lookUp(
  answer: (response: ServerResponse) => void,
  seen: (headers: object, body: string) => void = () => {},
) {
  const url = await serve(async (request, response) => {
    seen(request.headers, await bodyOf(request));
    answer(response);
  });
  const ask = asking({ allow_private_networks: false }, { clock: systemClock }, undefined);
  const key = decodeWebhookSecret(secret) ?? assert.fail('no secret');
  const source = openTokenSource({ type: 'http', url, secret_file: '' }, { ask, key, clock: systemClock });
  return source(requestFor(), patient());
}

describe('a token source over HTTP', () => {
  test('is asked by a signed request that names the credential, and answers with its tokens', async () => {
    const tokens = [{ token: 'at' }, { token: 'rt', token_type_hint: 'refresh_token' }];
    const found = await lookUp(
      (response) => void response.end(JSON.stringify({ tokens })),
      (headers, body) => {
        const message = new Webhook(secret).verify(body, headers as Record<string, string>);
        const data = { credential: 'cred-1', tenant: 'default', identity: 'agent-7', containment: 'c'.repeat(32) };
        assert.deepEqual(message, { type: 'token.lookup', data });
      },
    );
    assert.deepEqual(found, { kind: 'found', tokens: tokens.toReversed() }, 'refresh tokens first');
  });

  test('may answer with one token alone', async () => {
    const found = await lookUp((response) => void response.end('{"token":"at"}'));
    assert.deepEqual(found, { kind: 'found', tokens: [{ token: 'at' }] });
  });

  test('that knows no such credential says so with 404', async () => {
    assert.equal((await lookUp((response) => void response.writeHead(404).end())).kind, 'unknown');
  });

  const broken: [string, (response: ServerResponse) => void][] = [
    ['an error', (response) => void response.writeHead(500).end('tok-secret')],
    ['a redirect', (response) => void response.writeHead(302, { location: '/' }).end()],
    ['a reset', (response) => void response.destroy()],
    ['no JSON', (response) => void response.end('tok-secret')],
    ['a list', (response) => void response.end('["tok-secret"]')],
    ['an empty token', (response) => void response.end('{"token":""}')],
    ['a token with a line break', (response) => void response.end('{"token":"tok-secret\\r\\nx: y"}')],
    ['no tokens', (response) => void response.end('{"tokens":[]}')],
    ['too many', (response) => void response.end(JSON.stringify({ tokens: Array(17).fill({ token: 'tok-secret' }) }))],
    ['an endless one', (response) => void response.end(`{"token":"tok-secret","x":"${'y'.repeat(300_000)}"}`)],
  ];
  for (const [name, answer] of broken) {
    test(`that answers with ${name} is not understood, and not quoted`, async () => {
      const found = await lookUp(answer);
      assert.ok(found.kind === 'broken', found.kind);
      assert.ok(!found.detail.includes('tok-secret'), found.detail);
    });
  }
});

describe('a token file', () => {
  test('is read for each order', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'countersign-tokens-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const path = join(directory, 'tokens.json');
    const source = openTokenSource({ type: 'file', path }, undefined);
    const find = (target = 'cred-1') => source(requestFor({ target }), patient());
    assert.equal((await find()).kind, 'broken', 'it is not there');
    const contents: [string, string][] = [
      ['{"cred-1": {"token": "a"}}', 'found'],
      ['{"cred-1": [{"token": "a"}, {"token": "b"}]}', 'found'],
      ['{"cred-2": {"token": "a"}}', 'unknown'],
      ['{"__proto__": {"cred-1": {"token": "a"}}}', 'unknown'],
      ['{"cred-1": "tok-secret"}', 'broken'],
      ['[]', 'broken'],
      ['tok-secret', 'broken'],
    ];
    for (const [content, kind] of contents) {
      await writeFile(path, content);
      const found = await find();
      assert.equal(found.kind, kind, content);
      assert.ok(found.kind === 'found' || !found.detail.includes('tok-secret'));
    }
    await writeFile(path, '{}');
    for (const target of ['toString', '__proto__', 'constructor', '']) {
      assert.equal((await find(target)).kind, 'unknown', target);
    }
  });
});
