import { LIMITS } from '../../../schemas/limits.ts';
import { OffsetOutOfRange, type PartitionBounds } from '../event-log.ts';
import type { KafkaConnection } from './connection.ts';
import { failureOf } from './connection-errors.ts';
import type { KafkaNodes } from './connection-nodes.ts';
import { type FetchedPartition, fetchRequest, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_IDS } from './fetch-request.ts';
import { type Broker, errorOfCode, sendRaw } from './internals.ts';
import type { KafkaMetadata } from './metadata.ts';
import type { PartitionOffsets } from './reader-types.ts';

/** Where to fetch from; the topic by its id too, when something of it was read before. */
export type FetchFrom = {
  readonly topic: string;
  readonly id: string | undefined;
  readonly partition: number;
  readonly offset: number;
};

/** Questions to the leaders of partitions. All reject with errors of kafkajs. */
export type Fetcher = {
  offsets(topic: string, partition: number): Promise<PartitionOffsets>;
  /** What the log has there now; undefined when the broker wanted to be left alone meanwhile. Throws OffsetOutOfRange. */
  fetch(from: FetchFrom, bytes: number): Promise<FetchedPartition | undefined>;
};

const UNKNOWN_TOPIC_OR_PARTITION = 3;
const OFFSET_NOT_AVAILABLE = 78;
const THROTTLE_MS_MIN = 10;

export function createFetcher(options: {
  readonly connection: KafkaConnection;
  readonly nodes: KafkaNodes;
  readonly metadata: KafkaMetadata;
}): Fetcher {
  const { connection, nodes, metadata } = options;

  const onLeader = async <T>(
    topic: string,
    partition: number,
    work: (broker: Broker, id: string) => Promise<T>,
  ): Promise<T> => {
    try {
      const { node, id } = await metadata.place(topic, partition);
      return await nodes.use(node, (broker) => work(broker, id));
    } catch (error) {
      const { kind } = failureOf(error);
      if (kind === 'moved' || kind === 'connection') metadata.forget(topic);
      throw error;
    }
  };
  const offsets = (topic: string, partition: number): Promise<PartitionOffsets> =>
    onLeader(topic, partition, async (broker) => {
      // Asked in this order, and the broker answers in it: none of them is ahead of the next.
      const [start, stable, end] = await Promise.all([
        offsetAt(broker, { topic, partition, timestamp: -2, isolation: 1 }),
        offsetAt(broker, { topic, partition, timestamp: -1, isolation: 1 }),
        offsetAt(broker, { topic, partition, timestamp: -1, isolation: 0 }),
      ]);
      return { start, stable, end };
    });
  const outOfRange = async ({ topic, partition, offset }: FetchFrom): Promise<Error> => {
    const { start, stable, end } = await offsets(topic, partition);
    // Between the question and this look it may have come into range: then the read is repeated.
    if (offset >= start && offset <= end) return errorOfCode(OFFSET_NOT_AVAILABLE);
    return rejected({ topic, partition, offset }, { start, end: stable });
  };
  /** The id is not known: the topic is gone, was made anew, or the broker has not heard of it yet. */
  const unknownId = async (from: FetchFrom): Promise<Error> => {
    const { topic, partition, id } = from;
    metadata.forget(topic);
    const now = await metadata.place(topic, partition);
    if (id === undefined || now.id === id) return errorOfCode(UNKNOWN_TOPIC_OR_PARTITION);
    // Offsets of the topic that was read before mean nothing in the new one, even where they exist.
    const { start, stable } = await offsets(topic, partition);
    return rejected(from, { start, end: stable });
  };
  return {
    offsets,
    fetch: async (from, bytes) => {
      const { topic, partition, offset } = from;
      const found = await onLeader(topic, partition, async (broker, id) => {
        const target = { topic, id: from.id ?? id, partition, offset, bytes };
        const times = { wait_ms: 0, bytes, timeout_ms: LIMITS.kafka_request_ms };
        const { throttle_ms, partitions } = await sendRaw(broker, fetchRequest([target], times));
        const [fetched] = partitions;
        if (fetched === undefined) {
          await connection.clock.sleep(Math.max(throttle_ms, THROTTLE_MS_MIN), connection.closed);
        }
        return fetched;
      });
      const code = found?.error_code ?? 0;
      if (code === 0) return found;
      if (code === OFFSET_OUT_OF_RANGE) throw await outOfRange(from);
      if (UNKNOWN_TOPIC_IDS.has(code)) throw await unknownId(from);
      metadata.forget(topic);
      throw errorOfCode(code);
    },
  };
}

function rejected(from: Omit<FetchFrom, 'id'>, bounds: PartitionBounds): OffsetOutOfRange {
  return new OffsetOutOfRange(`source:${from.topic}`, from.partition, from.offset, bounds);
}

async function offsetAt(
  broker: Broker,
  of: {
    readonly topic: string;
    readonly partition: number;
    readonly timestamp: -1 | -2;
    readonly isolation: 0 | 1;
  },
): Promise<number> {
  const { topic, partition, timestamp, isolation } = of;
  const { responses } = await broker.listOffsets({
    replicaId: -1,
    isolationLevel: isolation,
    topics: [{ topic, partitions: [{ partition, timestamp }] }],
  });
  const offset = Number(responses[0]?.partitions[0]?.offset);
  if (!Number.isSafeInteger(offset)) throw new RangeError(`a broker told no offset of ${topic}/${partition}`);
  return offset;
}
