import type { TopicName } from '../../../services/platform/kafka/settings.ts';
import type { PartName } from './parts/names.ts';
import type { KafkaSize } from './sizes.ts';

/** What a part is told: the same for all of them, and each takes what it needs. */
export type PartArguments = {
  readonly part: PartName;
  readonly size: KafkaSize;
  readonly brokers: readonly string[];
  /** Names the group and the topics that are this run's own. */
  readonly name: string;
  /** Topics that other parts have filled, by their names on the cluster. */
  readonly topics: Partial<Record<TopicName, string>>;
  /** Data directory of the process. */
  readonly data: string;
  readonly session_timeout_ms?: number;
  /** A ClickHouse server; the embedded store of the data directory when absent. */
  readonly store_url?: string;
  /** Joins its groups only when told to go: until then it holds nothing. */
  readonly joins_late?: boolean;
  /** Tells how it stands that often; ten times a second when absent. */
  readonly report_ms?: number;
  /** Watches the event loop, which costs a little. */
  readonly loop_delay?: boolean;
};

/** `go`: take up what was assigned, or begin. `settle`: make everything durable now. */
export type ToPart = 'go' | 'settle' | 'stop';

/** How a part stands; told all the time. CPU is the busy time of all threads of the process since it began. */
export type FromPart = {
  /** Partitions assigned, of each topic that the part shares with others; 0 before that. */
  readonly held: readonly number[];
  /** Events done, as the part counts them. */
  readonly done: number;
  /** All that is done is durable. */
  readonly durable: boolean;
  readonly cpu_us: number;
  readonly rss_peak_bytes: number;
  /** Time between turns of the event loop since the part was told to go, where it is watched: 1 ms is none. */
  readonly loop_delay?: { readonly p50_ms: number; readonly p99_ms: number; readonly max_ms: number };
};
