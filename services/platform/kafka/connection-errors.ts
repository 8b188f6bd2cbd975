import kafkajs from 'kafkajs';
import { LogUnavailable, type LogUnavailableReason } from '../event-log.ts';

/** Node finds no named export of kafkajs behind a spread. */
const { KafkaJSError } = kafkajs;

/**
 * What a failure of Kafka means:
 * `moved`: what we know of topics, leaders or coordinators is old. `connection`: no answer came, so a request may have been
 * carried out or not. `retriable`: the broker asks to try again. `refused`: it stays so until somebody changes something
 * (authorisation, certificates, settings). `other`: an error of ours or of kafkajs.
 */
export type FailureKind = 'moved' | 'connection' | 'retriable' | 'refused' | 'other';

export type Failure = {
  readonly kind: FailureKind;
  /** The protocol's name of the error, or kafkajs's class of it. */
  readonly type: string;
};

/** Names of the protocol's errors, https://kafka.apache.org/protocol#protocol_error_codes, as kafkajs has them. */
const MOVED: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'LISTENER_NOT_FOUND',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
]);

const REFUSED: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_VERSION',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'GROUP_MAX_SIZE_REACHED',
  'SECURITY_DISABLED',
]);

/** Classes of kafkajs's errors that no broker sent. */
const CLASSES: Readonly<Record<string, FailureKind>> = {
  KafkaJSConnectionError: 'connection',
  KafkaJSConnectionClosedError: 'connection',
  KafkaJSRequestTimeoutError: 'connection',
  KafkaJSTimeout: 'connection',
  KafkaJSLockTimeout: 'connection',
  KafkaJSBrokerNotFound: 'moved',
  KafkaJSMetadataNotLoaded: 'moved',
  KafkaJSTopicMetadataNotLoaded: 'moved',
  KafkaJSGroupCoordinatorNotFound: 'moved',
  KafkaJSNoBrokerAvailableError: 'connection',
  KafkaJSSASLAuthenticationError: 'refused',
  TokenRefused: 'refused',
  TokenUnavailable: 'connection',
  KafkaJSServerDoesNotSupportApiKey: 'refused',
};

/** Says what an error of kafkajs means; by its class and code, never by its text. */
export function failureOf(error: unknown): Failure {
  const root = rootOf(error);
  if (!(root instanceof KafkaJSError)) return { kind: 'other', type: root instanceof Error ? root.name : 'unknown' };
  const type = 'type' in root && typeof root.type === 'string' ? root.type : undefined;
  if (type === undefined) return { kind: CLASSES[root.name] ?? 'other', type: root.name };
  if (MOVED.has(type)) return { kind: 'moved', type };
  if (REFUSED.has(type)) return { kind: 'refused', type };
  return { kind: root.retriable ? 'retriable' : 'other', type };
}

/** kafkajs wraps what its retries ended with. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof KafkaJSError && !('type' in root && root.type !== undefined) && root.cause !== undefined) {
    if (CLASSES[root.name] !== undefined) break;
    root = root.cause;
  }
  return root;
}

/** Whether trying again may help, possibly after looking where things are now. */
export function isTransient({ kind }: Failure): boolean {
  return kind === 'moved' || kind === 'connection' || kind === 'retriable';
}

const REASONS: Readonly<Record<Exclude<FailureKind, 'other'>, LogUnavailableReason>> = {
  moved: 'io',
  connection: 'io',
  retriable: 'busy',
  refused: 'io',
};

const REMEDIES: Readonly<Record<Exclude<FailureKind, 'other'>, string>> = {
  moved: 'check that the topic exists and that its brokers run',
  connection: 'check that the brokers run and can be reached',
  retriable: 'the brokers are busy: wait, or look at their logs',
  refused: 'check the credentials and what they are allowed on the brokers',
};

/** LogUnavailable for what Kafka could not do; errors that are not Kafka's come back as they are. */
export function unavailable(error: unknown, doing: string): unknown {
  const { kind, type } = failureOf(error);
  if (kind === 'other') {
    if (!(rootOf(error) instanceof KafkaJSError)) return error;
    return new LogUnavailable('io', `${doing} failed (${type})`, { cause: error });
  }
  return new LogUnavailable(REASONS[kind], `${doing} failed (${type}): ${REMEDIES[kind]}`, { cause: error });
}
