import type { Arenas } from './arenas.ts';
import type { KafkaConnection } from './connection.ts';
import { failureOf, isTransient } from './connection-errors.ts';
import type { KafkaNodes } from './connection-nodes.ts';
import { producerFailure } from './coordinator.ts';
import { errorOfCode, sendRaw } from './internals.ts';
import type { KafkaMetadata } from './metadata.ts';
import { type BatchProducer, type BatchRecord, batchedBytes, batchRoom, writeRecordBatch } from './record-batch.ts';
import { CODES, type PartitionBatch, type Producer, produce } from './txn-requests.ts';

/** Records for one partition, in order. Topics go by their names on the cluster. */
export type PartitionRecords = {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly BatchRecord[];
};

/** Bytes and records of one batch at most; a larger record has one for itself. */
export type BatchMost = { readonly bytes: number; readonly records: number };

export type Sent =
  /** For each of the parts the offsets of its records. */
  | { readonly kind: 'sent'; readonly offsets: readonly (readonly number[])[] }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'not_written'; readonly error: unknown; readonly passing: boolean };

type Failed = Exclude<Sent, { kind: 'sent' }>;

/** Records `from` to `to` of a part, which go out as one batch. */
type Slice = {
  readonly part: PartitionRecords;
  readonly from: number;
  readonly to: number;
  readonly offsets: number[];
};

const SEQUENCE_MASK = 0x7fffffff;

/** Sends the records of a transaction and numbers them, as the idempotent producer does (KIP-98). */
export function createSender(options: {
  readonly connection: KafkaConnection;
  readonly nodes: KafkaNodes;
  readonly metadata: KafkaMetadata;
  readonly transactional_id: string;
  readonly identity: Producer;
  readonly most: BatchMost;
}): (parts: readonly PartitionRecords[]) => Promise<Sent> {
  const { connection, nodes, metadata, transactional_id, identity, most } = options;
  const { clock, settings, arenas } = connection;
  const sequences = new Map<string, number>();

  const numbered = ({ part: { topic, partition }, from, to }: Slice): BatchProducer => {
    const name = `${topic}/${partition}`;
    const sequence = sequences.get(name) ?? 0;
    sequences.set(name, (sequence + to - from) & SEQUENCE_MASK);
    return { ...identity, sequence };
  };

  /** Slices of partitions that one node leads. */
  const sendTo = async (node: number, slices: readonly Slice[]): Promise<Failed | undefined> => {
    const { arena, batches } = encode(slices, { arenas, numbered, now_ms: Math.floor(clock.now()) });
    const request = produce(transactional_id, batches, settings.transaction_timeout_ms);
    const answers = await nodes.use(node, (broker) => sendRaw(broker, request));
    // Without an answer the system may still hold it.
    arenas.giveBack(arena);
    const bases = new Map(answers.map((answer) => [`${answer.topic}/${answer.partition}`, answer]));
    for (const { part, from, to, offsets } of slices) {
      const answer = bases.get(`${part.topic}/${part.partition}`);
      if (answer === undefined) throw new Error(`no answer for ${part.topic}/${part.partition}`);
      if (answer.error !== CODES.none) return refused(part.topic, answer.error);
      for (let i = from; i < to; i++) offsets[i] = answer.base_offset + i - from;
    }
    return undefined;
  };
  const refused = (topic: string, code: number): Failed => {
    metadata.forget(topic);
    const meaning = producerFailure(code);
    if (meaning === 'fenced') return { kind: 'fenced' };
    return { kind: 'not_written', error: errorOfCode(code), passing: meaning === 'passing' };
  };

  const sendRound = async (slices: readonly Slice[]): Promise<Failed | undefined> => {
    try {
      const leaders = await Promise.all(slices.map(({ part }) => metadata.leader(part.topic, part.partition)));
      const by_leader = Map.groupBy(slices, (_, i) => leaders[i] as number);
      const answers = await Promise.all([...by_leader].map(([node, led]) => sendTo(node, led)));
      return answers.find((answer) => answer !== undefined);
    } catch (error) {
      for (const { part } of slices) metadata.forget(part.topic);
      const failure = failureOf(error);
      if (failure.kind === 'other') throw error;
      return { kind: 'not_written', error, passing: isTransient(failure) };
    }
  };

  return async (parts) => {
    const offsets = parts.map(({ records }) => new Array<number>(records.length));
    const queues = parts.map((part, i) => slicesOf(part, offsets[i] as number[], most));
    const rounds = Math.max(...queues.map((slices) => slices.length));
    // A request takes one batch of a partition; the next one waits for its answer, so that order is certain.
    for (let round = 0; round < rounds; round++) {
      const failed = await sendRound(queues.flatMap((slices) => slices[round] ?? []));
      if (failed !== undefined) return failed;
    }
    return { kind: 'sent', offsets };
  };
}

/** The batches of the slices, one after the other in an arena. */
function encode(
  slices: readonly Slice[],
  by: {
    readonly arenas: Arenas;
    readonly numbered: (slice: Slice) => BatchProducer;
    readonly now_ms: number;
  },
): { readonly arena: Buffer; readonly batches: readonly PartitionBatch[] } {
  const records = slices.map(({ part, from, to }) => part.records.slice(from, to));
  const arena = by.arenas.take(records.reduce((bytes, of) => bytes + batchRoom(of), 0));
  let at = 0;
  const batches = slices.map((slice, i) => {
    const { topic, partition } = slice.part;
    const room = arena.subarray(at);
    const batch = writeRecordBatch(room, records[i] as readonly BatchRecord[], by.numbered(slice), by.now_ms);
    at += batch.length;
    return { topic, partition, batch };
  });
  return { arena, batches };
}

function slicesOf(part: PartitionRecords, offsets: number[], most: BatchMost): Slice[] {
  const { records } = part;
  const slices: Slice[] = [];
  for (let from = 0; from < records.length; ) {
    let to = from;
    let bytes = 0;
    while (to < records.length && to - from < most.records) {
      bytes += batchedBytes(records[to] as BatchRecord);
      if (bytes > most.bytes && to > from) break;
      to++;
    }
    slices.push({ part, from, to, offsets });
    from = to;
  }
  return slices;
}
