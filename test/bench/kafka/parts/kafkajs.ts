import { configOf, publicClient, topicsOf } from '../cluster.ts';
import type { OpenPart } from './part.ts';
import { ignore, isEvent, parse, type UseValue } from './values.ts';

/** kafkajs's public consumer as its documentation shows it, all partitions in one process, and nothing committed. */
function readerOf(use: UseValue): OpenPart {
  return async (given) => {
    const topic = topicsOf(given)[given.topics.raw === undefined ? 'events' : 'raw'];
    const { session_timeout_ms } = configOf(given).config.log.kafka ?? {};
    const consumer = publicClient(given).consumer({
      groupId: `${given.name}.kafkajs`,
      sessionTimeout: session_timeout_ms ?? 30_000,
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    let done = 0;
    return {
      get progress() {
        return { done, durable: true };
      },
      go: () =>
        consumer.run({
          autoCommit: false,
          eachBatch: async ({ batch: { messages } }) => {
            for (const { value } of messages) {
              if (value === null) continue;
              use(value);
              if (isEvent(value)) done++;
            }
          },
        }),
      close: () => consumer.disconnect(),
    };
  };
}

export const openRead = readerOf(ignore);
export const openReadAndParse = readerOf(parse);
