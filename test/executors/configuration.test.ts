import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { openExecutors, plansOf } from '../../services/cli/service/executors.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { configProblemText, loadConfig } from '../../services/platform/config.ts';
import { encodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { records, run } from '../cli/support.ts';

const WEBHOOK_SECRET = encodeWebhookSecret(randomBytes(32));
const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-executors-'));
  mkdirSync(join(directory, 'secrets'));
  for (const [name, content] of Object.entries({
    hook: WEBHOOK_SECRET,
    client: 'client-secret',
    token: 'tok',
    key: KEY,
  })) {
    writeFileSync(join(directory, 'secrets', name), `${content}\n`, { mode: 0o600 });
  }
});
afterEach(() => rmSync(directory, { recursive: true }));

const gateway = { name: 'gateway', type: 'webhook', url: 'https://gateway.example/x', secret_file: 'secrets/hook' };
const idp = {
  name: 'idp',
  type: 'oauth2',
  issuer: 'https://idp.example',
  client_id: 'countersign',
  client_secret_file: 'secrets/client',
  token_source: { type: 'file', path: 'tokens.json' },
};
const people = { name: 'people', type: 'scim', base_url: 'https://scim.example/v2', token_file: 'secrets/token' };
const signals = {
  name: 'signals',
  type: 'ssf',
  endpoint: 'https://receiver.example/events',
  issuer: 'https://countersign.example',
  audience: 'https://receiver.example',
  private_key_file: 'secrets/key',
  key_id: 'k1',
};

function write(contain: object, more: object = {}): string {
  const file = join(directory, 'countersign.yaml');
  writeFileSync(file, stringify({ contain, ...more }));
  return file;
}
const load = (executors: readonly object[], more: object = {}) =>
  loadConfig({ cwd: tmpdir(), environment: {}, file: write({ executors }, more) });

function opened(executors: readonly object[]) {
  const loaded = load(executors);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(configProblemText).join('\n'));
  return { made: openExecutors(loaded, systemClock), plans: plansOf(loaded.config), config: loaded.config };
}

describe('contain.executors', () => {
  test('are opened in order, with files beside the configuration', () => {
    const { made, plans, config } = opened([idp, people, signals, gateway]);
    assert.deepEqual(
      made.map(({ name, idempotent, canProbe }) => [name, idempotent, canProbe]),
      ['idp', 'people', 'signals', 'gateway'].map((name) => [name, true, true]),
    );
    assert.deepEqual(
      plans.map(({ name }) => name),
      made.map(({ name }) => name),
    );
    const [first] = config.contain.executors;
    assert.equal(
      first?.type === 'oauth2' && first.token_source.type === 'file' && first.token_source.path,
      join(directory, 'tokens.json'),
    );
  });

  test('carry out an order by the first that can', () => {
    const { plans } = opened([{ ...gateway, name: 'narrow', tenants: ['emea'] }, idp, people, gateway]);
    const first = (over: object) =>
      plans.find((plan) =>
        plan.carriesOut({
          action: 'revoke_credential',
          direction: 'contain',
          identity_kind: 'agent',
          tenant: 'default',
          ...over,
        }),
      )?.name;
    assert.equal(first({}), 'idp');
    assert.equal(first({ tenant: 'emea' }), 'narrow');
    assert.equal(first({ direction: 'restore' }), 'gateway');
    assert.equal(first({ action: 'suspend_agent' }), 'people');
    assert.equal(first({ action: 'restrict_tool' }), 'gateway');
  });

  const refusals: readonly [string, readonly object[], RegExp, object?][] = [
    [
      'two of one name',
      [gateway, { ...people, name: 'gateway' }],
      /executors\[1\]\.name: "gateway" is the name of another/,
    ],
    ['an unknown type', [{ ...gateway, type: 'ftp' }], /executors\[0\]/],
    [
      'an unknown key',
      [{ ...gateway, secretfile: 'x' }],
      /executors\[0\]\.secretfile: is not known; did you mean .*secret_file/,
    ],
    ['a name with spaces', [{ ...gateway, name: 'my gateway' }], /must be a name of small letters/],
    ['a missing field', [{ ...people, token_file: undefined }], /executors\[0\]\.token_file: is missing/],
    [
      'no endpoints',
      [{ ...idp, issuer: undefined }],
      /revocation_endpoint: is missing.*\n.*introspection_endpoint: is missing/,
    ],
    ['no client secret', [{ ...idp, client_secret_file: undefined }], /needs a client_secret_file/],
    ['a key of no use', [{ ...idp, private_key_file: 'secrets/key' }], /private_key_file: .*of no use/],
    ['private_key_jwt without key', [{ ...idp, client_auth: 'private_key_jwt' }], /needs a private_key_file/],
    ['a subject without issuer', [{ ...signals, subject_format: 'iss_sub' }], /set subject_issuer/],
    [
      'http beyond this machine',
      [{ ...people, base_url: 'http://scim.example/v2' }],
      /http is refused beyond this machine/,
    ],
    ['a private address', [{ ...idp, issuer: 'https://10.0.0.1' }], /the address 10\.0\.0\.1 is not permitted/],
    [
      'a metadata service',
      [{ ...gateway, url: 'https://169.254.169.254/', allow_private_networks: true }],
      /not permitted/,
    ],
    ['a host that is not listed', [gateway], /not in outbound\.allow/, { outbound: { allow: ['idp.example'] } }],
    ['a list with a port', [gateway], /must be a host without port/, { outbound: { allow: ['gateway.example:443'] } }],
  ];
  for (const [name, executors, message, more] of refusals) {
    test(`refuse ${name}`, () => {
      const loaded = load(executors, more);
      assert.ok(!loaded.ok);
      assert.match(loaded.problems.map(configProblemText).join('\n'), message);
    });
  }

  test('refuse credentials in a URL, without showing them', () => {
    const loaded = load([{ ...gateway, url: 'https://user:hunter2@gateway.example/' }]);
    assert.ok(!loaded.ok);
    const text = loaded.problems.map(configProblemText).join('\n');
    assert.match(text, /executors\[0\]\.url: carries credentials/);
    assert.ok(!text.includes('hunter2'), text);
  });

  test('refuse to open with a file that cannot be, naming file and field and no content', () => {
    const refused = (executor: object, pattern: RegExp): void => {
      assert.throws(
        () => opened([executor]),
        (error: Error) => pattern.test(error.message) && !error.message.includes('client-secret'),
      );
    };
    refused(
      { ...gateway, secret_file: 'absent' },
      /executors\[0\] \(gateway\)\.secret_file: .*absent cannot be read \(ENOENT\)/,
    );
    refused({ ...gateway, secret_file: 'secrets/client' }, /\(gateway\)\.secret_file: a signing secret is whsec_/);
    refused({ ...signals, private_key_file: 'secrets/client' }, /\(signals\)\.private_key_file: holds no private key/);
    writeFileSync(join(directory, 'secrets', 'empty'), '\n');
    refused({ ...people, token_file: 'secrets/empty' }, /is empty/);
  });
});

describe('countersign executor', () => {
  test('list shows what each carries out, and fails where the service would not start', async () => {
    const file = write({ executors: [idp, people, gateway] });
    const listed = await run(['--config', file, '--json', 'executor', 'list']);
    assert.equal(listed.code, 0, listed.stderr);
    assert.deepEqual(
      records(listed).map(({ name, carries_out, takes_back }) => [name, carries_out, takes_back]),
      [
        ['idp', ['revoke_credential'], []],
        ['people', ['suspend_agent'], ['suspend_agent']],
        [
          'gateway',
          ['restrict_tool', 'restrict_data_class', 'quarantine_session', 'revoke_credential', 'suspend_agent'],
          ['restrict_tool', 'restrict_data_class', 'quarantine_session', 'revoke_credential', 'suspend_agent'],
        ],
      ],
    );
    const broken = await run([
      '--config',
      write({ executors: [{ ...people, token_file: 'absent' }] }),
      'executor',
      'list',
    ]);
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /token_file/);
  });

  test('jwks shows public keys alone', async () => {
    const shown = await run(['--config', write({ executors: [signals, gateway] }), 'executor', 'jwks']);
    assert.equal(shown.code, 0, shown.stderr);
    const { keys } = JSON.parse(shown.stdout) as { keys: Record<string, unknown>[] };
    assert.deepEqual(
      keys.map(({ kid, alg, kty, d }) => [kid, alg, kty, d]),
      [['k1', 'ES256', 'EC', undefined]],
    );
  });
});
