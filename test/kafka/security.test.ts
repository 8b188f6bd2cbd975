import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import kafkajs, { type AclOperationTypes as Operation, type AclResourceTypes as Resource } from 'kafkajs';
import { systemClock } from '../../services/platform/clock.ts';
import { LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { KafkaUnusable, type KafkaUnusableCode } from '../../services/platform/kafka/errors.ts';
import { assertSafe, assertSafeHost } from '../../services/platform/kafka/security.ts';
import type { KafkaSettings } from '../../services/platform/kafka/settings.ts';
import { readAll, record } from '../log/support.ts';
import { whyNoJars } from '../support/kafka/jars.ts';
import { PASSWORD, type SecureBroker, startSecureKafka, unsecuredToken } from '../support/kafka/secure-broker.ts';
import { kafkaPlace, testSettings } from './place.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

const refused = (code: KafkaUnusableCode) => (error: unknown) => {
  assert.ok(error instanceof KafkaUnusable, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};
const scram = (password = PASSWORD, username = 'alice') => ({
  mechanism: 'scram-sha-512' as const,
  username,
  password,
});

describe('what is refused before anything is sent', () => {
  const settings = (brokers: readonly string[], changed: Partial<KafkaSettings> = {}) => testSettings(brokers, changed);

  test('plaintext goes to this machine only, unless said', () => {
    for (const near of ['127.0.0.1:9092', 'localhost:9092', '[::1]:9092', '127.1.2.3:1']) assertSafe(settings([near]));
    for (const far of ['10.0.0.1:9092', 'kafka:9092', '[fd00::1]:9092', '0.0.0.0:9092']) {
      assert.throws(() => assertSafe(settings(['127.0.0.1:9092', far])), refused('kafka_plaintext'));
      assertSafe(settings([far], { allow_plaintext: true }));
      assertSafe(settings([far], { tls: {} }));
    }
  });

  test('nor do passwords and tokens', () => {
    const plain = { mechanism: 'plain', username: 'u', password: 'p' } as const;
    const bearer = { mechanism: 'oauthbearer', token: async () => 't' } as const;
    for (const sasl of [plain, bearer]) {
      assert.throws(() => assertSafeHost(settings([], { sasl }), 'kafka'), refused('kafka_sasl_without_tls'));
      assertSafeHost(settings([], { sasl, tls: {} }), 'kafka');
      assertSafeHost(settings([], { sasl }), 'localhost');
    }
    assert.throws(() => assertSafeHost(settings([], { sasl: scram() }), 'kafka'), refused('kafka_plaintext'));
  });

  test('certificates that are none', () => {
    const tls = { ca: '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----' };
    assert.throws(() => assertSafe(settings(['kafka:9092'], { tls })), refused('kafka_tls_failed'));
  });
});

const missing = whyNoJars();
const skip = missing === undefined ? false : `NOT RUN: no Kafka broker can be started, ${missing}`;

describe('a broker with TLS and SASL', { skip }, () => {
  let secure: SecureBroker;
  let place: ReturnType<typeof kafkaPlace>;
  before(async () => {
    secure = await startSecureKafka();
    place = kafkaPlace(secure.broker.brokers);
  });
  after(() => secure.dispose());
  const tls = () => ({ ca: secure.certificates.ca });
  const over = (listener: keyof SecureBroker['listeners'], changed: Partial<KafkaSettings>) =>
    place.open(systemClock, { brokers: [secure.listeners[listener]], ...changed });
  let writes = 0;
  /** Writes and reads over the connection. */
  const works = async (opening: ReturnType<typeof over>): Promise<void> => {
    const log = await opening;
    const text = `write ${writes++}`;
    await log.transact({ records: [record('k', text, 0)], counters: [{ name: 'n', add: 1 }] });
    assert.equal((await readAll(log, TOPICS.events, 0)).at(-1)?.value.toString(), text);
    const { promise: assigned, resolve } = Promise.withResolvers<void>();
    const listener = { assigned: async () => resolve(), revoked: async () => {} };
    const subscription = await log.subscribe(TOPICS.control, `secure-${writes}`, listener);
    await assigned;
    await subscription.close();
    await log.close();
  };

  test('TLS with the right authority', () => works(over('tls', { tls: tls() })));
  test('TLS with a client certificate', () =>
    works(over('mutual', { tls: { ...tls(), ...secure.certificates.client } })));
  test('SCRAM-SHA-256 over TLS', () =>
    works(over('sasl_tls', { tls: tls(), sasl: { ...scram(), mechanism: 'scram-sha-256' } })));
  test('SCRAM-SHA-512 over TLS', () => works(over('sasl_tls', { tls: tls(), sasl: scram() })));
  test('SCRAM in the clear on this machine', () =>
    works(over('sasl_clear', { sasl: { ...scram(), mechanism: 'scram-sha-256' } })));
  test('PLAIN over TLS', () => works(over('sasl_tls', { tls: tls(), sasl: { ...scram(), mechanism: 'plain' } })));
  test('OAUTHBEARER over TLS, a token for every connection', async () => {
    let tokens = 0;
    const token = async (): Promise<string> => {
      tokens++;
      return unsecuredToken('alice', systemClock.now());
    };
    await works(over('sasl_tls', { tls: tls(), sasl: { mechanism: 'oauthbearer', token } }));
    assert.ok(tokens > 1);
  });

  test('an unknown authority', async () => {
    await assert.rejects(over('tls', { tls: {} }), refused('kafka_tls_untrusted'));
    await assert.rejects(over('tls', { tls: { ca: secure.certificates.stranger } }), refused('kafka_tls_untrusted'));
  });

  test('another name than that in the certificate, unless said', async () => {
    const brokers = [secure.listeners.tls.replace('localhost', '127.0.0.1')];
    await assert.rejects(place.open(systemClock, { brokers, tls: tls() }), refused('kafka_tls_hostname'));
    await works(place.open(systemClock, { brokers, tls: { ...tls(), server_name: 'localhost' } }));
  });

  test('no client certificate where one is asked for', async () => {
    await assert.rejects(over('mutual', { tls: tls() }), refused('kafka_tls_failed'));
  });

  test('wrong passwords and tokens, whatever the mechanism', async () => {
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const sasl = { ...scram('wrong'), mechanism };
      await assert.rejects(over('sasl_tls', { tls: tls(), sasl }), refused('kafka_credentials_refused'));
      const nobody = { ...scram(PASSWORD, 'nobody'), mechanism };
      await assert.rejects(over('sasl_tls', { tls: tls(), sasl: nobody }), refused('kafka_credentials_refused'));
    }
    const sasl = { mechanism: 'oauthbearer', token: async () => 'no.such.token' } as const;
    await assert.rejects(over('sasl_tls', { tls: tls(), sasl }), refused('kafka_credentials_refused'));
  });

  test('a mechanism that the broker does not offer', async () => {
    await assert.rejects(over('sasl_clear', { sasl: scram() }), refused('kafka_credentials_refused'));
  });

  test('nobody who gives out tokens is as nobody who answers', async () => {
    const token = async (): Promise<string> => {
      throw new Error('the token endpoint is away');
    };
    await assert.rejects(over('sasl_tls', { tls: tls(), sasl: { mechanism: 'oauthbearer', token } }), LogUnavailable);
  });

  test('a user without rights', async () => {
    await assert.rejects(
      over('sasl_tls', { tls: tls(), sasl: scram(PASSWORD, 'bob') }),
      refused('kafka_not_authorized'),
    );
  });

  test('the rights that docs/clustered.md asks for are enough, and each of them is needed', async () => {
    const opening = () => over('sasl_tls', { tls: tls(), sasl: scram(PASSWORD, 'bob'), create_topics: false });
    const { prefix } = place.settings;
    const { TOPIC, TRANSACTIONAL_ID, GROUP } = AclResourceTypes;
    const { DESCRIBE_CONFIGS, READ, WRITE } = AclOperationTypes;
    const grant = (resourceType: Resource, operation: Operation) =>
      place.admin((admin) =>
        admin.createAcls({
          acl: [
            {
              resourceType,
              operation,
              resourceName: prefix,
              resourcePatternType: ResourcePatternTypes.PREFIXED,
              principal: 'User:bob',
              host: '*',
              permissionType: AclPermissionTypes.ALLOW,
            },
          ],
        }),
      );
    const granted = async (log: ReturnType<typeof opening>): Promise<void> => {
      // Brokers hear of new rights with a delay.
      await systemClock.sleep(200);
      await works(log);
    };
    await grant(TOPIC, READ);
    await assert.rejects(opening(), refused('kafka_not_authorized'));
    await grant(TOPIC, DESCRIBE_CONFIGS);
    await assert.rejects(opening(), refused('kafka_not_authorized'));
    await grant(TRANSACTIONAL_ID, WRITE);
    await grant(TOPIC, WRITE);
    await grant(GROUP, READ);
    await granted(opening());
  });

  test('a cluster that sends us to another machine in the clear', async () => {
    await assert.rejects(over('elsewhere', {}), refused('kafka_plaintext'));
  });
});
