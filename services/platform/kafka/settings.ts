import { TOPICS, type Topic } from '../event-log.ts';

/** Names of topics in the configuration: those of the seam, and the adapter's own ledger of positions and counters. */
/** What our topics are called on the cluster unless they are named otherwise. */
export const TOPIC_NAMES = { ...TOPICS, ledger: 'agent.ledger' } as const;
export type TopicName = keyof typeof TOPIC_NAMES;

/** All texts are PEM, not names of files. */
export type KafkaTls = {
  /** Certificates that brokers are trusted by; the system's own when absent. */
  readonly ca?: string;
  /** The client's certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
  /** Name that the brokers' certificates must bear, where it is not the name that they are reached under. */
  readonly server_name?: string;
};

export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      /** Asked for a token at every authentication: tokens expire. */
      readonly token: () => Promise<string>;
    };

/** Everything that the adapter is told from outside. Checked by `assertSafe` (security.ts) and `prepareTopics`. */
export type KafkaSettings = {
  /** `host:port` of at least one broker. */
  readonly brokers: readonly string[];
  readonly client_id: string;
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
  /** Connections without TLS to other hosts than this one are refused unless set. */
  readonly allow_plaintext: boolean;
  /** Begins the names of consumer groups and transactional ids. */
  readonly prefix: string;
  /** Name of this process among those that run now. A process that begins anew under its old name ends what it left open. */
  readonly instance: string;
  /** Names on the cluster. */
  readonly topics: Readonly<Record<TopicName, string>>;
  /** Whether absent topics of ours are created. Those of sources never are. */
  readonly create_topics: boolean;
  /** Of the partitioned topics when they are created. */
  readonly partitions: number;
  readonly replication_factor: number;
  readonly session_timeout_ms: number;
  readonly transaction_timeout_ms: number;
  /** Further topics that sources write, by their names on the cluster. */
  readonly source_topics: readonly string[];
};

/** Partitions of the ledger; a name is always in the same one, so the count never changes. */
export const LEDGER_PARTITIONS = 16;

const SOURCE = 'source:';

/** Whether a topic is read only: others write it. */
export function isSource(topic: Topic): boolean {
  return topic.startsWith(SOURCE);
}

const NAME_OF: ReadonlyMap<Topic, keyof typeof TOPICS> = new Map(
  (Object.keys(TOPICS) as (keyof typeof TOPICS)[]).map((name) => [TOPICS[name], name]),
);

/** Name of a topic on the cluster. Asked for every record. */
export function physicalName(settings: KafkaSettings, topic: Topic): string {
  if (isSource(topic)) return topic.slice(SOURCE.length);
  const own = NAME_OF.get(topic);
  if (own === undefined) throw new RangeError(`there is no topic ${topic}`);
  return settings.topics[own];
}

/** The transactional id of an office: whoever asks for it next shuts out all who held it before. */
export function transactionalId(settings: KafkaSettings, fence: string): string {
  return `${settings.prefix}.${fence}`;
}

/** The office that a process holds for writes without an expectation. */
export function processFence(settings: KafkaSettings): string {
  return `process.${settings.instance}`;
}
