import { type Clock, systemClock } from '../../services/platform/clock.ts';
import {
  type EventLog,
  type LogRecord,
  type NewRecord,
  TOPICS,
  type Topic,
} from '../../services/platform/event-log.ts';

/** Partitions of every log under test. */
export const PARTITIONS = 3;

/** One durable place on which several handles may be opened, as by several processes. */
export type LogPlace = {
  open(clock: Clock): Promise<EventLog>;
  /** Forgets records below the offset, or all there are, as retention does. */
  trim(log: EventLog, topic: Topic, partition: number, before_offset: number): Promise<void>;
  dispose(): Promise<void>;
};

/** The system's clock with a hand that can be set. */
export function settableClock(now: number): Clock & { set(now: number): void } {
  let hand = now;
  const set = (to: number): void => {
    hand = to;
  };
  return { ...systemClock, now: () => hand, set };
}

/** No bound on a read. */
export const ALL = { records: 1_000_000, bytes: 1 << 30 };
export const record = (key: string, value: string | Buffer, partition?: number): NewRecord => ({
  topic: TOPICS.events,
  key,
  value: Buffer.from(value),
  ...(partition === undefined ? {} : { partition }),
});

export async function readAll(log: EventLog, topic: Topic, partition: number, most = ALL) {
  const records: LogRecord[] = [];
  let offset = (await log.bounds(topic, partition)).start;
  for (;;) {
    const read = await log.read(topic, partition, offset, most);
    if (read.next === offset) return records;
    records.push(...read.records);
    offset = read.next;
  }
}
