import { readFileSync } from 'node:fs';
import type { FrozenConfig, Secrets } from '../../platform/config.ts';
import {
  type KafkaSasl,
  type KafkaSettings,
  type KafkaTls,
  TOPIC_NAMES,
  type TopicName,
} from '../../platform/kafka/settings.ts';
import { EXIT, Problem } from '../problem.ts';
import { clientCredentialsToken } from './oauth-token.ts';

type Kafka = NonNullable<FrozenConfig['log']['kafka']>;

/** What the Kafka adapter is told, made of configuration, secrets and the files they name. Throws a Problem. */
export function kafkaSettings(
  config: FrozenConfig,
  kafka: Kafka,
  secrets: Pick<Secrets, 'kafka_password'>,
  instance: string,
): KafkaSettings {
  const { brokers, client_id, group, allow_plaintext, create_topics, replication_factor } = kafka;
  const raw = kafka.topics.raw ?? TOPIC_NAMES.raw;
  const sasl = saslOf(kafka.sasl, { password: secrets.kafka_password, allow_hosts: config.outbound.allow });
  return {
    brokers,
    client_id,
    ...(kafka.tls === undefined ? {} : { tls: tlsOf(kafka.tls) }),
    ...(sasl === undefined ? {} : { sasl }),
    allow_plaintext,
    prefix: group,
    instance,
    topics: topicsOf(kafka.topics),
    create_topics,
    partitions: config.log.partitions,
    replication_factor,
    session_timeout_ms: kafka.session_timeout_ms,
    transaction_timeout_ms: kafka.transaction_timeout_ms,
    source_topics: config.ingest.sources.map(({ topic }) => topic).filter((topic) => topic !== raw),
  };
}

function topicsOf(named: Kafka['topics']): Record<TopicName, string> {
  const names = Object.keys(TOPIC_NAMES) as TopicName[];
  return Object.fromEntries(names.map((name) => [name, named[name] ?? TOPIC_NAMES[name]])) as Record<TopicName, string>;
}

function tlsOf({ ca_file, cert_file, key_file, server_name }: NonNullable<Kafka['tls']>): KafkaTls {
  return {
    ...(ca_file === undefined ? {} : { ca: pem(ca_file, 'ca_file') }),
    ...(cert_file === undefined ? {} : { cert: pem(cert_file, 'cert_file') }),
    ...(key_file === undefined ? {} : { key: pem(key_file, 'key_file') }),
    ...(server_name === undefined ? {} : { server_name }),
  };
}

function pem(file: string, field: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const message = `log.kafka.tls.${field}: cannot read ${file}: ${(error as Error).message}`;
    throw new Problem('config_invalid', message, EXIT.usage);
  }
}

/** The configuration was checked: a mechanism has what it needs. */
function saslOf(
  sasl: Kafka['sasl'],
  {
    password,
    allow_hosts,
  }: { readonly password: string | undefined; readonly allow_hosts: readonly string[] | undefined },
): KafkaSasl | undefined {
  if (sasl === undefined) return undefined;
  const { mechanism, username = '', token_file, token_endpoint, token_scope } = sasl;
  if (mechanism !== 'oauthbearer') return { mechanism, username, password: password ?? '' };
  if (token_file !== undefined) return { mechanism, token: async () => readFileSync(token_file, 'utf8').trim() };
  return {
    mechanism,
    token: () =>
      clientCredentialsToken({
        endpoint: token_endpoint ?? '',
        client_id: username,
        client_secret: password ?? '',
        ...(token_scope === undefined ? {} : { scope: token_scope }),
        allow_hosts,
      }),
  };
}
