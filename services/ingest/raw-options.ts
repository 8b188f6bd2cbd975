import type { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventLog, Topic } from '../platform/event-log.ts';
import type { GapPort } from '../platform/gaps.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { Catalogue } from './catalogue.ts';
import type { decideItem } from './core.ts';
import type { Gate } from './raw-gate.ts';
import type { ReadySource } from './raw-source.ts';

/** What the work on one partition needs, whatever its topic holds. */
export type PartitionOptions = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly gaps: GapPort;
  readonly topic: Topic;
  readonly partition: number;
  /** Shared by all partitions of a process: bounds what is held in memory. */
  readonly gate: Gate;
  readonly limits: RawLimits;
};

/** What reading a raw partition needs besides. */
export type RawReadingOptions = PartitionOptions & {
  readonly catalogue: Catalogue;
  readonly source: ReadySource;
  readonly decide: typeof decideItem;
};

/** The limits of raw topics that tests vary. */
export type RawLimits = {
  readonly [K in Extract<keyof typeof LIMITS, `raw_${string}`>]: number;
};
