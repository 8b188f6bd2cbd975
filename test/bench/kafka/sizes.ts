import type { Fleet } from '../input.ts';
import type { Mode } from '../modes.ts';

/** How much the benchmark on Kafka does. */
export type KafkaSize = Fleet & {
  /** Times that the measured events stand in the topic that the ceilings and the ingest hop read. */
  readonly repeats: number;
  /** Every part runs once in each round, in processes of its own, and warms up on the first events it reads. */
  readonly rounds: number;
  readonly takeover_identities: number;
  readonly takeovers: number;
  readonly burst: Fleet;
};

export const KAFKA_MODES = {
  full: {
    identities: 1_000,
    days: 7,
    history_events: 100_000,
    events: 120_000,
    repeats: 3,
    rounds: 3,
    takeover_identities: 20_000,
    takeovers: 3,
    burst: { identities: 3_000, days: 9, history_events: 0, events: 1_000_000 },
  },
  quick: {
    identities: 400,
    days: 7,
    history_events: 20_000,
    events: 40_000,
    repeats: 4,
    rounds: 1,
    takeover_identities: 5_000,
    takeovers: 1,
    burst: { identities: 1_000, days: 7, history_events: 0, events: 100_000 },
  },
  /** For the smoke test: everything runs, no figure means anything. */
  tiny: {
    identities: 40,
    days: 3,
    history_events: 600,
    events: 600,
    repeats: 2,
    rounds: 1,
    takeover_identities: 60,
    takeovers: 1,
    burst: { identities: 40, days: 3, history_events: 0, events: 600 },
  },
} as const satisfies Readonly<Record<Mode, KafkaSize>>;

/** Of everything that a part works on the first share warms it up and is not counted. */
export const WARM_UP_SHARE = 0.25;
export const PARTITIONS = 12;
