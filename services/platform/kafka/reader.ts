export type { KafkaReader, PartitionOffsets, ReadMost } from './reader-types.ts';
