import type { FieldPath } from './config-sources.ts';

/** How the text of a variable becomes a value: `list` is separated by commas, `yaml` (or JSON) has parts of its own. */
export type Reading = 'text' | 'number' | 'boolean' | 'list' | 'yaml';
/** Every variable that sets a value. An empty variable counts as not set, as compose files leave them. */
export const VARIABLES: Readonly<
  Record<string, { readonly field: readonly [string, ...string[]]; readonly as: Reading }>
> = {
  COUNTERSIGN_DATA_DIR: { field: ['data_dir'], as: 'text' },
  COUNTERSIGN_ROLES: { field: ['roles'], as: 'list' },
  COUNTERSIGN_LISTEN_HOST: { field: ['listen', 'host'], as: 'text' },
  COUNTERSIGN_LISTEN_PORT: { field: ['listen', 'port'], as: 'number' },
  COUNTERSIGN_LISTEN_TLS_CERT_FILE: { field: ['listen', 'tls', 'cert_file'], as: 'text' },
  COUNTERSIGN_LISTEN_TLS_KEY_FILE: { field: ['listen', 'tls', 'key_file'], as: 'text' },
  COUNTERSIGN_LISTEN_ALLOW_PLAINTEXT_BEYOND_LOOPBACK: {
    field: ['listen', 'allow_plaintext_beyond_loopback'],
    as: 'boolean',
  },
  COUNTERSIGN_LOG_PARTITIONS: { field: ['log', 'partitions'], as: 'number' },
  COUNTERSIGN_LOG_RETENTION_DAYS: { field: ['log', 'retention_days'], as: 'number' },
  COUNTERSIGN_LOG_SIZE_BYTES_MAX: { field: ['log', 'size_bytes_max'], as: 'number' },
  COUNTERSIGN_LOG_KAFKA_BROKERS: { field: ['log', 'kafka', 'brokers'], as: 'list' },
  COUNTERSIGN_LOG_KAFKA_CLIENT_ID: { field: ['log', 'kafka', 'client_id'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_GROUP: { field: ['log', 'kafka', 'group'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TLS_CA_FILE: { field: ['log', 'kafka', 'tls', 'ca_file'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TLS_CERT_FILE: { field: ['log', 'kafka', 'tls', 'cert_file'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TLS_KEY_FILE: { field: ['log', 'kafka', 'tls', 'key_file'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TLS_SERVER_NAME: { field: ['log', 'kafka', 'tls', 'server_name'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_SASL_MECHANISM: { field: ['log', 'kafka', 'sasl', 'mechanism'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_SASL_USERNAME: { field: ['log', 'kafka', 'sasl', 'username'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_SASL_PASSWORD_FILE: { field: ['log', 'kafka', 'sasl', 'password_file'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_SASL_TOKEN_FILE: { field: ['log', 'kafka', 'sasl', 'token_file'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_SASL_TOKEN_ENDPOINT: { field: ['log', 'kafka', 'sasl', 'token_endpoint'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_SASL_TOKEN_SCOPE: { field: ['log', 'kafka', 'sasl', 'token_scope'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_ALLOW_PLAINTEXT: { field: ['log', 'kafka', 'allow_plaintext'], as: 'boolean' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_EVENTS: { field: ['log', 'kafka', 'topics', 'events'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_DEAD: { field: ['log', 'kafka', 'topics', 'dead'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_ALERTS: { field: ['log', 'kafka', 'topics', 'alerts'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_FEED: { field: ['log', 'kafka', 'topics', 'feed'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_FINDINGS: { field: ['log', 'kafka', 'topics', 'findings'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_COMMANDS: { field: ['log', 'kafka', 'topics', 'commands'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_CONTROL: { field: ['log', 'kafka', 'topics', 'control'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_RAW: { field: ['log', 'kafka', 'topics', 'raw'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_SPANS: { field: ['log', 'kafka', 'topics', 'spans'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_TOPICS_LEDGER: { field: ['log', 'kafka', 'topics', 'ledger'], as: 'text' },
  COUNTERSIGN_LOG_KAFKA_CREATE_TOPICS: { field: ['log', 'kafka', 'create_topics'], as: 'boolean' },
  COUNTERSIGN_LOG_KAFKA_REPLICATION_FACTOR: { field: ['log', 'kafka', 'replication_factor'], as: 'number' },
  COUNTERSIGN_LOG_KAFKA_SESSION_TIMEOUT_MS: { field: ['log', 'kafka', 'session_timeout_ms'], as: 'number' },
  COUNTERSIGN_LOG_KAFKA_TRANSACTION_TIMEOUT_MS: { field: ['log', 'kafka', 'transaction_timeout_ms'], as: 'number' },
  COUNTERSIGN_STORE_URL: { field: ['store', 'url'], as: 'text' },
  COUNTERSIGN_STORE_USERNAME: { field: ['store', 'username'], as: 'text' },
  COUNTERSIGN_STORE_PASSWORD_FILE: { field: ['store', 'password_file'], as: 'text' },
  COUNTERSIGN_STORE_CA_FILE: { field: ['store', 'ca_file'], as: 'text' },
  COUNTERSIGN_STORE_ALLOW_PLAINTEXT: { field: ['store', 'allow_plaintext'], as: 'boolean' },
  COUNTERSIGN_STORE_DATABASE: { field: ['store', 'database'], as: 'text' },
  COUNTERSIGN_STORE_REPLICATED: { field: ['store', 'replicated'], as: 'boolean' },
  COUNTERSIGN_STORE_RETENTION_DAYS: { field: ['store', 'retention_days'], as: 'number' },
  COUNTERSIGN_DETECT_ALERTS_PER_1000_IDENTITY_DAYS: {
    field: ['detect', 'alerts_per_1000_identity_days'],
    as: 'number',
  },
  COUNTERSIGN_DETECT_ALERTS_PER_DAY: { field: ['detect', 'alerts_per_day'], as: 'number' },
  COUNTERSIGN_DETECT_LATENESS_MS: { field: ['detect', 'lateness_ms'], as: 'number' },
  COUNTERSIGN_INGEST_MAPPINGS: { field: ['ingest', 'mappings'], as: 'list' },
  COUNTERSIGN_INGEST_TOOL_CATALOGUE: { field: ['ingest', 'tool_catalogue'], as: 'text' },
  COUNTERSIGN_INGEST_SOURCES: { field: ['ingest', 'sources'], as: 'yaml' },
  COUNTERSIGN_INGEST_IDENTITY_AGENT_ID: { field: ['ingest', 'identity', 'agent_id'], as: 'yaml' },
  COUNTERSIGN_INGEST_IDENTITY_AGENT_NAME: { field: ['ingest', 'identity', 'agent_name'], as: 'list' },
  COUNTERSIGN_INGEST_IDENTITY_PRINCIPAL: { field: ['ingest', 'identity', 'principal'], as: 'yaml' },
  COUNTERSIGN_INGEST_IDENTITY_OWNER: { field: ['ingest', 'identity', 'owner'], as: 'list' },
  COUNTERSIGN_INGEST_IDENTITY_PEER_GROUP: { field: ['ingest', 'identity', 'peer_group'], as: 'list' },
  COUNTERSIGN_INGEST_IDENTITY_VERSION: { field: ['ingest', 'identity', 'version'], as: 'list' },
  COUNTERSIGN_INGEST_IDENTITY_CREDENTIAL: { field: ['ingest', 'identity', 'credential'], as: 'list' },
  COUNTERSIGN_INGEST_IDENTITY_ON_BEHALF_OF: { field: ['ingest', 'identity', 'on_behalf_of'], as: 'list' },
  COUNTERSIGN_INGEST_IDENTITY_SESSION: { field: ['ingest', 'identity', 'session'], as: 'list' },
  COUNTERSIGN_INGEST_IDENTITY_CLAIMS: { field: ['ingest', 'identity', 'claims'], as: 'text' },
  COUNTERSIGN_INGEST_IDENTITY_BOUND_MS: { field: ['ingest', 'identity', 'bound_ms'], as: 'number' },
  COUNTERSIGN_INGEST_CONTENT_KEEP: { field: ['ingest', 'content', 'keep'], as: 'list' },
  COUNTERSIGN_INGEST_CONTENT_HASH_KEY_FILE: { field: ['ingest', 'content', 'hash_key_file'], as: 'text' },
  COUNTERSIGN_INGEST_CONTENT_TARGETS: { field: ['ingest', 'content', 'targets'], as: 'text' },
  COUNTERSIGN_INGEST_OTLP_MODEL_CALLS: { field: ['ingest', 'otlp', 'model_calls'], as: 'text' },
  COUNTERSIGN_INGEST_OTLP_SERVER_CALLS: { field: ['ingest', 'otlp', 'server_calls'], as: 'text' },
  COUNTERSIGN_DELIVER_WEBHOOK_URL: { field: ['deliver', 'webhook', 'url'], as: 'text' },
  COUNTERSIGN_DELIVER_WEBHOOK_SECRET_FILE: { field: ['deliver', 'webhook', 'secret_file'], as: 'text' },
  COUNTERSIGN_DELIVER_WEBHOOK_SEVERITY_MIN: { field: ['deliver', 'webhook', 'severity_min'], as: 'text' },
  COUNTERSIGN_DELIVER_WEBHOOK_ALLOW_PRIVATE_NETWORKS: {
    field: ['deliver', 'webhook', 'allow_private_networks'],
    as: 'boolean',
  },
  COUNTERSIGN_CONTAIN_APPROVALS: { field: ['contain', 'approvals'], as: 'number' },
  COUNTERSIGN_CONTAIN_APPROVAL_EXPIRY_MS: { field: ['contain', 'approval_expiry_ms'], as: 'number' },
  COUNTERSIGN_CONTAIN_EXECUTION_EXPIRY_MS: { field: ['contain', 'execution_expiry_ms'], as: 'number' },
  COUNTERSIGN_CONTAIN_EXECUTOR_URL: { field: ['contain', 'executor_webhook', 'url'], as: 'text' },
  COUNTERSIGN_CONTAIN_EXECUTOR_SECRET_FILE: { field: ['contain', 'executor_webhook', 'secret_file'], as: 'text' },
  COUNTERSIGN_CONTAIN_EXECUTOR_DEDUPLICATES: { field: ['contain', 'executor_webhook', 'deduplicates'], as: 'boolean' },
  COUNTERSIGN_CONTAIN_EXECUTOR_ALLOW_PLAINTEXT: {
    field: ['contain', 'executor_webhook', 'allow_plaintext'],
    as: 'boolean',
  },
  COUNTERSIGN_NOTIFY_PUBLIC_URL: { field: ['notify', 'public_url'], as: 'text' },
  COUNTERSIGN_NOTIFY_DEBOUNCE_MS: { field: ['notify', 'debounce_ms'], as: 'number' },
  COUNTERSIGN_NOTIFY_REMIND_BEFORE_MS: { field: ['notify', 'remind_before_ms'], as: 'number' },
  COUNTERSIGN_NOTIFY_MAIL_HOST: { field: ['notify', 'mail', 'host'], as: 'text' },
  COUNTERSIGN_NOTIFY_MAIL_PORT: { field: ['notify', 'mail', 'port'], as: 'number' },
  COUNTERSIGN_NOTIFY_MAIL_TLS: { field: ['notify', 'mail', 'tls'], as: 'text' },
  COUNTERSIGN_NOTIFY_MAIL_CA_FILE: { field: ['notify', 'mail', 'ca_file'], as: 'text' },
  COUNTERSIGN_NOTIFY_MAIL_USERNAME: { field: ['notify', 'mail', 'username'], as: 'text' },
  COUNTERSIGN_NOTIFY_MAIL_PASSWORD_FILE: { field: ['notify', 'mail', 'password_file'], as: 'text' },
  COUNTERSIGN_NOTIFY_MAIL_FROM: { field: ['notify', 'mail', 'from'], as: 'text' },
  COUNTERSIGN_NOTIFY_MAIL_RECIPIENTS: { field: ['notify', 'mail', 'recipients'], as: 'yaml' },
  COUNTERSIGN_NOTIFY_CHAT: { field: ['notify', 'chat'], as: 'yaml' },
  COUNTERSIGN_LOGGING_LEVEL: { field: ['logging', 'level'], as: 'text' },
};

/** Variables that other parts read: the file's place, secrets, and what the client commands use. */
export const OTHER_VARIABLES = [
  'COUNTERSIGN_CONFIG',
  'COUNTERSIGN_LOG_KAFKA_SASL_PASSWORD',
  'COUNTERSIGN_STORE_PASSWORD',
  'COUNTERSIGN_INGEST_CONTENT_HASH_KEY',
  'COUNTERSIGN_DELIVER_WEBHOOK_SECRET',
  'COUNTERSIGN_CONTAIN_EXECUTOR_SECRET',
  'COUNTERSIGN_NOTIFY_MAIL_PASSWORD',
  'COUNTERSIGN_URL',
  'COUNTERSIGN_API_KEY',
] as const;

/** The names of all variables, for help texts and suggestions. */
export const VARIABLE_NAMES: readonly string[] = [...Object.keys(VARIABLES), ...OTHER_VARIABLES];

/** The variable that sets a field; undefined when none does. */
export function variableOf(field: FieldPath): string | undefined {
  return Object.keys(VARIABLES).find((name) => VARIABLES[name]?.field.join('.') === field.join('.'));
}

/**
 * Fields that name a file or directory: taken relative to the file they stand in, else to the working directory. `*` stands
 * for every item of a list.
 */
export const PATH_FIELDS: readonly (readonly [string, ...string[]])[] = [
  ['data_dir'],
  ['listen', 'tls', 'cert_file'],
  ['listen', 'tls', 'key_file'],
  ['log', 'kafka', 'tls', 'ca_file'],
  ['log', 'kafka', 'tls', 'cert_file'],
  ['log', 'kafka', 'tls', 'key_file'],
  ['log', 'kafka', 'sasl', 'password_file'],
  ['log', 'kafka', 'sasl', 'token_file'],
  ['store', 'password_file'],
  ['store', 'ca_file'],
  ['ingest', 'mappings'],
  ['ingest', 'tool_catalogue'],
  ['ingest', 'content', 'hash_key_file'],
  ['deliver', 'webhook', 'secret_file'],
  ['contain', 'executor_webhook', 'secret_file'],
  ['notify', 'mail', 'ca_file'],
  ['notify', 'mail', 'password_file'],
  ['notify', 'chat', '*', 'url_file'],
  ['notify', 'chat', '*', 'secret_file'],
];
