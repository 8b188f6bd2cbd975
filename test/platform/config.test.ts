import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { Config } from '../../schemas/config.ts';
import { budgetOf } from '../../services/detect/priors.ts';
import { type ConfigSources, configProblemText, isLoopback, loadConfig } from '../../services/platform/config.ts';
import { VARIABLE_NAMES } from '../../services/platform/config-variables.ts';
import { nearest } from '../../services/platform/nearest.ts';

let cwd: string;
beforeEach(() => {
  cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-config-'));
});
afterEach(() => fs.rmSync(cwd, { recursive: true }));

const write = (name: string, content: string, mode = 0o600): string => {
  const file = path.join(cwd, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content, { mode });
  return file;
};
const load = (sources: Partial<ConfigSources> = {}) => loadConfig({ cwd, environment: {}, ...sources });
const loaded = (sources: Partial<ConfigSources> = {}) => {
  const result = load(sources);
  assert.ok(result.ok, result.ok ? '' : result.problems.map(configProblemText).join('\n'));
  return result;
};
/** Problem lines with the temporary directory cut out. */
const refused = (sources: Partial<ConfigSources>): string[] => {
  const result = load(sources);
  assert.ok(!result.ok, 'expected a refusal');
  return result.problems.map((problem) => configProblemText(problem).replaceAll(`${cwd}/`, ''));
};

describe('where configuration comes from', () => {
  test('without anything there are defaults, loopback only', () => {
    const { config, file, warnings } = loaded();
    assert.deepEqual(config, { ...Config.parse({}), data_dir: path.join(cwd, '.countersign') });
    assert.ok(isLoopback(config.listen.host));
    assert.equal(file, undefined);
    assert.deepEqual(warnings, []);
  });

  test('the command line stands above the environment, that above the file, that above defaults', () => {
    const file = write('my.yaml', stringify({ listen: { port: 1, host: 'localhost' }, log: { partitions: 2 } }));
    const environment = { COUNTERSIGN_LISTEN_PORT: '2', COUNTERSIGN_LOG_PARTITIONS: '' };
    assert.equal(loaded({ file }).config.listen.port, 1);
    assert.equal(loaded({ file, environment }).config.listen.port, 2);
    const all = loaded({ file, environment, overrides: { listen: { port: 3 } } }).config;
    assert.deepEqual([all.listen.port, all.listen.host, all.log.partitions], [3, 'localhost', 2]);
    assert.equal(all.log.retention_days, Config.parse({}).log.retention_days);
  });

  test('the file of the data directory is found, wherever that is set', () => {
    write('.countersign/countersign.yaml', 'logging: {level: warn}');
    const other = write('other/countersign.yaml', 'logging: {level: error}');
    assert.equal(loaded().config.logging.level, 'warn');
    const environment = { COUNTERSIGN_DATA_DIR: 'other' };
    assert.deepEqual([loaded({ environment }).config.logging.level, loaded({ environment }).file], ['error', other]);
    assert.equal(loaded({ environment, overrides: { data_dir: 'third' } }).config.logging.level, 'info');
    assert.equal(loaded({ environment: { COUNTERSIGN_CONFIG: other } }).config.logging.level, 'error');
  });

  test('relative paths count from where they are written', () => {
    const file = write('etc/c.yaml', stringify({ data_dir: 'data', ingest: { mappings: ['a.yaml', '/b.yaml'] } }));
    const { config } = loaded({ file, environment: { COUNTERSIGN_INGEST_TOOL_CATALOGUE: 'tools.yaml' } });
    assert.equal(config.data_dir, path.join(cwd, 'etc/data'));
    assert.deepEqual(config.ingest.mappings, [path.join(cwd, 'etc/a.yaml'), '/b.yaml']);
    assert.equal(config.ingest.tool_catalogue, path.join(cwd, 'tools.yaml'));
  });

  test('every variable sets its field', () => {
    const secret = write('secret', 'whsec_x');
    const environment = {
      COUNTERSIGN_LISTEN_HOST: '::1',
      COUNTERSIGN_STORE_URL: 'http://localhost:8123',
      COUNTERSIGN_STORE_REPLICATED: 'true',
      COUNTERSIGN_DETECT_ALERTS_PER_1000_IDENTITY_DAYS: '0.5',
      COUNTERSIGN_INGEST_MAPPINGS: 'a.yaml, b.yaml',
      COUNTERSIGN_DELIVER_WEBHOOK_URL: 'https://siem.example/hook',
      COUNTERSIGN_DELIVER_WEBHOOK_SECRET_FILE: secret,
      COUNTERSIGN_DELIVER_WEBHOOK_ALLOW_PRIVATE_NETWORKS: 'false',
      COUNTERSIGN_CONTAIN_APPROVALS: '2',
    };
    const { config } = loaded({ environment });
    assert.equal(config.listen.host, '::1');
    assert.equal(config.store.replicated, true);
    assert.equal(config.detect.alerts_per_1000_identity_days, 0.5);
    assert.deepEqual(
      config.ingest.mappings,
      ['a.yaml', 'b.yaml'].map((name) => path.join(cwd, name)),
    );
    assert.equal(config.deliver.webhook?.allow_private_networks, false);
    assert.equal(config.contain.approvals, 2);
  });

  test('what is handed out is frozen throughout', () => {
    const { config } = loaded();
    for (const section of [config, config.listen, config.ingest.mappings]) assert.ok(Object.isFrozen(section));
  });
});

describe('what configuration is refused', () => {
  test('unknown keys, with what was probably meant and without their value', () => {
    const file = write('c.yaml', 'listen:\n  prot: 7\nlogg: {}\nstore:\n  password: hunter2\n  colour: red\n');
    assert.deepEqual(refused({ file }), [
      'c.yaml:2: listen.prot: is not known; did you mean listen.port? [config_unknown_key]',
      'c.yaml:5: store.password: is not known; this section knows url, username, password_file, ca_file, ' +
        'allow_plaintext, database, replicated, retention_days Secrets stand in files or in the environment, never here. [config_unknown_key]',
      'c.yaml:6: store.colour: is not known; this section knows url, username, password_file, ca_file, ' +
        'allow_plaintext, database, replicated, retention_days [config_unknown_key]',
      'c.yaml:3: logg: is not known; did you mean log? [config_unknown_key]',
    ]);
  });

  test('wrong values, each with its place', () => {
    const file = write('c.yaml', 'listen: {host: 7}\nlog:\n  partitions: 0\nlogging: {level: loud}\nstore:\n');
    const environment = { COUNTERSIGN_LISTEN_PORT: 'http', COUNTERSIGN_LISTEN_ALLOW_PLAINTEXT_BEYOND_LOOPBACK: 'yes' };
    const overrides = { log: { retention_days: 1.5 }, ingest: { mappings: [''] } };
    assert.deepEqual(refused({ file, environment, overrides }).sort(), [
      'COUNTERSIGN_LISTEN_ALLOW_PLAINTEXT_BEYOND_LOOPBACK: listen.allow_plaintext_beyond_loopback: "yes" must be true or false; or leave it out [config_invalid_value]',
      'COUNTERSIGN_LISTEN_PORT: listen.port: "http" must be a number; or leave it out [config_invalid_value]',
      'c.yaml:1: listen.host: 7 must be a text; or leave it out [config_invalid_value]',
      'c.yaml:3: log.partitions: 0 must be at least 1 [config_invalid_value]',
      'c.yaml:4: logging.level: "loud" must be one of trace, debug, info, warn, error, fatal, silent [config_invalid_value]',
      'c.yaml:5: store: null must be a section with values of its own; or leave it out [config_invalid_value]',
      'the command line: ingest.mappings[0]: "" must not be empty; or leave it out [config_invalid_value]',
      'the command line: log.retention_days: 1.5 must be a whole number; or leave it out [config_invalid_value]',
    ]);
  });

  test('two alert budgets; one of them is the budget, and none is the default', () => {
    const environment = { COUNTERSIGN_DETECT_ALERTS_PER_DAY: '5' };
    const both = write('c.yaml', 'detect:\n  alerts_per_1000_identity_days: 3\n');
    assert.deepEqual(refused({ file: both, environment }), [
      'COUNTERSIGN_DETECT_ALERTS_PER_DAY: detect.alerts_per_day: 5 is one budget too many beside ' +
        'alerts_per_1000_identity_days: leave one of the two out [config_invalid_value]',
    ]);
    assert.deepEqual(budgetOf(loaded({ environment }).config.detect), { alerts_per_day: 5 });
    assert.equal(budgetOf(loaded({ file: both }).config.detect), 3);
    assert.equal(budgetOf(loaded().config.detect), 20);
  });

  test('files that are no configuration', () => {
    const code = (content: string): string => refused({ file: write('c.yaml', content) })[0] ?? '';
    assert.match(code('a: [1'), /^c\.yaml:\d+: is no YAML: .*\[config_unreadable\]$/);
    assert.match(code('listen: {port: 1}\nlisten: {port: 2}'), /^c\.yaml:2: is no YAML/);
    assert.match(code('- 1\n- 2'), /must hold sections/);
    assert.match(code(`a: &a [x,x]\n${'b: &b [*a,*a,*a,*a]\n'.repeat(1)}`), /is not known/);
    assert.match(code('x'.repeat(2 ** 20 + 1)), /longer than 1 MiB/);
    assert.match(code('__proto__: {port: 1}\nlisten: {__proto__: {port: 9}}'), /__proto__: is not known/);
    assert.deepEqual(refused({ file: 'absent.yaml' }), [
      'absent.yaml: cannot be read (ENOENT): check its name and rights [config_unreadable]',
    ]);
    assert.equal(loaded({ file: write('empty.yaml', '# nothing yet\n') }).config.listen.port, 7788);
  });

  test('a service that other machines reach in the clear, unless it is said', () => {
    for (const host of ['0.0.0.0', '::', '10.1.2.3', 'countersign.internal', '127.evil.example']) {
      assert.match(refused({ overrides: { listen: { host } } })[0] ?? '', /listen\.host: .*\[config_contradiction\]$/);
      loaded({ overrides: { listen: { host, allow_plaintext_beyond_loopback: true } } });
      loaded({ overrides: { listen: { host, tls: { cert_file: 'c.pem', key_file: 'k.pem' } } } });
    }
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', '::ffff:127.0.0.1']) {
      loaded({ overrides: { listen: { host } } });
    }
  });

  test('fields that contradict each other', () => {
    const codes = (overrides: Record<string, unknown>): string[] =>
      refused({ overrides }).map((line) => line.replace(/^the command line: (\S+):.*\[(.*)\]$/, '$1 $2'));
    assert.deepEqual(codes({ store: { username: 'u', replicated: true } }), [
      'store.username config_contradiction',
      'store.replicated config_contradiction',
    ]);
    const credentials = refused({ overrides: { store: { url: 'https://me:hunter2@db.example' } } });
    assert.match(credentials[0] ?? '', /store\.url: carries credentials/);
    assert.ok(!credentials.join().includes('hunter2'));
    write('.countersign/countersign.yaml', 'data_dir: ../elsewhere');
    assert.match(refused({})[0] ?? '', /countersign\.yaml:1: data_dir: .* stands in a file of data directory/);
  });
});

describe('secrets', () => {
  const webhook = { deliver: { webhook: { url: 'https://siem.example/hook' } } };

  test('come from a file or the environment, never with the configuration', () => {
    const secret_file = write('secret', 'whsec_abc\n');
    const fromFile = loaded({ overrides: { deliver: { webhook: { ...webhook.deliver.webhook, secret_file } } } });
    assert.equal(fromFile.secrets.deliver_webhook_secret, 'whsec_abc');
    assert.ok(!JSON.stringify(fromFile.config).includes('whsec_abc'));
    const environment = { COUNTERSIGN_DELIVER_WEBHOOK_SECRET: 'whsec_env', COUNTERSIGN_STORE_PASSWORD: 'pw' };
    const fromEnvironment = loaded({ overrides: webhook, environment });
    assert.deepEqual(fromEnvironment.secrets, {
      deliver_webhook_secret: 'whsec_env',
      kafka_password: undefined,
      oidc_client_secrets: {},
      store_password: 'pw',
      ingest_content_hash_key: undefined,
      contain_executor_secret: undefined,
      notify_mail_password: undefined,
      notify_chat: [],
      audit_webhook_secret: undefined,
    });
  });

  test('that are missing, empty, doubled or unreadable are refused', () => {
    assert.match(refused({ overrides: webhook })[0] ?? '', /deliver\.webhook: needs a secret.*config_secret_missing/);
    const executor = { contain: { executor_webhook: { url: 'https://gateway.example/hook' } } };
    assert.match(refused({ overrides: executor })[0] ?? '', /contain\.executor_webhook: needs a secret/);
    const store = (password_file: string) => ({ store: { url: 'https://db.example', password_file } });
    assert.match(refused({ overrides: store('absent') })[0] ?? '', /ENOENT.*config_secret_unreadable/);
    assert.match(refused({ overrides: store(write('empty', '\n')) })[0] ?? '', /is empty/);
    assert.match(refused({ overrides: store(write('long', 'x'.repeat(5000))) })[0] ?? '', /longer than/);
    const overrides = store(write('secret', 'a'));
    const environment = { COUNTERSIGN_STORE_PASSWORD: 'b' };
    assert.match(refused({ overrides, environment })[0] ?? '', /both set/);
  });

  test('that others can read are warned of', () => {
    const overrides = { store: { url: 'https://db.example', password_file: write('open', 'pw', 0o644) } };
    assert.match(loaded({ overrides }).warnings[0] ?? '', /can be read by other users; chmod 600/);
  });
});

test('variables that nothing reads are warned of, because orchestrators set some', () => {
  const environment = { COUNTERSIGN_LISTEN_PROT: '1', COUNTERSIGN_PORT_7788_TCP_ADDR: 'x', PATH: '/bin' };
  assert.deepEqual(loaded({ environment }).warnings, [
    'variable "COUNTERSIGN_LISTEN_PROT" is read by nothing; did you mean COUNTERSIGN_LISTEN_PORT?',
    'variable "COUNTERSIGN_PORT_7788_TCP_ADDR" is read by nothing; unset it, or see docs/configuration.md',
  ]);
  assert.equal(new Set(VARIABLE_NAMES).size, VARIABLE_NAMES.length);
});

test('the nearest name is near', () => {
  const known = ['port', 'host', 'partitions'];
  assert.equal(nearest('prot', known), 'port');
  assert.equal(nearest('Port', known), 'port');
  assert.equal(nearest('partition', known), 'partitions');
  assert.equal(nearest('colour', known), undefined);
  assert.equal(nearest('', known), undefined);
  assert.equal(nearest('x'.repeat(100_000), known), undefined);
});
