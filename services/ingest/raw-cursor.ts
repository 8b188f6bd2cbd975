import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { type LogRecord, OffsetOutOfRange, RecordsUnreadable } from '../platform/event-log.ts';
import type { PartitionOptions } from './raw-options.ts';
import type { Patience } from './raw-patience.ts';
import { deadLetter } from './refusal.ts';

/**
 * What stands in the log from an offset on. `reopen`: it is not the log that was being read. `unreadable`: what the log
 * itself cannot give, up to `next`; it is told like an item, by a dead letter without bytes.
 */
export type Found =
  | { readonly kind: 'records'; readonly records: readonly LogRecord[]; readonly next: number }
  | { readonly kind: 'unreadable'; readonly letter: DeadLetter; readonly next: number }
  | { readonly kind: 'reopen' };

export type Cursor = {
  read(offset: number): Promise<Found>;
  /** Resolves once there is more beyond the offset, or when the signal aborts. */
  waitBeyond(offset: number, signal: AbortSignal): Promise<void>;
};

/** Reads one partition as long as its topic is of that generation. `origin` is the named source of dead letters. */
export function createCursor(
  options: PartitionOptions,
  {
    generation,
    origin,
    patience,
    signal,
  }: {
    readonly generation: string;
    readonly origin: string;
    readonly patience: Patience;
    readonly signal: AbortSignal;
  },
): Cursor {
  const { log, clock, topic, partition, limits } = options;
  let checked_ms = clock.elapsed();

  /** A read does not carry the generation, and a topic that was made anew may hold the offset. */
  const isSame = async (): Promise<boolean> => {
    if (clock.elapsed() - checked_ms < limits.raw_check_ms) return true;
    checked_ms = clock.elapsed();
    return (await patience.until(() => log.describe(topic))).generation === generation;
  };
  const unreadable = ({ offset, next, message }: RecordsUnreadable): Found => {
    const item = { bytes: Buffer.alloc(0), position: `${topic}/${partition}/${offset}` };
    const refusal = {
      kind: 'refused',
      reason: 'record_unreadable',
      message: `${message}; look at the brokers`,
    } as const;
    return { kind: 'unreadable', letter: deadLetter(refusal, item, origin, clock.now()), next };
  };

  return {
    async read(offset) {
      const most = { records: limits.raw_batch_records_max, bytes: limits.raw_batch_bytes_max };
      try {
        const { records, next } = await patience.until(() => log.read(topic, partition, offset, most));
        return (await isSame()) ? { kind: 'records', records, next } : { kind: 'reopen' };
      } catch (error) {
        if (error instanceof RecordsUnreadable) return unreadable(error);
        if (!(error instanceof OffsetOutOfRange)) throw error;
        await clock.sleep(limits.raw_retry_ms, signal);
        return { kind: 'reopen' };
      }
    },
    waitBeyond: (offset, until) => patience.until(() => log.waitBeyond(topic, partition, offset, until)),
  };
}
