import type { Clock } from '../../services/platform/clock.ts';
import {
  type Appended,
  type EventLog,
  type LogRead,
  type LogRecord,
  LogUnavailable,
  OffsetOutOfRange,
  PositionConflict,
  type Topic,
} from '../../services/platform/event-log.ts';
import { ALL_TOPICS, partitionsOf } from '../../services/platform/sqlite-log/topics.ts';
import { type CheckedWrite, checkWrite } from '../../services/platform/sqlite-log/write-check.ts';

/** What outlives a crash. Every handle opened on the same disk sees the same log, as processes of one machine would. */
export type SimulatedDisk = {
  readonly topics: ReadonlyMap<Topic, { readonly generation: string; readonly partitions: readonly Partition[] }>;
  readonly positions: Map<string, string>;
  readonly counters: Map<string, number>;
  /** Called after every append, by handles with someone waiting. */
  readonly onGrowth: Set<() => void>;
};
type Partition = { start: number; end: number; append_ms: number; records: LogRecord[] };

/**
 * What befalls one operation. `fail` leaves the handle usable; `crash` ends it: nothing it was asked for ever settles
 * again. `before` leaves no trace, `after` has become durable all the same.
 */
export type Fault = {
  readonly delay_ms?: number;
  readonly fail?: 'before' | 'after';
  readonly crash?: 'before' | 'after';
  /** A read gives at most so many records: batch sizes must not change results. */
  readonly records_max?: number;
  /** Offsets left out before the records of a write in each partition, as an aborted transaction leaves them. */
  readonly offsets_skipped?: number;
  /** Offsets left out behind them, as Kafka does for the marker of every transaction. */
  readonly offsets_skipped_after?: number;
};
export type Operation = 'describe' | 'bounds' | 'transact' | 'read' | 'position' | 'counters';
export type FaultPlan = (operation: Operation) => Fault;

export type SimulatedLog = EventLog & {
  /** The process is gone: no promise of this handle settles from now on. */
  crash(): void;
};

/** An empty disk. `random` gives numbers in [0, 1) and makes the generations of the topics. */
export function newDisk(options: { readonly partitions: number; readonly random: () => number }): SimulatedDisk {
  const topic = (name: Topic) => ({
    generation: Math.floor(options.random() * 2 ** 48).toString(16),
    partitions: Array.from({ length: partitionsOf(name, options.partitions) }, (): Partition => {
      return { start: 0, end: 0, append_ms: 0, records: [] };
    }),
  });
  return {
    topics: new Map(ALL_TOPICS.map((name) => [name, topic(name)])),
    positions: new Map(),
    counters: new Map(),
    onGrowth: new Set(),
  };
}

/** Faults drawn with the given probabilities. Crashes are left to the test, which knows when it wants one. */
export function randomFaults(
  random: () => number,
  rates: { readonly fail: number; readonly delay: number; readonly delay_ms_max: number; readonly skip: number },
): FaultPlan {
  return (operation) => {
    const failing = random() < rates.fail;
    const fail = random() < 0.5 ? 'before' : 'after';
    return {
      ...(failing ? { fail } : {}),
      ...(random() < rates.delay ? { delay_ms: Math.ceil(random() * rates.delay_ms_max) } : {}),
      ...(operation === 'read' ? { records_max: 1 + Math.floor(random() ** 3 * 200) } : {}),
      ...(operation === 'transact' && random() < rates.skip ? holes(random) : {}),
    };
  };
}

/** Numbers without a record, before what is written and behind it. */
function holes(random: () => number): Fault {
  return { offsets_skipped: Math.floor(random() * 3), offsets_skipped_after: Math.floor(random() * 3) };
}

/** Opens a handle. Uses no timer but the clock's, so a virtual clock runs it without real time. */
export function openSimulatedLog(options: {
  readonly disk: SimulatedDisk;
  readonly clock: Clock;
  readonly faults?: FaultPlan;
  /** Told once when a planned crash happens, before anything else runs. */
  readonly crashed?: () => void;
}): SimulatedLog {
  const { disk, clock } = options;
  let closed = false;
  let crashed = false;
  let tail: Promise<unknown> = Promise.resolve();
  const waiters = new Set<() => void>();
  const onGrowth = (): void => {
    for (const look of [...waiters]) look();
  };
  disk.onGrowth.add(onGrowth);

  const crash = (): void => {
    crashed = true;
    disk.onGrowth.delete(onGrowth);
    waiters.clear();
  };
  const run = async <T>(operation: Operation, work: (fault: Fault) => T): Promise<T> => {
    const fault = options.faults?.(operation) ?? {};
    const diesAt = (moment: 'before' | 'after'): boolean => {
      if (fault.crash === moment && !crashed) {
        crash();
        options.crashed?.();
      }
      return crashed;
    };
    if (closed) throw new LogUnavailable('closed', 'the simulated log was closed');
    if (fault.delay_ms !== undefined) await clock.sleep(fault.delay_ms);
    if (diesAt('before')) return new Promise<never>(() => {});
    if (fault.fail === 'before') throw new LogUnavailable('io', 'simulated failure before the operation');
    const result = work(fault);
    // A turn between what is durable and what the caller learns of it: a crash may fall there.
    await Promise.resolve();
    if (diesAt('after')) return new Promise<never>(() => {});
    if (fault.fail === 'after') throw new LogUnavailable('io', 'simulated failure after the operation');
    return result;
  };

  return {
    crash,
    describe: (topic) =>
      run('describe', () => {
        const { partitions, generation } = topicOf(disk, topic);
        return { partitions: partitions.length, generation };
      }),
    bounds: (topic, partition) =>
      run('bounds', () => {
        const { start, end } = partitionAt(disk, topic, partition);
        return { start, end };
      }),
    transact: async (write) => {
      const checked = checkWrite(write, (topic) => topicOf(disk, topic).partitions.length);
      const before = tail;
      const result = before.then(() =>
        run('transact', (fault) => apply(disk, checked, Math.floor(clock.now()), fault)),
      );
      tail = result.catch(() => undefined);
      return result;
    },
    read: (topic, partition, offset, most) =>
      run('read', (fault) =>
        readRecords(disk, { topic, partition, offset }, { ...most, records_max: fault.records_max }),
      ),
    waitBeyond: (topic, partition, offset, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          waiters.delete(look);
          signal.removeEventListener('abort', look);
          resolve();
        };
        const look = (): void => {
          if (crashed) return;
          const grown = partitionAt(disk, topic, partition).end > offset;
          if (grown || signal.aborted || closed) done();
        };
        waiters.add(look);
        signal.addEventListener('abort', look);
        look();
      }),
    position: (name) => run('position', () => disk.positions.get(name)),
    counters: () => run('counters', () => new Map(disk.counters)),
    subscribe: async (topic, _group, listener) => {
      await Promise.all(topicOf(disk, topic).partitions.map((_, partition) => listener.assigned(partition)));
      return { show: async () => {}, failed: new Promise<never>(() => {}), close: async () => {} };
    },
    close: async () => {
      if (crashed) return;
      await tail;
      closed = true;
      onGrowth();
      disk.onGrowth.delete(onGrowth);
    },
  };
}

/** Forgets records below the offset, as retention does. */
export function trimSimulated(disk: SimulatedDisk, topic: Topic, partition: number, before_offset: number): void {
  const held = partitionAt(disk, topic, partition);
  held.start = Math.max(held.start, Math.min(before_offset, held.end));
  held.records = held.records.filter((record) => record.offset >= held.start);
}

function topicOf(disk: SimulatedDisk, topic: Topic) {
  const found = disk.topics.get(topic);
  if (found === undefined) throw new RangeError(`there is no topic ${topic}`);
  return found;
}

function partitionAt(disk: SimulatedDisk, topic: Topic, partition: number): Partition {
  const found = topicOf(disk, topic).partitions[partition];
  if (found === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
  return found;
}

/** The write as a whole, or PositionConflict and nothing. */
function apply(disk: SimulatedDisk, { write, partitions }: CheckedWrite, now_ms: number, fault: Fault): Appended {
  const { expect } = write;
  if (expect !== undefined && disk.positions.get(expect.name) !== expect.position) {
    throw new PositionConflict(`position ${expect.name} is not ${expect.position}`);
  }
  for (const { name, position } of write.positions ?? []) disk.positions.set(name, position);
  for (const { name, add } of write.counters ?? []) disk.counters.set(name, (disk.counters.get(name) ?? 0) + add);
  const touched = new Set<Partition>();
  const offsets = write.records.map(({ topic, key, value }, index) => {
    const partition = partitions[index] as number;
    const held = partitionAt(disk, topic, partition);
    if (!touched.has(held)) held.end += fault.offsets_skipped ?? 0;
    touched.add(held);
    held.append_ms = Math.max(held.append_ms, now_ms);
    held.records.push({ offset: held.end, append_ms: held.append_ms, key, value: Buffer.from(value) });
    return { partition, offset: held.end++ };
  });
  for (const held of touched) held.end += fault.offsets_skipped_after ?? 0;
  for (const look of [...disk.onGrowth]) look();
  return { offsets };
}

function readRecords(
  disk: SimulatedDisk,
  from: { readonly topic: Topic; readonly partition: number; readonly offset: number },
  most: { readonly records: number; readonly bytes: number; readonly records_max: number | undefined },
): LogRead {
  const held = partitionAt(disk, from.topic, from.partition);
  if (from.offset < held.start || from.offset > held.end) {
    throw new OffsetOutOfRange(from.topic, from.partition, from.offset, held);
  }
  const room = Math.min(most.records, most.records_max ?? most.records);
  const records: LogRecord[] = [];
  let bytes = 0;
  for (let at = firstAtOrAfter(held.records, from.offset); at < held.records.length; at++) {
    if (records.length >= room || (records.length > 0 && bytes >= most.bytes)) break;
    const record = held.records[at] as LogRecord;
    records.push(record);
    bytes += record.value.length;
  }
  const last = records.at(-1);
  const seen_all = last === held.records.at(-1);
  return { records, next: last === undefined || seen_all ? held.end : last.offset + 1 };
}

function firstAtOrAfter(records: readonly LogRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle] as LogRecord).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
