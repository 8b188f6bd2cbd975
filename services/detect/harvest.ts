import type { Outputs } from '../../schemas/outputs.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { emptyOutputs, type GroupCut } from './handover.ts';
import type { PartitionWorker } from './worker.ts';

export type Harvest = { readonly outputs: Outputs; readonly cuts: readonly GroupCut[] };

/** Takes from the workers what is to be written. */
export function harvest(workers: readonly PartitionWorker[], telemetry: Telemetry): Harvest {
  const outputs = emptyOutputs();
  const cuts: GroupCut[] = [];
  for (const worker of workers) {
    const taken = worker.takeOutputs();
    for (const row of taken.events) outputs.events.push(row);
    for (const row of taken.findings) outputs.findings.push(row);
    for (const row of taken.alerts) outputs.alerts.push(row);
    for (const row of taken.aliases) outputs.aliases.push(row);
    for (const row of taken.poison) outputs.poison.push(row);
    for (const record of taken.handed) outputs.handed.push(record);
    for (const one of taken.effects) outputs.effects.push(one);
    cuts.push(...worker.takeCuts());
    for (const [outcome, count] of Object.entries(worker.takeTallies())) {
      telemetry.occurred('session_lessons', { outcome }, {}, count);
    }
  }
  return { outputs, cuts };
}

/** Says what has become durable. */
export function report(outputs: Outputs, telemetry: Telemetry): void {
  if (outputs.events.length > 0) telemetry.occurred('events_applied', {}, {}, outputs.events.length);
  for (const { finding } of outputs.findings) {
    const { family, muted_by } = finding;
    telemetry.occurred(muted_by === undefined ? 'findings_raised' : 'findings_muted', { family });
  }
  for (const { alert } of outputs.alerts) {
    const fields = { uid: alert.uid, revision: alert.revision };
    telemetry.occurred('alerts_revised', { severity: alert.severity, status: alert.status }, fields);
  }
  if (outputs.handed.length > 0) telemetry.occurred('findings_handed', {}, {}, outputs.handed.length);
  for (const { finding, containment } of outputs.effects) {
    telemetry.occurred('effects_reported', { finding }, { containment });
  }
  for (const { letter } of outputs.poison) {
    telemetry.occurred('items_dead_lettered', { format: 'none', reason: letter.reason }, { position: letter.position });
  }
}
