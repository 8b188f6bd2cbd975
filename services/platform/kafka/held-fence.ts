import { LIMITS } from '../../../schemas/limits.ts';
import type { Expectation, LogWrite, PositionConflict } from '../event-log.ts';
import type { KafkaConnection } from './connection.ts';
import type { Ledger } from './ledger.ts';
import type { KafkaMetadata } from './metadata.ts';
import { transactionalId } from './settings.ts';
import { conflictOf, type WriterMemory } from './staged-writes.ts';
import { type Opened, openProducer, type TransactionalProducer } from './transactional-producer.ts';
import type { Producer } from './txn-requests.ts';

export type FenceOptions = {
  readonly connection: KafkaConnection;
  readonly metadata: KafkaMetadata;
  readonly ledger: Ledger;
  readonly fence: string;
  /**
   * `office`: whoever is shut out is told so (PositionConflict) and has to ask for the office again. `process`: only an
   * earlier life of this process, or a namesake, can have shut it out, so it goes on.
   */
  readonly role: 'office' | 'process';
};

/** A fence as its writer holds it: a producer, and what is known of the ledger because nobody else can change it. */
export type HeldFence = {
  /**
   * Why a write need not be tried. An office is not asked for on behalf of a write that cannot succeed: it would shut out
   * its holder for nothing.
   */
  hopeless(write: LogWrite): Promise<PositionConflict | undefined>;
  /** The producer at hand, or a new one: on behalf of the old one if the fence was not lost, of anybody otherwise. */
  producer(until_ms: number): Promise<Opened>;
  /** What the ledger says of all that the writes expect and add to. To be called once there is a producer. */
  learn(writes: readonly LogWrite[]): Promise<WriterMemory>;
  /** What it says after a transaction of ours. */
  remember(memory: WriterMemory): void;
  /** The producer failed. */
  spend(): void;
  /** What became of a transaction is not known, so neither is what the ledger says. */
  forget(): void;
  /** Somebody else has the fence. */
  lose(): void;
};

const MOST = { bytes: LIMITS.log_batch_bytes_max, records: LIMITS.fetch_records_max };
const NOTHING: WriterMemory = { positions: new Map(), sums: new Map() };

export function holdFence({ connection, metadata, ledger, fence, role }: FenceOptions): HeldFence {
  let at_hand: TransactionalProducer | undefined;
  /** The last producer, while the fence is ours as far as we know. */
  let identity: Producer | undefined;
  let memory = NOTHING;
  let sums_known = false;

  const spend = (): void => {
    at_hand?.close();
    at_hand = undefined;
  };
  const forget = (): void => {
    memory = NOTHING;
    sums_known = false;
  };
  const lose = (): void => {
    spend();
    identity = undefined;
    forget();
  };

  /**
   * Whoever expects something else than was last written here may have read what another holder wrote since: being shut
   * out is noticed only at the next transaction, and there is none for a write that is refused from memory.
   */
  const wasOvertaken = async (expect: Expectation): Promise<boolean> =>
    memory.positions.has(expect.name) &&
    conflictOf(expect, memory.positions) !== undefined &&
    (await ledger.position(expect.name, 'decided')) !== memory.positions.get(expect.name);

  return {
    hopeless: async ({ expect }) => {
      if (role === 'process' || expect === undefined) return undefined;
      if (await wasOvertaken(expect)) lose();
      if (identity !== undefined) return undefined;
      const conflictWith = async (how: 'decided' | 'all') =>
        conflictOf(expect, new Map([[expect.name, await ledger.position(expect.name, how)]]));
      // What is under way may be the last write of a holder that died. Only who expects that has to wait for its end.
      return (await conflictWith('decided')) === undefined ? undefined : conflictWith('all');
    },
    producer: async (until_ms) => {
      if (at_hand !== undefined) return { kind: 'open', producer: at_hand };
      const opened = await openProducer({
        connection,
        metadata,
        transactional_id: transactionalId(connection.settings, fence),
        most: MOST,
        until_ms,
        ...(identity === undefined ? {} : { predecessor: identity }),
      });
      if (opened.kind === 'open') {
        at_hand = opened.producer;
        identity = at_hand.identity;
      }
      return opened;
    },
    learn: async (writes) => {
      if (!sums_known && writes.some(({ counters = [] }) => counters.length > 0)) {
        memory = { ...memory, sums: await ledger.sumsOf(fence) };
        sums_known = true;
      }
      for (const { expect } of writes) {
        if (expect === undefined || memory.positions.has(expect.name)) continue;
        const position = await ledger.position(expect.name, 'all');
        memory = { ...memory, positions: new Map(memory.positions).set(expect.name, position) };
      }
      return memory;
    },
    remember: (after) => {
      memory = after;
    },
    spend,
    forget,
    lose,
  };
}
