import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { KafkaTopics } from '../../schemas/kafka-config.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { configProblemText, loadConfig } from '../../services/platform/config.ts';
import { TOPICS } from '../../services/platform/event-log.ts';

let cwd: string;
beforeEach(() => {
  cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-config-'));
});
afterEach(() => fs.rmSync(cwd, { recursive: true }));

type Environment = Readonly<Record<string, string>>;
const load = (overrides: Record<string, unknown>, environment: Environment = {}) =>
  loadConfig({ cwd, environment, overrides });
const loaded = (overrides: Record<string, unknown>, environment: Environment = {}) => {
  const result = load(overrides, environment);
  assert.ok(result.ok, result.ok ? '' : result.problems.map(configProblemText).join('\n'));
  return result;
};
/** `field: message [code]` of everything that is refused. */
const refused = (overrides: Record<string, unknown>, environment: Environment = {}): string[] => {
  const result = load(overrides, environment);
  assert.ok(!result.ok, 'expected a refusal');
  return result.problems.map((problem) => configProblemText(problem).replace(/^the command line: /, ''));
};

const local = { brokers: ['127.0.0.1:9092'] };
const store = { url: 'http://127.0.0.1:8123' };
const kafka = (more: Record<string, unknown> = {}) => ({ log: { kafka: { ...local, ...more } }, store });

describe('log.kafka', () => {
  test('brokers make the log Kafka, with more partitions', () => {
    assert.equal(loaded({}).config.log.partitions, LIMITS.partitions_default);
    const { config, warnings } = loaded({}, { COUNTERSIGN_LOG_KAFKA_BROKERS: 'localhost:9092, [::1]:9093' });
    assert.deepEqual(config.log.kafka?.brokers, ['localhost:9092', '[::1]:9093']);
    assert.equal(config.log.partitions, LIMITS.kafka_partitions_default);
    assert.equal(loaded({ log: { partitions: 3, kafka: local }, store }).config.log.partitions, 3);
    assert.match(warnings[0] ?? '', /only one process may run detect; set store\.url/);
    assert.deepEqual(loaded(kafka()).warnings, []);
    assert.equal(config.log.kafka?.group, 'countersign');
  });

  test('every topic of ours can have another name, and nothing else', () => {
    assert.deepEqual(Object.keys(KafkaTopics.shape).toSorted(), [...Object.keys(TOPICS), 'ledger'].toSorted());
    assert.match(
      refused(kafka({ topics: { events: 'a', feed: 'a' } }))[0] ?? '',
      /topics\.feed: "a" is the name of topics\.events already/,
    );
    assert.match(refused(kafka({ topics: { raw: 'a b' } }))[0] ?? '', /must be letters, digits, dots/);
    assert.match(refused(kafka({ topics: { verdicts: 'a' } }))[0] ?? '', /topics\.verdicts: is not known/);
  });

  test('brokers beyond this machine need TLS, unless plaintext is asked for', () => {
    const far = { brokers: ['localhost:9092', 'kafka-1.internal:9092'] };
    assert.match(
      refused(kafka(far))[0] ?? '',
      /^log\.kafka\.brokers\[1\]: "kafka-1\.internal:9092" is another machine.*set log\.kafka\.tls.*config_contradiction/,
    );
    assert.ok(loaded(kafka({ ...far, tls: {} })).ok);
    assert.ok(loaded(kafka({ ...far, allow_plaintext: true })).ok);
    for (const brokers of [['kafka'], ['kafka:x'], ['https://kafka:9092'], ['a b:1'], []]) {
      assert.match(refused(kafka({ brokers }))[0] ?? '', /must be host:port|must not be empty/);
    }
  });

  test('a certificate and its key go together; their paths count from the file', () => {
    assert.match(
      refused(kafka({ tls: { cert_file: 'c.pem' } }))[0] ?? '',
      /cert_file: .*set log\.kafka\.tls\.key_file/,
    );
    assert.match(refused(kafka({ tls: { key_file: 'k.pem' } }))[0] ?? '', /key_file: .*set log\.kafka\.tls\.cert_file/);
    assert.equal(
      loaded(kafka({ tls: { ca_file: 'ca.pem' } })).config.log.kafka?.tls?.ca_file,
      path.join(cwd, 'ca.pem'),
    );
  });

  test('SASL: what each mechanism needs, with its secret from a file or the environment', () => {
    const sasl = (more: Record<string, unknown>) => kafka({ sasl: more });
    const password_file = path.join(cwd, 'password');
    fs.writeFileSync(password_file, 'hunter2\n', { mode: 0o600 });
    const scram = { mechanism: 'scram-sha-512', username: 'countersign' };
    assert.match(
      refused(sasl(scram))[0] ?? '',
      /log\.kafka\.sasl: needs a secret.*COUNTERSIGN_LOG_KAFKA_SASL_PASSWORD/,
    );
    assert.equal(loaded(sasl({ ...scram, password_file })).secrets.kafka_password, 'hunter2');
    const environment = { COUNTERSIGN_LOG_KAFKA_SASL_PASSWORD: 'hunter3' };
    assert.equal(loaded(sasl(scram), environment).secrets.kafka_password, 'hunter3');
    assert.match(refused(sasl({ mechanism: 'plain', password_file }))[0] ?? '', /mechanism: "plain" needs a user/);
    assert.match(
      refused(sasl({ ...scram, password_file, token_file: 'x' }))[0] ?? '',
      /only with mechanism oauthbearer/,
    );
    assert.match(refused(sasl({ mechanism: 'gssapi' }))[0] ?? '', /must be one of plain, scram-sha-256/);

    const oauth = (more: Record<string, unknown>) => sasl({ mechanism: 'oauthbearer', ...more });
    assert.ok(loaded(oauth({ token_file: 'token' })).ok);
    const client = { token_endpoint: 'https://issuer.example/token', username: 'countersign', password_file };
    assert.ok(loaded(oauth({ ...client, token_scope: 'kafka' })).ok);
    assert.match(refused(oauth({}), environment)[0] ?? '', /either token_file or token_endpoint/);
    assert.match(refused(oauth({ token_file: 'a', ...client }))[0] ?? '', /either token_file or token_endpoint/);
    const clear = { ...client, token_endpoint: 'http://issuer.example/token' };
    assert.match(refused(oauth(clear))[0] ?? '', /in the clear: use https/);
    const carried = { ...client, token_endpoint: 'https://me:hunter2@issuer.example/token' };
    assert.match(refused(oauth(carried))[0] ?? '', /carries credentials/);
    assert.ok(!refused(oauth(carried)).join().includes('hunter2'));
  });

  test('what only the embedded log has is refused', () => {
    const bounded = { log: { kafka: local, size_bytes_max: 2 ** 30 }, store };
    assert.match(refused(bounded)[0] ?? '', /size_bytes_max: .*only for the embedded log/);
  });
});

describe('roles', () => {
  test('are all of them, unless other processes can do the rest', () => {
    assert.deepEqual(loaded({}).config.roles, ['ingest', 'detect', 'deliver', 'contain', 'api']);
    assert.match(refused({ roles: ['api'] })[0] ?? '', /^roles: \["api"\] leaves out ingest, detect.*Set log\.kafka/);
    assert.deepEqual(loaded(kafka(), { COUNTERSIGN_ROLES: 'ingest,detect' }).config.roles, ['ingest', 'detect']);
    assert.match(refused({ ...kafka(), roles: ['console'] })[0] ?? '', /must be one of ingest, detect/);
  });

  test('that work on the store share one', () => {
    const alone = { log: { kafka: local } };
    for (const roles of [['ingest'], ['ingest', 'contain'], ['detect', 'deliver', 'api']]) loaded({ ...alone, roles });
    for (const roles of [['detect'], ['api', 'contain'], ['detect', 'deliver']]) {
      assert.match(refused({ ...alone, roles })[0] ?? '', /^roles: .* needs a store that other processes reach/);
    }
  });
});

describe('ingest.sources', () => {
  test('are read from the file or, as YAML, from a variable', () => {
    const environment = {
      COUNTERSIGN_INGEST_SOURCES: '[{topic: gateway.audit, tenant: emea}, {topic: old, recorded: true}]',
    };
    assert.deepEqual(loaded(kafka(), environment).config.ingest.sources, [
      { topic: 'gateway.audit', format: 'auto', tenant: 'emea', recorded: false },
      { topic: 'old', format: 'auto', tenant: 'default', recorded: true },
    ]);
    assert.match(
      refused(kafka(), { COUNTERSIGN_INGEST_SOURCES: '{[' })[0] ?? '',
      /SOURCES: ingest\.sources: .*must be a list/,
    );
  });

  test('that cannot be are refused', () => {
    const mixed = {
      log: { kafka: { ...local, topics: { events: 'a' } } },
      store,
      ingest: { sources: [{ topic: 'a' }] },
    };
    assert.match(refused(mixed)[0] ?? '', /topics\.events: "a" is listed in ingest\.sources too/);
    const embedded = { ingest: { sources: [{ topic: 'gateway.audit' }] } };
    assert.match(refused(embedded)[0] ?? '', /needs a Kafka cluster: set log\.kafka/);
    assert.ok(loaded({ ingest: { sources: [{ topic: TOPICS.raw, recorded: true }] } }).ok);
  });
});

test('a ClickHouse server beyond this machine is spoken to over TLS, unless plaintext is asked for', () => {
  const url = 'http://clickhouse:8123';
  assert.match(refused({ store: { url } })[0] ?? '', /^store\.url: .*use https, or set store\.allow_plaintext/);
  assert.ok(loaded({ store: { url, allow_plaintext: true } }).ok);
  assert.ok(loaded({ store: { url: 'https://clickhouse:8443', ca_file: 'ca.pem' } }).ok);
  assert.match(refused({ store: { ca_file: 'ca.pem' } })[0] ?? '', /of use only with store\.url/);
});
