import { LIMITS } from '../../../schemas/limits.ts';
import { type Appended, type Expectation, LogUnavailable, PositionConflict, type Topic } from '../event-log.ts';
import type { CheckedWrite } from '../sqlite-log/write-check.ts';
import { closedError, type KafkaConnection } from './connection.ts';
import { unavailable } from './connection-errors.ts';
import type { Ledger } from './ledger.ts';
import type { KafkaMetadata } from './metadata.ts';
import { refusalOf } from './refusals.ts';
import { physicalName, transactionalId } from './settings.ts';
import { conflictOf, type Staged, stageWrites, type WriterMemory } from './staged-writes.ts';
import { type Outcome, openProducer, type TransactionalProducer } from './transactional-producer.ts';
import type { Producer } from './txn-requests.ts';

export type WriterOptions = {
  readonly connection: KafkaConnection;
  readonly metadata: KafkaMetadata;
  readonly ledger: Ledger;
  readonly fence: string;
  /**
   * `office`: whoever is shut out is told so (PositionConflict) and has to ask for the office again. `process`: only an
   * earlier life of this process, or a namesake, can have shut it out, so it goes on.
   */
  readonly role: 'office' | 'process';
  /** A write that no broker takes is given back after so long. */
  readonly write_wait_ms: number;
  /** Told of every partition that has grown, and where it ends now, before the writes resolve. */
  readonly wrote: (topic: string, partition: number, end: number) => void;
};

/** The writer of one fence: one transaction after the other, each of all that waited meanwhile. */
export type FencedWriter = {
  /** Resolves when the write is durable. */
  add(checked: CheckedWrite): Promise<Appended>;
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>;
  close(): void;
};

type Queued = {
  readonly checked: CheckedWrite;
  readonly since_ms: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
};

const PAUSE_MS = 5;
const PAUSE_MS_MAX = 500;
const NOTHING_KNOWN: WriterMemory = { positions: new Map(), sums: new Map() };
const MOST = { bytes: LIMITS.log_batch_bytes_max, records: LIMITS.fetch_records_max };

export function createFencedWriter(options: WriterOptions): FencedWriter {
  const { connection, metadata, ledger, fence, role } = options;
  const { settings, clock, telemetry, closed } = connection;
  let queue: Queued[] = [];
  let draining: Promise<void> | undefined;
  let producer: TransactionalProducer | undefined;
  /** The last producer, while the fence is ours as far as we know. */
  let identity: Producer | undefined;
  let memory = NOTHING_KNOWN;
  let sums_known = false;
  let pause = PAUSE_MS;

  const forget = (): void => {
    memory = NOTHING_KNOWN;
    sums_known = false;
  };
  const spend = (): void => {
    producer?.close();
    producer = undefined;
  };
  const lose = (): void => {
    spend();
    identity = undefined;
    forget();
  };

  /** Writes of a lost office: nobody may take it for granted that the queue behind is still meant. */
  const shutOut = (group: readonly Queued[]): void => {
    lose();
    if (role === 'process') {
      telemetry.occurred('log_writers_fenced', {}, { instance: settings.instance });
      queue = [...group, ...queue];
      return;
    }
    const conflict = new PositionConflict(`another process has taken over ${fence}`);
    for (const { reject } of [...group, ...queue.splice(0)]) reject(conflict);
  };
  /** Nothing of the group was written: it is tried again, except what has waited too long. */
  const putBack = async (group: readonly Queued[], error: unknown): Promise<void> => {
    spend();
    const waiting = [...group, ...queue];
    const oldest_ms = clock.elapsed() - options.write_wait_ms;
    queue = closed.aborted ? [] : waiting.filter(({ since_ms }) => since_ms > oldest_ms);
    const kept = new Set(queue);
    const given_up = waiting.filter((queued) => !kept.has(queued));
    if (given_up.length > 0) refuse(given_up, closed.aborted ? closedError() : refused(error));
    telemetry.occurred('log_transactions_repeated', {}, { fence, error: String(error) });
    await clock.sleep(pause, closed);
    pause = Math.min(2 * pause, PAUSE_MS_MAX);
  };
  const refused = (error: unknown): unknown => {
    const doing = `writing as ${transactionalId(settings, fence)}`;
    return refusalOf(error, doing) ?? unavailable(error, doing);
  };
  const refuse = (group: readonly Queued[], error: unknown): void => {
    const reason = error instanceof LogUnavailable ? error.reason : 'defect';
    telemetry.occurred('log_unavailable', { reason }, { fence, error: String(error) }, group.length);
    for (const { reject } of group) reject(error);
  };

  const conflictWith = async (expect: Expectation, how: 'decided' | 'all'): Promise<PositionConflict | undefined> =>
    conflictOf(expect, new Map([[expect.name, await ledger.position(expect.name, how)]]));
  /** An office is not asked for on behalf of a write that cannot succeed: it would shut out its holder for nothing. */
  const worthAsking = async (group: readonly Queued[]): Promise<readonly Queued[]> => {
    if (role === 'process' || identity !== undefined) return group;
    for (const [i, { checked, reject }] of group.entries()) {
      const { expect } = checked.write;
      if (expect === undefined || (await conflictWith(expect, 'decided')) === undefined) return group.slice(i);
      // What is under way may be the last write of a holder that died. Only who expects that has to wait for its end.
      const conflict = await conflictWith(expect, 'all');
      if (conflict === undefined) return group.slice(i);
      reject(conflict);
    }
    return [];
  };
  /**
   * Whoever expects something else than was last written here may have read what another holder wrote since: being shut
   * out is noticed only at the next transaction, and there is none for a write that is refused from memory.
   */
  const overtaken = async (group: readonly Queued[]): Promise<boolean> => {
    for (const { checked } of group) {
      const { expect } = checked.write;
      if (expect === undefined || !memory.positions.has(expect.name)) continue;
      if (conflictOf(expect, memory.positions) === undefined) continue;
      if ((await ledger.position(expect.name, 'decided')) !== memory.positions.get(expect.name)) return true;
    }
    return false;
  };
  const learn = async (group: readonly Queued[]): Promise<void> => {
    if (!sums_known && group.some(({ checked }) => (checked.write.counters ?? []).length > 0)) {
      memory = { ...memory, sums: await ledger.sumsOf(fence) };
      sums_known = true;
    }
    for (const { checked } of group) {
      const name = checked.write.expect?.name;
      if (name === undefined || memory.positions.has(name)) continue;
      memory = { ...memory, positions: new Map(memory.positions).set(name, await ledger.position(name, 'all')) };
    }
  };
  const stage = (group: readonly Queued[]): Staged =>
    stageWrites({
      writes: group.map(({ checked }) => checked),
      memory,
      fence,
      ledger,
      ledger_topic: settings.topics.ledger,
      nameOf: (topic) => physicalName(settings, topic),
    });

  const settle = (group: readonly Queued[], staged: Staged, offsets: readonly (readonly number[])[]): void => {
    pause = PAUSE_MS;
    memory = staged.memory;
    staged.parts.forEach(({ topic, partition }, part) => {
      const last = offsets[part]?.at(-1) as number;
      options.wrote(topic, partition, last + 1);
    });
    countAppended(options, group, staged);
    resolveAll(group, staged, offsets);
  };
  const failed = async (group: readonly Queued[], outcome: Exclude<Outcome, { kind: 'committed' }>): Promise<void> => {
    switch (outcome.kind) {
      case 'fenced':
        return shutOut(group);
      case 'not_written':
        if (outcome.passing) return putBack(group, outcome.error);
        spend();
        if (group.length === 1) return refuse(group, refused(outcome.error));
        // Alone, each write succeeds or fails for its own sake.
        for (const queued of group) await carryOut([queued]);
        return;
      case 'unknown':
        spend();
        forget();
        return refuse(
          group,
          new LogUnavailable('io', `the end of a transaction of ${fence} is not known`, { cause: outcome.error }),
        );
    }
  };

  /** One transaction. The group is settled or back in the queue afterwards. */
  const carryOut = async (asked: readonly Queued[]): Promise<void> => {
    if (role === 'office' && (await overtaken(asked))) lose();
    const group = await worthAsking(asked);
    if (group.length === 0) return;
    const until_ms = (group[0] as Queued).since_ms + options.write_wait_ms;
    if (producer === undefined) {
      const opened = await openProducer({
        connection,
        metadata,
        transactional_id: transactionalId(settings, fence),
        most: MOST,
        until_ms,
        ...(identity === undefined ? {} : { predecessor: identity }),
      });
      if (opened.kind === 'fenced') return shutOut(group);
      if (opened.kind === 'failed') return failed(group, { ...opened, kind: 'not_written' });
      producer = opened.producer;
      identity = producer.identity;
    }
    await learn(group);
    const staged = stage(group);
    if (staged.parts.length === 0) return resolveAll(group, staged, []);
    const outcome = await producer.commit(staged.parts, until_ms);
    if (outcome.kind === 'committed') return settle(group, staged, outcome.offsets);
    return failed(group, outcome);
  };

  const drain = async (): Promise<void> => {
    await nextTurn();
    while (queue.length > 0) {
      const size = groupSize(queue);
      const group = queue.slice(0, size);
      queue = queue.slice(size);
      try {
        await carryOut(group);
      } catch (error) {
        // The ledger could not be read, or a defect: nothing of the group was committed.
        spend();
        refuse(group, error);
      }
    }
    draining = undefined;
  };

  return {
    add: (checked) =>
      new Promise((resolve, reject) => {
        queue.push({ checked, since_ms: clock.elapsed(), resolve, reject });
        draining ??= drain();
      }),
    drained: async () => draining,
    close: spend,
  };
}

/** Lets everything that is ready run first: what it writes joins the transaction. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How many of the waiting writes go into one transaction: at least one, and not much over the limit in bytes. */
function groupSize(queue: readonly Queued[]): number {
  let bytes = 0;
  let size = 0;
  while (size < queue.length && bytes < LIMITS.kafka_group_bytes_max) {
    bytes += (queue[size] as Queued).checked.bytes;
    size++;
  }
  return size;
}

function resolveAll(group: readonly Queued[], staged: Staged, offsets: readonly (readonly number[])[]): void {
  group.forEach(({ checked, resolve, reject }, i) => {
    const place = staged.places[i] as Staged['places'][number];
    if (place instanceof PositionConflict) {
      reject(place);
      return;
    }
    const at = (record: number): number =>
      offsets[place.parts[record] as number]?.[place.indices[record] as number] as number;
    resolve({ offsets: checked.partitions.map((partition, record) => ({ partition, offset: at(record) })) });
  });
}

function countAppended({ connection }: WriterOptions, group: readonly Queued[], staged: Staged): void {
  const appended = new Map<Topic, number>();
  group.forEach(({ checked }, i) => {
    if (staged.places[i] instanceof PositionConflict) return;
    for (const { topic } of checked.write.records) appended.set(topic, (appended.get(topic) ?? 0) + 1);
  });
  connection.telemetry.occurred('log_commits', {});
  for (const [topic, count] of appended) {
    connection.telemetry.occurred('log_records_appended', { topic }, undefined, count);
  }
}
