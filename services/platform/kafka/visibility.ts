import type { Clock } from '../clock.ts';
import { type LogRead, OffsetOutOfRange, type PartitionBounds } from '../event-log.ts';
import type { KafkaReader, PartitionOffsets, ReadMost } from './reader-types.ts';

/**
 * A transaction is committed before its markers stand in the partitions, and until then readers do not see it. What a
 * handle has written it also reads: it waits for the markers of its own writes, for nobody else's.
 */
export type Visibility = {
  /** Tells that a committed record of this handle stands below `end`. */
  wrote(topic: string, partition: number, end: number): void;
  bounds(topic: string, partition: number): Promise<PartitionBounds>;
  read(topic: string, partition: number, offset: number, most: ReadMost): Promise<LogRead>;
};

const PAUSE_MS = 1;
const PAUSE_MS_MAX = 20;

export function createVisibility(options: {
  readonly clock: Clock;
  readonly reader: Pick<KafkaReader, 'offsets' | 'read'>;
}): Visibility {
  const { clock, reader } = options;
  /** Ends of own writes that readers may not see yet. */
  const written = new Map<string, number>();

  const settled = async (topic: string, partition: number): Promise<PartitionOffsets> => {
    const name = `${topic}/${partition}`;
    const end = written.get(name) ?? 0;
    for (let pause = PAUSE_MS; ; pause = Math.min(2 * pause, PAUSE_MS_MAX)) {
      const offsets = await reader.offsets(topic, partition);
      // Below the start everything is decided and gone. A topic made anew ends before what was written to the old one.
      if (offsets.stable >= end || offsets.end < end) {
        if (written.get(name) === end) written.delete(name);
        return offsets;
      }
      await clock.sleep(pause);
    }
  };

  return {
    wrote: (topic, partition, end) => {
      const name = `${topic}/${partition}`;
      written.set(name, Math.max(written.get(name) ?? 0, end));
    },
    bounds: async (topic, partition) => {
      const { start, stable } = await settled(topic, partition);
      return { start, end: stable };
    },
    read: async (topic, partition, offset, most) => {
      const end = written.get(`${topic}/${partition}`);
      if (end === undefined) return reader.read(topic, partition, offset, most);
      try {
        const read = await reader.read(topic, partition, offset, most);
        // Only who comes to the end of what can be seen can miss anything of our own.
        if (read.records.length > 0 || read.next >= end) return read;
      } catch (error) {
        if (!(error instanceof OffsetOutOfRange)) throw error;
      }
      await settled(topic, partition);
      return reader.read(topic, partition, offset, most);
    },
  };
}
