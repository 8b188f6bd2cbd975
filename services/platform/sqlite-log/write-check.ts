import { LIMITS } from '../../../schemas/limits.ts';
import type { LogWrite, Topic } from '../event-log.ts';
import { partitionOf } from '../partitioner.ts';
import { recordBytes } from './batch.ts';

export type CheckedWrite = {
  readonly write: LogWrite;
  /** Partition of each record, in the order of `write.records`. */
  readonly partitions: readonly number[];
  readonly bytes: number;
};

/**
 * Chooses partitions and refuses what no log could take, before anything is queued.
 * Throws RangeError: such a write is a defect of its caller, and repeating it is pointless.
 */
export function checkWrite(write: LogWrite, partitionsOf: (topic: Topic) => number): CheckedWrite {
  let bytes = 0;
  const partitions = write.records.map((record) => {
    const count = partitionsOf(record.topic);
    const partition = record.partition ?? partitionOf(record.key, count);
    if (!Number.isInteger(partition) || partition < 0 || partition >= count) {
      throw new RangeError(`${record.topic} has partitions 0 to ${count - 1}, not ${partition}`);
    }
    const size = recordBytes(record);
    if (size > LIMITS.log_record_bytes_max) {
      throw new RangeError(`a record of ${size} bytes is over log_record_bytes_max (${LIMITS.log_record_bytes_max})`);
    }
    bytes += size;
    return partition;
  });
  for (const { name, add } of write.counters ?? []) {
    if (!Number.isSafeInteger(add)) throw new RangeError(`counter ${name} cannot grow by ${add}`);
  }
  return { write, partitions, bytes };
}
