import { z } from 'zod';
import { FORMAT_NAMES } from './format.ts';
import { LIMITS, UNITS } from './limits.ts';

/** How to reach a Kafka cluster, and what Countersign's topics and groups are called there. */
const filePath = () => z.string().min(1).max(4096);
/** What Kafka takes as the name of a topic (at most 249 characters), a group or a transactional id. */
const KAFKA_NAME = /^[A-Za-z0-9._-]+$/;
const topicName = () => z.string().regex(KAFKA_NAME, 'must be letters, digits, dots, dashes and underscores').max(249);

export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;

/** Names in the cluster, where they differ from those in docs/clustered.md. */
export const KafkaTopics = z.strictObject({
  events: topicName().optional(),
  dead: topicName().optional(),
  alerts: topicName().optional(),
  feed: topicName().optional(),
  findings: topicName().optional(),
  commands: topicName().optional(),
  control: topicName().optional(),
  raw: topicName().optional(),
  spans: topicName().optional(),
  ledger: topicName().optional(),
});

export const KafkaConfig = z.strictObject({
  brokers: z
    .array(
      z
        .string()
        .max(300)
        .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/, 'must be host:port'),
    )
    .min(1)
    .max(64),
  client_id: z
    .string()
    .regex(KAFKA_NAME, 'must be letters, digits, dots, dashes and underscores')
    .max(100)
    .default('countersign'),
  /** Begins the names of all consumer groups and transactional ids: one installation, one name. */
  group: z
    .string()
    .regex(KAFKA_NAME, 'must be letters, digits, dots, dashes and underscores')
    .max(100)
    .default('countersign'),
  /** Present, even empty: the connection is encrypted. Without `ca_file` the authorities that Node.js knows count. */
  tls: z
    .strictObject({
      ca_file: filePath().optional(),
      cert_file: filePath().optional(),
      key_file: filePath().optional(),
      server_name: z.string().min(1).max(255).optional(),
    })
    .optional(),
  sasl: z
    .strictObject({
      mechanism: z.enum(SASL_MECHANISMS),
      /** With `oauthbearer` and `token_endpoint`, the client's id. */
      username: z.string().min(1).max(1024).optional(),
      /** Absent: COUNTERSIGN_LOG_KAFKA_SASL_PASSWORD. */
      password_file: filePath().optional(),
      /** Read again for every connection, so whoever keeps it fresh may replace it. */
      token_file: filePath().optional(),
      /** Client credentials grant, RFC 6749 section 4.4. */
      token_endpoint: z
        .url({ protocol: /^https?$/ })
        .max(LIMITS.resource_id_chars_max)
        .optional(),
      token_scope: z.string().min(1).max(1024).optional(),
    })
    .optional(),
  /** Without TLS only brokers on this machine are spoken to: events and commands would cross the network in the clear. */
  allow_plaintext: z.boolean().default(false),
  topics: KafkaTopics.prefault({}),
  /** Makes topics that are not there. Without it they must be there, with the right settings. */
  create_topics: z.boolean().default(true),
  /** Of topics that are made. */
  replication_factor: z.int().min(1).max(16).default(3),
  /** A process that was silent for so long loses its partitions. */
  session_timeout_ms: z
    .int()
    .min(UNITS.SECOND_MS)
    .max(10 * UNITS.MINUTE_MS)
    .default(LIMITS.kafka_session_timeout_ms),
  /** A transaction that a dead process left open holds up readers for so long at most. */
  transaction_timeout_ms: z
    .int()
    .min(UNITS.SECOND_MS)
    .max(10 * UNITS.MINUTE_MS)
    .default(LIMITS.kafka_transaction_timeout_ms),
});
export type KafkaConfig = z.infer<typeof KafkaConfig>;

/** A topic that sources write, and how to read it. */
export const IngestSource = z.strictObject({
  /** Its name in the cluster. */
  topic: topicName(),
  format: z.enum(FORMAT_NAMES).default('auto'),
  /** The name that one of the files in `ingest.mappings` gives itself. Absent: whichever fits. */
  mapping: z.string().min(1).max(LIMITS.id_chars_max).optional(),
  /** Named source of the items, part of every event's key. Absent: the topic's name. */
  origin: z.string().min(1).max(LIMITS.id_chars_max).optional(),
  tenant: z.string().min(1).max(LIMITS.id_chars_max).default('default'),
  /** What is there was recorded: it keeps its own clock, and live time does not count. */
  recorded: z.boolean().default(false),
});
export type IngestSource = z.infer<typeof IngestSource>;
