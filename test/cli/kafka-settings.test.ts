import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { kafkaSettings } from '../../services/cli/service/kafka-settings.ts';
import { clientCredentialsToken } from '../../services/cli/service/oauth-token.ts';
import { loadConfig } from '../../services/platform/config.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { tempDir } from './support.ts';

function settingsOf(kafka: Record<string, unknown>, more: Record<string, unknown> = {}, cwd = '/') {
  const loaded = loadConfig({
    cwd,
    environment: { COUNTERSIGN_LOG_KAFKA_SASL_PASSWORD: 's3cret+&' },
    overrides: {
      log: { kafka: { brokers: ['127.0.0.1:9092'], ...kafka } },
      store: { url: 'http://127.0.0.1' },
      ...more,
    },
  });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const { config, secrets } = loaded;
  assert.ok(config.log.kafka !== undefined);
  return kafkaSettings(config, config.log.kafka, secrets, 'one');
}

test('topics keep their names unless they are given others; sources are those that are not ours', () => {
  const plain = settingsOf({});
  assert.deepEqual(plain.topics, { ...TOPICS, ledger: 'agent.ledger' });
  assert.deepEqual([plain.prefix, plain.instance, plain.partitions], ['countersign', 'one', 12]);
  const sources = [{ topic: 'raw.eu' }, { topic: 'gateway' }];
  const named = settingsOf({ topics: { raw: 'raw.eu' }, group: 'eu' }, { ingest: { sources } });
  assert.equal(named.topics.raw, 'raw.eu');
  assert.deepEqual([named.prefix, named.source_topics], ['eu', ['gateway']]);
});

test('files are read: certificates at once, tokens whenever one is needed', async (t) => {
  const directory = await tempDir(t);
  const [ca_file, token_file] = [path.join(directory, 'ca.pem'), path.join(directory, 'token')];
  await writeFile(ca_file, 'PEM');
  const { tls, sasl } = settingsOf({
    tls: { ca_file, server_name: 'kafka' },
    sasl: { mechanism: 'oauthbearer', token_file },
  });
  assert.deepEqual(tls, { ca: 'PEM', server_name: 'kafka' });
  assert.ok(sasl?.mechanism === 'oauthbearer');
  for (const token of ['first', 'second']) {
    await writeFile(token_file, `${token}\n`);
    assert.equal(await sasl.token(), token);
  }
  assert.throws(
    () => settingsOf({ tls: { ca_file: path.join(directory, 'none') } }),
    /log\.kafka\.tls\.ca_file: cannot read/,
  );
  const scram = settingsOf({ sasl: { mechanism: 'scram-sha-512', username: 'u' } }).sasl;
  assert.deepEqual(scram, { mechanism: 'scram-sha-512', username: 'u', password: 's3cret+&' });
});

test('a token is got by client credentials; what is no token is an error without the secret', async (t) => {
  const asked: { readonly authorization: string; readonly body: string }[] = [];
  let answer: { readonly status: number; readonly body: string } = { status: 200, body: '' };
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked.push({ authorization: String(request.headers.authorization), body: Buffer.concat(chunks).toString() });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const client = { endpoint, client_id: 'id:1', client_secret: 's3cret+&', scope: 'kafka' };

  answer = { status: 200, body: JSON.stringify({ access_token: 'abc', token_type: 'Bearer', expires_in: 60 }) };
  assert.equal(await clientCredentialsToken(client), 'abc');
  const basic = Buffer.from('id%3A1:s3cret%2B%26').toString('base64');
  assert.deepEqual(asked, [{ authorization: `Basic ${basic}`, body: 'grant_type=client_credentials&scope=kafka' }]);

  for (const [status, body] of [
    [401, '{"error":"invalid_client"}'],
    [200, 'not JSON'],
    [200, '{"access_token":"","token_type":"Bearer"}'],
    [200, '{"access_token":"abc","token_type":"mac"}'],
    [200, `"${'x'.repeat(70_000)}"`],
  ] as const) {
    answer = { status, body };
    await assert.rejects(clientCredentialsToken(client), (error: Error) => {
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  }
});
