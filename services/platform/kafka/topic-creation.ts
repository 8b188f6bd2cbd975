import kafkajs, { type Admin } from 'kafkajs';
import { failureOf } from './connection-errors.ts';
import type { KafkaSettings, TopicName } from './settings.ts';
import { creationOf, type TopicProblem } from './topic-rules.ts';

// kafkajs's names for all but its client are only found on its default export.
const { KafkaJSAggregateError } = kafkajs;

/**
 * Creates topics of ours. Returns what the brokers have against it; a topic that another process has created meanwhile is
 * fine. Rejects with errors that pass.
 */
export async function createTopics(
  admin: Admin,
  settings: KafkaSettings,
  absent: readonly (readonly [TopicName, string])[],
): Promise<readonly TopicProblem[]> {
  if (absent.length === 0) return [];
  const topics = absent.map(([topic, name]) => {
    const { partitions, configuration } = creationOf(topic, settings);
    return {
      topic: name,
      numPartitions: partitions,
      replicationFactor: settings.replication_factor,
      configEntries: Object.entries(configuration).map(([setting, value]) => ({ name: setting, value })),
    };
  });
  try {
    await admin.createTopics({ topics, waitForLeaders: true });
    return [];
  } catch (error) {
    const errors: readonly unknown[] = error instanceof KafkaJSAggregateError ? error.errors : [error];
    const failed = errors.filter((one) => failureOf(one).type !== 'TOPIC_ALREADY_EXISTS');
    const problems = failed.flatMap((one) => problemOf(one, settings));
    if (failed.length > 0 && problems.length === 0) throw failed[0];
    return problems;
  }
}

/** What a broker has against a topic; nothing for errors that pass. */
function problemOf(error: unknown, { replication_factor }: KafkaSettings): TopicProblem[] {
  const { type } = failureOf(error);
  const name = error instanceof Error && 'topic' in error ? `topic ${String(error.topic)}` : 'topics';
  const code = 'kafka_topic_not_created';
  switch (type) {
    case 'INVALID_REPLICATION_FACTOR':
      return [
        {
          code,
          message: `${name} cannot be created with ${replication_factor} replicas: set log.kafka.replication_factor to at most the number of brokers`,
        },
      ];
    case 'POLICY_VIOLATION':
    case 'INVALID_CONFIG':
    case 'INVALID_PARTITIONS':
    case 'INVALID_TOPIC_EXCEPTION':
      return [
        {
          code,
          message: `${name} cannot be created (${type}): create it by hand, with the settings in docs/clustered.md`,
        },
      ];
    default:
      return [];
  }
}
