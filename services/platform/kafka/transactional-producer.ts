import type { KafkaConnection } from './connection.ts';
import type { KafkaNodes } from './connection-nodes.ts';
import { type Answer, type Coordinator, createCoordinator } from './coordinator.ts';
import type { KafkaMetadata } from './metadata.ts';
import { type BatchMost, createSender, type PartitionRecords } from './produce-rounds.ts';
import { addPartitions, CODES, endTransaction, initProducerId, type Producer } from './txn-requests.ts';

/** What became of a transaction. After anything but `committed` the producer is spent. */
export type Outcome =
  /** For each of the parts the offsets of its records. */
  | { readonly kind: 'committed'; readonly offsets: readonly (readonly number[])[] }
  /** Somebody else has asked for the transactional id: nothing was written. */
  | { readonly kind: 'fenced' }
  /** Nothing was written. `passing`: a new producer may succeed. */
  | { readonly kind: 'not_written'; readonly error: unknown; readonly passing: boolean }
  /** It is written or it is not. */
  | { readonly kind: 'unknown'; readonly error: unknown };

export type TransactionalProducer = {
  /** What a successor must show to go on without shutting anybody out. */
  readonly identity: Producer;
  /**
   * One transaction of at least one record, given up at the time `until_ms` of the clock unless its end has been asked for
   * by then. Not to be called while another one is under way.
   */
  commit(parts: readonly PartitionRecords[], until_ms: number): Promise<Outcome>;
  /** Breaks its connections. */
  close(): void;
};

export type Opened =
  | { readonly kind: 'open'; readonly producer: TransactionalProducer }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'failed'; readonly error: unknown; readonly passing: boolean };

export type ProducerOptions = {
  readonly connection: KafkaConnection;
  readonly metadata: KafkaMetadata;
  readonly transactional_id: string;
  readonly most: BatchMost;
  /** The producer that this one goes on for. Absent: whoever holds the id is shut out. */
  readonly predecessor?: Producer;
  /** Time of the clock (`elapsed`) after which opening is given up. */
  readonly until_ms: number;
};

/**
 * A producer of one transactional id, on connections of its own, so that it waits for nobody. Whatever was under way
 * under the id is decided when it is open.
 *
 * Nothing is ever produced twice under one sequence number: what fails is aborted as a whole, and the successor begins
 * with a new epoch. (A client that rolls its sequence back and sends other records under it has them taken for the
 * first ones, and lost without a word.)
 */
export async function openProducer(options: ProducerOptions): Promise<Opened> {
  const { connection, transactional_id, predecessor, until_ms } = options;
  const { transaction_timeout_ms } = connection.settings;
  const nodes = connection.nodes();
  const coordinator = createCoordinator(connection, nodes, transactional_id);
  const refuse = (answer: Exclude<Answer<unknown>, { kind: 'done' }>): Opened => {
    nodes.destroy();
    if (answer.kind === 'fenced') return { kind: 'fenced' };
    return { kind: 'failed', error: answer.error, passing: answer.passing };
  };

  if (predecessor !== undefined) {
    const aborted = await coordinator.ask(endTransaction(transactional_id, predecessor, 'abort'), until_ms);
    // No transaction of the predecessor was under way, or its commit had come through.
    const none = aborted.kind === 'failed' && aborted.code === CODES.invalid_txn_state;
    if (aborted.kind !== 'done' && !none) return refuse(aborted);
  }
  const init = initProducerId({ transactional_id, transaction_timeout_ms, expected: predecessor });
  const answer = await coordinator.ask(init, until_ms);
  if (answer.kind !== 'done') return refuse(answer);
  const { id, epoch } = answer.value;
  return { kind: 'open', producer: createProducer(options, { nodes, coordinator, identity: { id, epoch } }) };
}

function createProducer(
  options: ProducerOptions,
  own: { readonly nodes: KafkaNodes; readonly coordinator: Coordinator; readonly identity: Producer },
): TransactionalProducer {
  const { connection, transactional_id } = options;
  const { nodes, coordinator, identity } = own;
  const { clock, settings } = connection;
  const send = createSender({ ...options, nodes, identity });
  let spent = false;

  return {
    identity,
    commit: async (parts, until_ms) => {
      if (spent) throw new Error('a producer is spent after its first failure, and takes one transaction at a time');
      spent = true;
      // Longer than that the coordinator does not wait for us either.
      const decided_ms = clock.elapsed() + settings.transaction_timeout_ms;
      const begin_ms = Math.min(until_ms, decided_ms);
      const added = await coordinator.ask(addPartitions(transactional_id, identity, parts), begin_ms);
      if (added.kind === 'fenced') return { kind: 'fenced' };
      if (added.kind === 'failed') return { kind: 'not_written', error: added.error, passing: added.passing };
      const sent = await send(parts);
      if (sent.kind !== 'sent') return sent;
      const ended = await coordinator.ask(endTransaction(transactional_id, identity, 'commit'), decided_ms);
      if (ended.kind !== 'done') return undecided(ended);
      spent = false;
      return { kind: 'committed', offsets: sent.offsets };
    },
    close: nodes.destroy,
  };
}

/** A commit that the coordinator has not confirmed. */
function undecided(answer: Exclude<Answer<unknown>, { kind: 'done' }>): Outcome {
  if (answer.carried_out === 'unknown') {
    const error = answer.kind === 'failed' ? answer.error : new Error('shut out before the commit was confirmed');
    return { kind: 'unknown', error };
  }
  if (answer.kind === 'fenced') return { kind: 'fenced' };
  return { kind: 'not_written', error: answer.error, passing: answer.passing };
}
