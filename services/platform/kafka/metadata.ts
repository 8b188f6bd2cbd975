import type { TopicInfo } from '../event-log.ts';
import type { KafkaConnection } from './connection.ts';
import type { KafkaNodes, NodeAddress } from './connection-nodes.ts';
import { flexibleReader, unsignedVarint } from './flexible-encoding.ts';
import { errorOfCode, type RawRequest, sendRaw } from './internals.ts';

/** What a cluster says of one topic. */
export type TopicMetadata = {
  /** Id that the topic got when it was created, as hexadecimal. */
  readonly id: string;
  /** Node that leads each partition; -1 when none does at the moment. */
  readonly leaders: readonly number[];
};

type ClusterMetadata = {
  readonly nodes: ReadonlyMap<number, NodeAddress>;
  readonly topic: TopicMetadata & { readonly error_code: number };
};

export type KafkaMetadata = {
  describe(topic: string): Promise<TopicInfo>;
  /** Node that leads a partition, as last heard. Throws kafkajs's error of a topic or partition that does not exist. */
  leader(topic: string, partition: number): Promise<number>;
  /** The same, with the id of the topic. */
  place(topic: string, partition: number): Promise<{ readonly node: number; readonly id: string }>;
  /** Forgets what was heard of a topic: the next question asks the cluster. */
  forget(topic: string): void;
};

const UNKNOWN_TOPIC_OR_PARTITION = 3;
const LEADER_NOT_AVAILABLE = 5;

/** Topics as the cluster describes them, remembered until somebody finds them outdated. */
export function createMetadata(connection: KafkaConnection, nodes: KafkaNodes): KafkaMetadata {
  const known = new Map<string, Promise<TopicMetadata>>();

  const ask = async (topic: string): Promise<TopicMetadata> => {
    const found = await nodes.use('any', (broker) => sendRaw(broker, metadataRequest(topic)));
    for (const [id, address] of found.nodes) connection.addresses.set(id, address);
    const { error_code, id, leaders } = found.topic;
    // A partition without a leader is told as an error of that partition; the topic itself is known then.
    if (error_code !== 0 && error_code !== LEADER_NOT_AVAILABLE) throw errorOfCode(error_code);
    return { id, leaders };
  };
  const topicOf = (topic: string): Promise<TopicMetadata> => {
    const asked = known.get(topic);
    if (asked !== undefined) return asked;
    const asking = ask(topic);
    known.set(topic, asking);
    asking.catch(() => {
      if (known.get(topic) === asking) known.delete(topic);
    });
    return asking;
  };
  const place: KafkaMetadata['place'] = async (topic, partition) => {
    const { id, leaders } = await topicOf(topic);
    const node = leaders[partition];
    if (node === undefined || node < 0) {
      known.delete(topic);
      throw errorOfCode(node === undefined ? UNKNOWN_TOPIC_OR_PARTITION : LEADER_NOT_AVAILABLE);
    }
    return { node, id };
  };
  return {
    describe: async (topic) => {
      known.delete(topic);
      const { id, leaders } = await topicOf(topic);
      return { partitions: leaders.length, generation: id };
    },
    leader: async (topic, partition) => (await place(topic, partition)).node,
    place,
    forget: (topic) => void known.delete(topic),
  };
}

const METADATA = 3;

/**
 * Metadata, version 10: the first that tells topic ids (KIP-516), and newer than what kafkajs knows.
 */
export function metadataRequest(topic: string): RawRequest<ClusterMetadata> {
  const name = Buffer.from(topic);
  const body = Buffer.concat([
    Buffer.of(0), // tagged fields of the header
    unsignedVarint(2),
    Buffer.alloc(16), // topic id: none, we ask by name
    unsignedVarint(name.length + 1),
    name,
    Buffer.of(0),
    Buffer.of(0, 0, 0), // no topic is to be created, and nobody asks what we are authorised for
    Buffer.of(0),
  ]);
  return { api_key: METADATA, api_version: 10, api_name: 'Metadata', body, decode: decodeMetadata };
}

/** Throws RangeError when the payload ends early. */
export function decodeMetadata(payload: Buffer): ClusterMetadata {
  const read = flexibleReader(payload);
  read.tags();
  read.skip(4); // throttle time
  const nodes = new Map<number, NodeAddress>();
  read.array(() => {
    const id = read.int32();
    const host = read.string();
    const port = read.int32();
    read.string(); // rack
    read.tags();
    nodes.set(id, { host, port });
  });
  read.string(); // cluster id
  read.skip(4); // controller
  const [topic] = read.array(() => {
    const error_code = read.int16();
    read.string();
    const id = read.bytes(16).toString('hex');
    read.skip(1); // internal
    const leaders: number[] = [];
    read.array(() => {
      read.skip(2); // error: a partition without a leader has leader -1
      const partition = read.int32();
      leaders[partition] = read.int32();
      read.skip(4); // epoch of the leader
      for (let lists = 0; lists < 3; lists++) read.array(() => read.skip(4));
      read.tags();
    });
    read.skip(4); // authorised operations
    read.tags();
    return { error_code, id, leaders };
  });
  if (topic === undefined) throw errorOfCode(UNKNOWN_TOPIC_OR_PARTITION);
  return { nodes, topic };
}
