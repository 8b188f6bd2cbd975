import type { KafkaSize } from './sizes.ts';

/** Where the parts of one benchmark run: a broker, and a directory for what they keep. */
export type Stage = {
  readonly brokers: readonly string[];
  readonly directory: string;
  readonly size: KafkaSize;
};
