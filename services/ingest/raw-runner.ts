import type { Gap } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import { type AssignmentListener, type EventLog, LogUnavailable, TOPICS, type Topic } from '../platform/event-log.ts';
import type { GapPort } from '../platform/gaps.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { Catalogue } from './catalogue.ts';
import { decideItem } from './core.ts';
import { createGate, type Gate } from './raw-gate.ts';
import type { PartitionOptions, RawLimits } from './raw-options.ts';
import { RawPartition, type RawState } from './raw-partition.ts';
import type { OpenReading } from './raw-portion.ts';
import { positionName, type RawPlace } from './raw-position.ts';
import { RawReading } from './raw-reading.ts';
import type { ReadySource } from './raw-source.ts';
import { RecordedTime } from './recorded-time.ts';
import { SettleReading } from './settle/reading.ts';
import type { SettleRule } from './settle/rule.ts';

export type IngestRunnerOptions = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly gaps: GapPort;
  readonly catalogue: Catalogue;
  readonly sources: readonly ReadySource[];
  /** How held items are settled; absent where `agent.audit.spans` is left to others. */
  readonly settle?: SettleRule;
  readonly limits?: Partial<RawLimits>;
  readonly decide?: typeof decideItem;
};

export type RawPartitionStatus = {
  readonly topic: Topic;
  readonly partition: number;
  readonly state: RawState;
  /** Offset up to which everything is durable; undefined until the position is known. */
  readonly next: number | undefined;
  /** Offsets between it and the end of the log; undefined while nobody can say. */
  readonly lag: number | undefined;
  readonly gap: Gap | undefined;
};

/**
 * Ingest of raw topics in one process: works off the partitions that it is assigned. Every partition goes its own way, so
 * none waits for another; all share the event loop in slices, and what they hold in memory is bounded together.
 */
export class IngestRunner {
  readonly #options: IngestRunnerOptions;
  readonly #limits: RawLimits;
  readonly #gate: Gate;
  readonly #partitions = new Map<string, RawPartition>();
  /** Of recorded sources whose partition 0 is here. */
  readonly #times = new Map<Topic, RecordedTime>();
  readonly #ended = Promise.withResolvers<void>();
  #stopping = false;

  constructor(options: IngestRunnerOptions) {
    // Whoever cares asks `run`.
    this.#ended.promise.catch(() => undefined);
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#gate = createGate(this.#limits.raw_batches_max);
  }

  /** The topics that are worked off here. */
  get topics(): readonly Topic[] {
    const sources = this.#options.sources.map(({ topic }) => topic);
    return this.#options.settle === undefined ? sources : [...sources, TOPICS.spans];
  }

  /** Told of the partitions of one topic; to be given to `log.subscribe` of it. */
  listener(topic: Topic): AssignmentListener {
    if (topic === TOPICS.spans) return this.#settling();
    const source = this.#options.sources.find((one) => one.topic === topic);
    if (source === undefined) throw new Error(`${topic} is no source of this runner`);
    return {
      assigned: (partition) => this.#assigned(source, partition),
      revoked: (partition, how) => this.#revoked({ topic, partition }, how),
    };
  }

  /** Resolves once stopped; rejects with a defect that ended the work on a partition. */
  run(): Promise<void> {
    return this.#ended.promise;
  }

  /** Ends the work; what is being written is waited for. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const working = [...this.#partitions.values(), ...this.#times.values()];
    await Promise.all(working.map((one) => one.end('handed_over')));
    this.#partitions.clear();
    this.#times.clear();
    this.#ended.resolve();
  }

  /** True while the log does not answer and is asked again. */
  get stalled(): boolean {
    return [...this.#partitions.values()].some(({ waiting }) => waiting);
  }

  /** How far each partition of a topic is, for `Subscription.show`. */
  progress(topic: Topic): { partition: number; next: number }[] {
    return this.#ofTopic(topic).flatMap(({ place, next }) => {
      return next === undefined ? [] : [{ partition: place.partition, next }];
    });
  }

  /** By topic and partition. */
  async status(): Promise<RawPartitionStatus[]> {
    return Promise.all(
      this.topics.flatMap((topic) => this.#ofTopic(topic)).map((partition) => this.#statusOf(partition)),
    );
  }

  #settling(): AssignmentListener {
    const { settle: rule } = this.#options;
    if (rule === undefined) throw new Error(`${TOPICS.spans} is not worked off by this runner`);
    const topic = TOPICS.spans;
    return {
      assigned: async (partition) => {
        if (this.#stopping) return;
        const options = { ...this.#shared(), topic, partition, rule };
        await this.#begin(options, (...from) => new SettleReading(options, ...from));
      },
      revoked: (partition, how) => this.#revoked({ topic, partition }, how),
    };
  }

  async #assigned(source: ReadySource, partition: number): Promise<void> {
    if (this.#stopping) return;
    const { catalogue, decide = decideItem, settle } = this.#options;
    const { topic } = source;
    const options = { ...this.#shared(), catalogue, decide, source, topic, partition };
    await this.#begin(options, (...from) => new RawReading(options, ...from));
    if (!source.recorded || partition !== 0) return;
    const time = new RecordedTime({ ...options, settle });
    this.#times.set(topic, time);
    time.done.catch((error: unknown) => this.#ended.reject(error));
  }

  async #begin(options: PartitionOptions, open: OpenReading): Promise<void> {
    await this.#revoked(options, 'lost');
    const begun = new RawPartition(options, open);
    this.#partitions.set(positionName(options), begun);
    begun.done.catch((error: unknown) => this.#ended.reject(error));
  }

  #shared(): Omit<PartitionOptions, 'topic' | 'partition'> {
    const { log, clock, telemetry, gaps } = this.#options;
    return { log, clock, telemetry, gaps, gate: this.#gate, limits: this.#limits };
  }

  async #revoked(place: RawPlace, how: 'handed_over' | 'lost'): Promise<void> {
    const name = positionName(place);
    const ending = this.#partitions.get(name);
    this.#partitions.delete(name);
    const time = place.partition === 0 ? this.#times.get(place.topic) : undefined;
    if (time !== undefined) this.#times.delete(place.topic);
    await Promise.all([ending?.end(how), time?.end(how)]);
  }

  #ofTopic(topic: Topic): RawPartition[] {
    return [...this.#partitions.values()]
      .filter(({ place }) => place.topic === topic)
      .sort((a, b) => a.place.partition - b.place.partition);
  }

  async #statusOf({ place, state, next, gap }: RawPartition): Promise<RawPartitionStatus> {
    const end = await this.#endOf(place);
    const lag = next === undefined || end === undefined ? undefined : Math.max(0, end - next);
    return { ...place, state, next, lag, gap };
  }

  async #endOf({ topic, partition }: RawPlace): Promise<number | undefined> {
    try {
      return (await this.#options.log.bounds(topic, partition)).end;
    } catch (error) {
      if (error instanceof LogUnavailable) return undefined;
      throw error;
    }
  }
}
