import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../clock.ts';
import { type EventLog, LogUnavailable, type PartitionBounds, type Topic, type TopicInfo } from '../event-log.ts';
import type { Telemetry } from '../telemetry.ts';
import { isBusy, translateError } from './errors.ts';
import { openFile, type Stream } from './schema.ts';
import { openStorage, type Storage } from './storage.ts';
import { createWaiters } from './waiters.ts';
import { checkWrite } from './write-check.ts';
import { createWriteQueue, nextTurn } from './write-queue.ts';

/** A write lock that another process holds is asked for again after so long, and given up after so long in all. */
const BUSY_RETRY_MS = 3;
const BUSY_GIVEN_UP_MS = 10_000;

export type SqliteLogOptions = {
  readonly path: string;
  /** Fixed when the file is made; a log with another count is refused. Absent: whatever the log has. */
  readonly partitions?: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Beyond it writes fail as on a full disk. Absent: the disk decides. */
  readonly size_bytes_max?: number;
};

export type StreamFacts = PartitionBounds & {
  readonly topic: Topic;
  readonly partition: number;
  /** Append time of the last record, epoch milliseconds; 0 when there never was one. */
  readonly append_ms: number;
};

/** The embedded log, with what only it can do beside the seam. */
export type SqliteLog = EventLog & {
  /** Forgets records below the offset (at most all there are): `bounds().start` moves, their space is used again. */
  trim(topic: Topic, partition: number, before_offset: number): Promise<void>;
  /** First offset appended at or after the time; `bounds().end` when there is none. */
  offsetAt(topic: Topic, partition: number, append_ms: number): Promise<number>;
  streams(): Promise<readonly StreamFacts[]>;
  positions(): Promise<ReadonlyMap<string, string>>;
  /** SQLite's check of the whole file: what is wrong, one line each. Holds the event loop for seconds a gigabyte. */
  quickCheck(): Promise<readonly string[]>;
};

/**
 * Opens or creates the embedded event log. Several processes may have it open at once.
 *
 * Writes of one turn of the event loop are committed as one transaction with one fsync. SQLite runs in this thread: a
 * commit holds the loop for as long as the disk takes, a read for as long as `most` allows.
 *
 * Throws LogUnusable (see its codes) or LogUnavailable. Operations reject with LogUnavailable, PositionConflict,
 * OffsetOutOfRange, LogUnusable (`log_damaged`), or RangeError for what no log could take.
 */
export function openSqliteLog(options: SqliteLogOptions): SqliteLog {
  const { path, clock, telemetry } = options;
  const file = openFile(path, {
    partitions: options.partitions,
    partitions_new: LIMITS.partitions_default,
    size_bytes_max: options.size_bytes_max,
  });
  const storage = openStorage(file, path);
  const access = createAccess({ path, clock });
  const waiters = watchStreams({ path, clock, telemetry, storage });
  const queue = createWriteQueue({
    telemetry,
    commit: (writes) => access.persist(() => storage.commit(writes, Math.floor(clock.now()))),
    committed: waiters.notify,
  });
  const infoOf = (topic: Topic): TopicInfo => {
    const info = file.topics.get(topic);
    if (info === undefined) throw new RangeError(`there is no topic ${topic}`);
    return { partitions: info.partitions, generation: info.generation };
  };
  /** One look at one partition. */
  const at = <T>(topic: Topic, partition: number, work: (stream: Stream) => T): Promise<T> =>
    access.use(() => work(storage.streamOf(topic, partition)));

  return {
    describe: async (topic) => infoOf(topic),
    bounds: (topic, partition) => at(topic, partition, storage.bounds),
    transact: async (write) => {
      access.assertOpen();
      return queue.add(checkWrite(write, (topic) => infoOf(topic).partitions));
    },
    read: (topic, partition, offset, most) => at(topic, partition, (stream) => storage.read(stream, offset, most)),
    waitBeyond: async (topic, partition, offset, signal) => {
      const { waited } = await at(topic, partition, (stream) => ({
        waited: storage.bounds(stream).end > offset ? undefined : waiters.wait(stream, offset, signal),
      }));
      await waited;
    },
    position: (name) => access.use(() => storage.position(name)),
    positions: () => access.use(storage.positions),
    counters: () => access.use(storage.counters),
    subscribe: async (topic, _group, listener) => {
      const { partitions } = infoOf(topic);
      await Promise.all(Array.from({ length: partitions }, (_, partition) => listener.assigned(partition)));
      return { show: async () => {}, failed: new Promise<never>(() => {}), close: async () => {} };
    },
    trim: async (topic, partition, before_offset) => {
      await at(topic, partition, (stream) => storage.moveStart(stream, before_offset));
      while (await at(topic, partition, storage.deleteTrimmed)) await nextTurn();
    },
    offsetAt: (topic, partition, append_ms) => at(topic, partition, (stream) => storage.offsetAt(stream, append_ms)),
    streams: () => access.use(() => [...file.topics.values()].flatMap(({ streams }) => streams.map(factsOf(storage)))),
    quickCheck: () => access.use(storage.quickCheck),
    close: () =>
      access.close(async () => {
        await queue.drained();
        waiters.close();
        storage.close();
      }),
  };
}

/** Runs SQL until the log closes, waiting without holding the event loop while another process has the lock. */
function createAccess({ path, clock }: { readonly path: string; readonly clock: Clock }) {
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  const persist = async <T>(work: () => T): Promise<T> => {
    const started = clock.elapsed();
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || clock.elapsed() - started > BUSY_GIVEN_UP_MS) throw translateError(error, path);
      }
      await clock.sleep(BUSY_RETRY_MS);
    }
  };
  const assertOpen = (): void => {
    if (closing !== undefined) throw new LogUnavailable('closed', `${path} was closed`);
  };
  return {
    /** Also while closing: what was accepted before is still carried out. */
    persist,
    assertOpen,
    use: async <T>(work: () => T): Promise<T> => {
      assertOpen();
      const result = persist(work);
      running.add(result);
      try {
        return await result;
      } finally {
        running.delete(result);
      }
    },
    close: (last: () => Promise<void>): Promise<void> => {
      closing ??= Promise.allSettled(running).then(last);
      return closing;
    },
  };
}

function watchStreams(options: {
  readonly path: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly storage: Storage;
}) {
  const { path, clock, telemetry, storage } = options;
  let version: number | undefined;
  return createWaiters({
    clock,
    endOf: (stream) => storage.bounds(stream).end,
    changed: () => {
      const seen = version;
      version = storage.dataVersion();
      return seen !== version;
    },
    failed: (error) => {
      if (isBusy(error)) return;
      const translated = translateError(error, path);
      const reason = translated instanceof LogUnavailable ? translated.reason : 'defect';
      telemetry.occurred('log_unavailable', { reason }, { path, error: String(translated) });
    },
  });
}

function factsOf(storage: Storage) {
  return (stream: Stream): StreamFacts => ({
    topic: stream.topic,
    partition: stream.partition,
    ...storage.bounds(stream),
    append_ms: storage.appendedAt(stream),
  });
}
