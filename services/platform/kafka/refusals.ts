import { failureOf } from './connection-errors.ts';
import { KafkaUnusable } from './errors.ts';

/** What the brokers will not let this user or this configuration do, however often it is tried. */
export function refusalOf(error: unknown, doing: string): KafkaUnusable | undefined {
  const { type } = failureOf(error);
  const cause = { cause: error };
  if (type.endsWith('_AUTHORIZATION_FAILED')) {
    return new KafkaUnusable(
      'kafka_not_authorized',
      `${doing} is not allowed (${type}): grant the rights in docs/clustered.md to this user`,
      cause,
    );
  }
  if (type === 'INVALID_TRANSACTION_TIMEOUT') {
    return new KafkaUnusable(
      'kafka_transaction_timeout',
      "log.kafka.transaction_timeout_ms is over the brokers' transaction.max.timeout.ms: shorten it, or raise that",
      cause,
    );
  }
  return undefined;
}
