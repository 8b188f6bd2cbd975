import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../clock.ts';
import { type EventLog, OffsetOutOfRange, TOPICS, type Topic } from '../event-log.ts';
import { checkWrite } from '../sqlite-log/write-check.ts';
import type { Telemetry } from '../telemetry.ts';
import { closedError, type KafkaConnection, openConnection } from './connection.ts';
import { KafkaUnusable } from './errors.ts';
import { joinGroup } from './group.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createMetadata, type KafkaMetadata } from './metadata.ts';
import { openKafkaReader } from './reader.ts';
import type { KafkaReader } from './reader-types.ts';
import { isSource, type KafkaSettings, physicalName } from './settings.ts';
import { prepareTopics } from './topics.ts';
import { createVisibility, type Visibility } from './visibility.ts';
import { createWriters, type Writers } from './writers.ts';

/** The event log on a Kafka cluster. */
export type KafkaLog = EventLog;

export type KafkaLogOptions = {
  readonly settings: KafkaSettings;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** See `kafka_queue_bytes_max`, `kafka_write_wait_ms` and `kafka_close_ms`, which are the defaults. */
  readonly queue_bytes_max?: number;
  readonly write_wait_ms?: number;
  readonly close_ms?: number;
};

/**
 * Opens the event log on a Kafka cluster, where any number of processes may have it open. Creates topics that are absent,
 * where that is allowed.
 *
 * Throws KafkaUnusable (see its codes) or LogUnavailable. Operations reject with LogUnavailable, PositionConflict,
 * OffsetOutOfRange, RecordsUnreadable, KafkaUnusable (`kafka_not_authorized`), or RangeError for what no log could take.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const connection = openConnection(options);
  try {
    const nodes = connection.nodes();
    const metadata = createMetadata(connection, nodes);
    const partitions = await prepareTopics({ connection, nodes, metadata });
    const parts = assemble({ ...options, connection, metadata });
    const log = createLog({ ...options, ...parts, connection, partitions });
    // An earlier life of this process may have left a transaction open; and what is refused is better refused now.
    await log.transact({ records: [] });
    await checkLedger(log, options.settings);
    return log;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Stands in the ledger before there is any record. */
const BEGUN = 'log.begun';

/**
 * Without its positions everything would be read, decided and sent once more, so a log whose records outlived its ledger
 * is not opened. The end of the events is asked for first: whoever writes them has written the mark before.
 */
async function checkLedger(log: EventLog, { topics }: KafkaSettings): Promise<void> {
  const { partitions, generation } = await log.describe(TOPICS.events);
  const ends = [];
  for (let partition = 0; partition < partitions; partition++)
    ends.push((await log.bounds(TOPICS.events, partition)).end);
  if ((await log.position(BEGUN)) !== undefined) return;
  if (ends.every((end) => end === 0))
    return void (await log.transact({ records: [], positions: [{ name: BEGUN, position: generation }] }));
  throw new KafkaUnusable(
    'kafka_ledger_lost',
    `${topics.events} holds records, and ${topics.ledger} holds no positions to go with them: restore ${topics.ledger}, or name ` +
      'new topics under log.kafka.topics, which begins anew',
  );
}

type Parts = {
  readonly reader: KafkaReader;
  readonly ledger: Ledger;
  readonly visibility: Visibility;
  readonly writers: Writers;
};

function assemble(
  options: KafkaLogOptions & { readonly connection: KafkaConnection; readonly metadata: KafkaMetadata },
): Parts {
  const { settings, clock, connection, metadata } = options;
  const reader = openKafkaReader(connection);
  const ledger = createLedger({ settings, clock, reader });
  const visibility = createVisibility({ clock, reader });
  const writers = createWriters({
    connection,
    metadata,
    ledger,
    queue_bytes_max: options.queue_bytes_max ?? LIMITS.kafka_queue_bytes_max,
    write_wait_ms: options.write_wait_ms ?? LIMITS.kafka_write_wait_ms,
    wrote: (topic, partition, end) => {
      if (topic === settings.topics.ledger) ledger.wrote(partition, end);
      else visibility.wrote(topic, partition, end);
    },
  });
  return { reader, ledger, visibility, writers };
}

function createLog(
  options: KafkaLogOptions &
    Parts & { readonly connection: KafkaConnection; readonly partitions: ReadonlyMap<string, number> },
): KafkaLog {
  const { settings, clock, connection, partitions, reader, ledger, visibility, writers } = options;
  let closing: Promise<void> | undefined;

  const use = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw closedError();
    return work();
  };
  const at = <T>(topic: Topic, work: (name: string) => Promise<T>): Promise<T> =>
    use(() => work(physicalName(settings, topic)));
  const partitionsOf = (topic: Topic): number => {
    const count = isSource(topic) ? undefined : partitions.get(physicalName(settings, topic));
    if (count === undefined) throw new RangeError(`${topic} is not ours to write`);
    return count;
  };
  const close = async (): Promise<void> => {
    const drained = new AbortController();
    const patience = clock.sleep(options.close_ms ?? LIMITS.kafka_close_ms, drained.signal);
    await Promise.race([writers.drained(), patience]);
    drained.abort();
    await reader.close();
    writers.close();
    connection.close();
  };

  return {
    describe: (topic) => at(topic, reader.describe),
    bounds: (topic, partition) => at(topic, (name) => visibility.bounds(name, partition)),
    transact: (write) => use(() => writers.add(checkWrite(write, partitionsOf))),
    read: (topic, partition, offset, most) =>
      at(topic, async (name) => {
        try {
          return await visibility.read(name, partition, offset, most);
        } catch (error) {
          if (!(error instanceof OffsetOutOfRange)) throw error;
          // The reader knows topics by their names on the cluster only.
          throw new OffsetOutOfRange(topic, partition, offset, error.bounds);
        }
      }),
    waitBeyond: (topic, partition, offset, signal) =>
      at(topic, (name) => reader.waitBeyond(name, partition, offset, signal)),
    position: (name) => use(() => ledger.position(name, 'all')),
    counters: () => use(ledger.counters),
    subscribe: (topic, group, listener) =>
      at(topic, (name) => joinGroup(connection, { topic: name, group: `${settings.prefix}.${group}`, listener })),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
