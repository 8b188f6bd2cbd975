import { TOPICS, type Topic } from '../event-log.ts';

/** Topics that are spread over partitions; all others are one order. */
const PARTITIONED: ReadonlySet<Topic> = new Set<Topic>([TOPICS.raw, TOPICS.spans, TOPICS.events, TOPICS.alerts]);

export const ALL_TOPICS: readonly Topic[] = Object.values(TOPICS);

/** Partitions that a topic has in a log made for so many. */
export function partitionsOf(topic: Topic, partitions: number): number {
  return PARTITIONED.has(topic) ? partitions : 1;
}
