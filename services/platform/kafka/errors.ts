/** Each is explained in docs/errors.md. */
export const KAFKA_UNUSABLE_CODES = [
  'kafka_plaintext',
  'kafka_sasl_without_tls',
  'kafka_tls_untrusted',
  'kafka_tls_hostname',
  'kafka_tls_failed',
  'kafka_credentials_refused',
  'kafka_not_authorized',
  'kafka_topic_missing',
  'kafka_topic_not_created',
  'kafka_topic_partitions',
  'kafka_topic_cleanup',
  'kafka_topic_timestamps',
  'kafka_topic_retention',
  'kafka_topic_record_size',
  'kafka_transaction_timeout',
  'kafka_ledger_lost',
] as const;

export type KafkaUnusableCode = (typeof KAFKA_UNUSABLE_CODES)[number];

/** The cluster cannot be used as it is; trying again changes nothing. The message names the place and the remedy. */
export class KafkaUnusable extends Error {
  override readonly name = 'KafkaUnusable';
  readonly code: KafkaUnusableCode;

  constructor(code: KafkaUnusableCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
