import type { LogRead, TopicInfo } from '../event-log.ts';

/** Offsets of a partition: `start` <= `stable` <= `end`. */
export type PartitionOffsets = {
  /** First that can still be read. */
  readonly start: number;
  /** Last stable offset: every transaction below it is decided. What readers call the end of the log. */
  readonly stable: number;
  /** High watermark: what may belong to open transactions lies between `stable` and it. */
  readonly end: number;
};

/** At most so many records, and roughly so many bytes, but at least one record. */
export type ReadMost = { readonly records: number; readonly bytes: number };

/**
 * Reads committed records. Topics go by their names on the cluster, offsets are those of the cluster.
 *
 * Operations repeat what fails for the moment (leaders that move, connections that break) and reject with LogUnavailable
 * when that takes longer than `kafka_retry_ms_max`.
 */
export type KafkaReader = {
  /** Partitions, and the id that Kafka gave the topic when it was created. */
  describe(topic: string): Promise<TopicInfo>;
  offsets(topic: string, partition: number): Promise<PartitionOffsets>;
  /** See EventLog.read. Throws OffsetOutOfRange (its topic is `source:<name>`), RecordsUnreadable. */
  read(topic: string, partition: number, offset: number, most: ReadMost): Promise<LogRead>;
  /** Resolves once the last stable offset is beyond `offset`, or when the signal aborts. */
  waitBeyond(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};
