import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../clock.ts';
import { type EventLog, OffsetOutOfRange, type Topic } from '../event-log.ts';
import { checkWrite } from '../sqlite-log/write-check.ts';
import type { Telemetry } from '../telemetry.ts';
import { closedError, openConnection } from './connection.ts';
import { joinGroup } from './group.ts';
import { createLedger } from './ledger.ts';
import { createMetadata } from './metadata.ts';
import { openKafkaReader } from './reader.ts';
import { isSource, type KafkaSettings, physicalName } from './settings.ts';
import { prepareTopics } from './topics.ts';
import { createVisibility } from './visibility.ts';
import { createWriters } from './writers.ts';

/** The event log on a Kafka cluster. */
export type KafkaLog = EventLog;

export type KafkaLogOptions = {
  readonly settings: KafkaSettings;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
};

/**
 * Opens the event log on a Kafka cluster, where any number of processes may have it open. Creates topics that are absent,
 * where that is allowed.
 *
 * Throws KafkaUnusable (see its codes) or LogUnavailable. Operations reject with LogUnavailable, PositionConflict,
 * OffsetOutOfRange, RecordsUnreadable, KafkaUnusable (`kafka_not_authorized`), or RangeError for what no log could take.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const { settings, clock } = options;
  const connection = openConnection(options);
  const metadata = createMetadata(connection, connection.nodes());
  let partitions: Awaited<ReturnType<typeof prepareTopics>>;
  try {
    partitions = await prepareTopics(connection, metadata);
  } catch (error) {
    connection.close();
    throw error;
  }
  const reader = openKafkaReader(connection);
  const ledger = createLedger({ settings, clock, reader });
  const visibility = createVisibility({ clock, reader });
  const writers = createWriters({
    connection,
    metadata,
    ledger,
    wrote: (topic, partition, end) => {
      if (topic === settings.topics.ledger) ledger.wrote(partition, end);
      else visibility.wrote(topic, partition, end);
    },
  });
  const partitionsOf = (topic: Topic): number => {
    const count = isSource(topic) ? undefined : partitions.get(physicalName(settings, topic));
    if (count === undefined) throw new RangeError(`${topic} is not ours to write`);
    return count;
  };
  let closing: Promise<void> | undefined;

  const assertOpen = (): void => {
    if (closing !== undefined) throw closedError();
  };
  const at = async <T>(topic: Topic, work: (name: string) => Promise<T>): Promise<T> => {
    assertOpen();
    return work(physicalName(settings, topic));
  };
  const close = async (): Promise<void> => {
    await Promise.race([writers.drained(), clock.sleep(LIMITS.kafka_close_ms)]);
    await reader.close();
    writers.close();
    connection.close();
  };

  return {
    describe: (topic) => at(topic, reader.describe),
    bounds: (topic, partition) => at(topic, (name) => visibility.bounds(name, partition)),
    transact: async (write) => {
      assertOpen();
      return writers.add(checkWrite(write, partitionsOf));
    },
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
    position: async (name) => {
      assertOpen();
      return ledger.position(name);
    },
    counters: async () => {
      assertOpen();
      return ledger.counters();
    },
    subscribe: (topic, group, listener) =>
      at(topic, (name) => joinGroup(connection, { topic: name, group: `${settings.prefix}.${group}`, listener })),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
