import type { Config } from '../../schemas/config.ts';
import type { Add } from './config-contradictions.ts';
import { isLoopback } from './loopback.ts';

type Kafka = NonNullable<Config['log']['kafka']>;

const DEFAULT_RAW = 'agent.audit.raw';

/** What the fields of `log.kafka` say against each other; sources are checked with their mappings, where those are read. */
export function kafkaContradictions({ log, ingest }: Config, add: Add): void {
  const { kafka } = log;
  const topics = ingest.sources.map(({ topic }) => topic);
  for (const [index, topic] of topics.entries()) {
    if (kafka !== undefined || topic === DEFAULT_RAW) continue;
    const message = `needs a Kafka cluster: set log.kafka. The embedded log has only ${DEFAULT_RAW}`;
    add(['ingest', 'sources', index, 'topic'], message);
  }
  if (kafka === undefined) return;
  if (log.size_bytes_max !== undefined) {
    add(['log', 'size_bytes_max'], 'is of use only for the embedded log: bound the topics by their retention instead');
  }
  transportContradictions(kafka, add);
  saslContradictions(kafka, add);
  topicContradictions(kafka, topics, add);
}

function transportContradictions({ brokers, tls, allow_plaintext }: Kafka, add: Add): void {
  const beyond = brokers.findIndex((broker) => !isLoopback(hostOf(broker)));
  if (tls === undefined && beyond !== -1 && !allow_plaintext) {
    add(
      ['log', 'kafka', 'brokers', beyond],
      'is another machine, and events, commands and passwords would cross the network in the clear: set log.kafka.tls ' +
        '(empty is enough for a public authority), or log.kafka.allow_plaintext where the network itself is protected',
    );
  }
  if (tls === undefined) return;
  if (tls.cert_file !== undefined && tls.key_file === undefined) {
    add(['log', 'kafka', 'tls', 'cert_file'], 'needs its private key: set log.kafka.tls.key_file');
  }
  if (tls.key_file !== undefined && tls.cert_file === undefined) {
    add(['log', 'kafka', 'tls', 'key_file'], 'needs its certificate: set log.kafka.tls.cert_file');
  }
}

function saslContradictions({ sasl }: Kafka, add: Add): void {
  if (sasl === undefined) return;
  const at = (name: string): string[] => ['log', 'kafka', 'sasl', name];
  if (sasl.mechanism !== 'oauthbearer') {
    if (sasl.username === undefined) add(at('mechanism'), 'needs a user: set log.kafka.sasl.username');
    for (const name of ['token_file', 'token_endpoint', 'token_scope'] as const) {
      if (sasl[name] !== undefined) add(at(name), 'is of use only with mechanism oauthbearer');
    }
    return;
  }
  if ((sasl.token_file === undefined) === (sasl.token_endpoint === undefined)) {
    add(at('mechanism'), 'needs one place to get a token from: set either token_file or token_endpoint');
  }
  if (sasl.token_endpoint === undefined) {
    for (const name of ['username', 'password_file', 'token_scope'] as const) {
      if (sasl[name] !== undefined) add(at(name), 'is of use only with token_endpoint');
    }
    return;
  }
  if (sasl.username === undefined) {
    add(at('token_endpoint'), 'needs the id of a client: set log.kafka.sasl.username');
  }
  const url = URL.parse(sasl.token_endpoint);
  if (url?.protocol === 'http:' && !isLoopback(url.hostname)) {
    add(at('token_endpoint'), "would send the client's secret in the clear: use https");
  }
}

/** Two topics under one name would mix records that have nothing to do with each other. */
function topicContradictions({ topics }: Kafka, sources: readonly string[], add: Add): void {
  const named = Object.entries(topics).filter(([, name]) => name !== undefined);
  for (const [index, [key, name]] of named.entries()) {
    const first = named.findIndex(([, other]) => other === name);
    if (first < index) add(['log', 'kafka', 'topics', key], `is the name of topics.${named[first]?.[0]} already`);
    if (key !== 'raw' && name !== undefined && sources.includes(name)) {
      add(['log', 'kafka', 'topics', key], 'is listed in ingest.sources too: sources never write this topic');
    }
  }
}

/** The host of `host:port`, an IPv6 address without its brackets. */
function hostOf(broker: string): string {
  return broker.slice(0, broker.lastIndexOf(':'));
}
