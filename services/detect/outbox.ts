import type { Alert } from '../../schemas/alert.ts';
import type { EffectReport } from '../../schemas/effect.ts';
import type { HandedRecord } from '../../schemas/handed.ts';
import type { Outputs, PoisonRecord, ScoredEvent } from '../../schemas/outputs.ts';
import type { AliasRecord } from '../../schemas/record.ts';
import type { Raised } from './findings.ts';
import { emptyOutputs, type GroupCut } from './handover.ts';

/** Whom findings are about. */
type Concerned = { readonly tenant: string; readonly identity: { readonly id: string } };

/** What a partition worker has brought forth and its shell has not taken yet. */
export class Outbox {
  readonly #partition: number;
  #outputs: Outputs = emptyOutputs();
  #cuts: GroupCut[] = [];
  /** For this process's metrics only. */
  #tallies: Record<string, number> = {};

  constructor(partition: number) {
    this.#partition = partition;
  }

  /** What waits to be written. Alerts, effects and cuts are urgent: somebody waits for them. */
  get pending(): { readonly rows: number; readonly urgent: boolean } {
    const { events, findings, alerts, aliases, poison, handed, effects } = this.#outputs;
    const others = aliases.length + poison.length + handed.length + effects.length + this.#cuts.length;
    return {
      rows: events.length + findings.length + alerts.length + others,
      urgent: alerts.length + effects.length + this.#cuts.length > 0,
    };
  }

  event(row: ScoredEvent): void {
    this.#outputs.events.push(row);
  }

  /** What a surprise led to; what is muted belongs to no alert. */
  raised({ tenant, identity }: Concerned, { findings, alert_uid, revision, handed }: Raised, offset: number): void {
    if (revision !== undefined) this.alert(revision, offset);
    for (const finding of findings) {
      const of = finding.muted_by === undefined ? alert_uid : undefined;
      const at = { tenant, identity: identity.id, partition: this.#partition, offset };
      this.#outputs.findings.push({ finding, ...at, alert_uid: of });
    }
    if (handed !== undefined) this.handOn(handed);
  }

  alert(alert: Alert, offset: number): void {
    this.#outputs.alerts.push({ alert, partition: this.#partition, offset });
  }

  alias(record: AliasRecord, offset: number, log_ms: number): void {
    const { tenant, identity, resolved, trace_id, events, count } = record;
    const alias = { tenant, identity, resolved, trace_id, events, count };
    this.#outputs.aliases.push({ alias, partition: this.#partition, offset, log_time: log_ms });
  }

  poison(record: PoisonRecord): void {
    this.#outputs.poison.push(record);
  }

  handOn(record: HandedRecord): void {
    this.#outputs.handed.push(record);
  }

  effect(report: EffectReport): void {
    this.#outputs.effects.push(report);
  }

  tick(at: number, recorded: boolean, partitions: number): void {
    this.handOn({ type: 'tick', at, recorded, partition: this.#partition, partitions });
  }

  cut(version: string, bytes: Uint8Array): void {
    this.#cuts.push({ version, partition: this.#partition, bytes });
  }

  tally(name: string, add: number): void {
    if (add !== 0) this.#tallies[name] = (this.#tallies[name] ?? 0) + add;
  }

  /** Everything to write since the last call. */
  takeOutputs(): Outputs {
    const outputs = this.#outputs;
    this.#outputs = emptyOutputs();
    return outputs;
  }

  /** Cuts since the last call: written with the outputs, before any blob. */
  takeCuts(): GroupCut[] {
    const cuts = this.#cuts;
    this.#cuts = [];
    return cuts;
  }

  /** What happened in this process since the last call; unlike the counters, not a function of the log alone. */
  takeTallies(): Readonly<Record<string, number>> {
    const tallies = this.#tallies;
    this.#tallies = {};
    return tallies;
  }
}
