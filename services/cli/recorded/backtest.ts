import type { AlertBudget, Model } from '../../../detectors/contract.ts';
import type { CanonicalEvent } from '../../../schemas/event.ts';
import type { Outputs } from '../../../schemas/outputs.ts';
import type { DetectRecord } from '../../../schemas/record.ts';
import type { DescribeAlert } from '../../detect/alerts.ts';
import type { Decoded } from '../../detect/decode.ts';
import { buildPriorFrom } from '../../detect/priors.ts';
import { PartitionWorker } from '../../detect/worker.ts';
import type { ReplayStep } from '../../ingest/replay.ts';
import { TOPICS } from '../../platform/event-log.ts';
import { identityKey, partitionOf } from '../../platform/partitioner.ts';
import { createBacktestStories } from './backtest-stories.ts';
import { createCutPolicy } from './cut-policy.ts';

/**
 * The partition workers over recorded events, without log and store: the same core, the same partitions and the same cuts
 * as a replay into the service, so the same findings and alerts. Nothing is evicted; memory grows with the identities.
 */
export type BacktestOptions = {
  readonly model: Model;
  readonly describe: DescribeAlert;
  readonly partitions: number;
  readonly alerts_per_1000_identity_days: AlertBudget;
  readonly lateness_ms: number;
};

export type BacktestStep = {
  readonly outputs: Outputs;
  readonly bytes_read: number;
  /** The prior that was adopted in this step: recorded clock, and what its thresholds are, in bits. */
  readonly adopted?: Adopted;
};
export type Adopted = { readonly at_ms: number; readonly alert_bits: number };

export type Backtest = {
  /** What one step of a replay leads to; several backtests may take the same steps. */
  take(step: ReplayStep): BacktestStep;
  /** What the steps of a replay lead to, as it happens. */
  run(steps: AsyncIterable<ReplayStep>): AsyncGenerator<BacktestStep>;
  /** Sums over the partitions so far. */
  counters(): Record<string, number>;
  readonly identities: number;
};

export function createBacktest(options: BacktestOptions): Backtest {
  const partitions = Array.from({ length: options.partitions }, (_, partition) => new Lane(options, partition));
  const cuts = createCutPolicy();
  const addStories = createBacktestStories();
  let priors = 0;

  const everywhere = (record: DetectRecord, at: number): void => {
    for (const lane of partitions) lane.apply(record, at);
  };

  const adoptPrior = (at: number): Adopted => {
    const version = `backtest-${++priors}`;
    everywhere({ type: 'cut', version }, at);
    const cut = partitions.flatMap((lane) => lane.worker.takeCuts()).map(({ bytes }) => bytes);
    const bytes = buildPriorFrom(options.model, cut, options.alerts_per_1000_identity_days);
    for (const lane of partitions) lane.worker.addPrior(version, bytes);
    everywhere({ type: 'prior', version }, at);
    return { at_ms: at, alert_bits: options.model.openPrior(bytes, version).alert_bits };
  };

  const laneOf = (event: CanonicalEvent): Lane =>
    partitions[partitionOf(identityKey(event.tenant, event.identity.id), partitions.length)]!;

  let bytes_read = 0;
  const apply = (step: ReplayStep): Adopted | undefined => {
    if (step.kind === 'tick') everywhere({ type: 'tick' }, step.at);
    else if (step.kind === 'cut') return cuts.take(step.at) ? adoptPrior(step.at) : undefined;
    else if (step.kind === 'records') {
      bytes_read = step.bytes_read;
      const accepted = step.decided.flatMap((decided, i) =>
        decided.kind === 'accepted' ? [{ event: decided.event, at: step.at[i]! }] : [],
      );
      for (const { event, at } of accepted) laneOf(event).apply({ type: 'event', event }, at);
      cuts.add(accepted.length);
    }
    // What an alias tells is for people, and a backtest has none.
    return undefined;
  };

  const take = (step: ReplayStep): BacktestStep => {
    const adopted = apply(step);
    const outputs = mergeOutputs(partitions.map((lane) => lane.worker.takeOutputs()));
    addStories(outputs);
    return { outputs, bytes_read, ...(adopted !== undefined && { adopted }) };
  };

  return {
    take,
    async *run(steps) {
      for await (const step of steps) yield take(step);
    },
    counters() {
      const sums: Record<string, number> = {};
      for (const { worker } of partitions) {
        for (const [name, count] of Object.entries(worker.counters)) sums[name] = (sums[name] ?? 0) + count;
      }
      return sums;
    },
    get identities() {
      return partitions.reduce((sum, { worker }) => sum + worker.resident, 0);
    },
  };
}

/** One partition: its worker and the offset that its next record gets. */
class Lane {
  readonly worker: PartitionWorker;
  #next = 0;

  constructor(options: BacktestOptions, partition: number) {
    const { model, describe, partitions, lateness_ms } = options;
    const topic = TOPICS.events;
    this.worker = new PartitionWorker({
      topic,
      partition,
      partitions,
      generation: 'backtest',
      model,
      describe,
      lateness_ms,
    });
  }

  apply(record: DetectRecord, at: number): void {
    const decoded: Decoded = { offset: this.#next++, log_ms: at, recorded: true, record };
    this.worker.load(this.worker.needs([decoded]).blobs, new Map());
    this.worker.apply(decoded);
  }
}

function mergeOutputs(all: readonly Outputs[]): Outputs {
  return {
    events: all.flatMap((outputs) => outputs.events),
    findings: all.flatMap((outputs) => outputs.findings),
    alerts: all.flatMap((outputs) => outputs.alerts),
    aliases: all.flatMap((outputs) => outputs.aliases),
    poison: all.flatMap((outputs) => outputs.poison),
    handed: all.flatMap((outputs) => outputs.handed),
    effects: all.flatMap((outputs) => outputs.effects),
  };
}
