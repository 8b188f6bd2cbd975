import { collectDefaultMetrics } from 'prom-client';
import { PULSE_KINDS } from '../../../schemas/pulse.ts';
import { sumPulses } from '../../api/coverage.ts';
import { openGaps } from '../../control/gap-states.ts';
import { storiesProgress } from '../../detect/stories/run.ts';
import { WAYS } from '../../ingest/settle/fill.ts';
import { pendingContainments } from './control.ts';
import type { Parts } from './parts.ts';
import { inTime, lagOf } from './readiness.ts';

/**
 * Prometheus metrics of this process: what was counted as it happened, what Node.js tells of memory, garbage collection
 * and the delay of the event loop, and gauges that are read when somebody asks, among them the sums of promise P1.
 * Received is accepted, absorbed, dead-lettered and waiting; accepted is applied and in flight; applied is scored and duplicate.
 */
export function createMetrics(parts: Parts): () => Promise<string> {
  const { ground, control, offices } = parts;
  const { telemetry, log } = ground;
  collectDefaultMetrics({ register: telemetry.registry });
  const items = telemetry.gauge('items', 'input items since the log was made, by what became of them', ['state']);
  const waiting = telemetry.gauge('items_waiting', 'input items that wait for their identity or their answer');
  const settled = telemetry.gauge('items_settled', 'held items that became events, by how it was settled', ['way']);
  const pending = telemetry.gauge('containments_pending', 'containments that wait for approval');
  const gaps = telemetry.gauge('gaps_open', 'gaps that wait for a decision', ['stage']);
  const held = telemetry.gauge('office_held', '1 while this process holds the office', ['office']);
  const stages = [detectGauges(parts), ingestGauges(parts)];
  return async () => {
    // Sums that cannot be read keep their last values: what this process counted itself is told in any case.
    const [sums] = await Promise.all([inTime(log.counters()), ...stages.map((stage) => stage?.())]);
    for (const [name, value] of sums ?? []) items.set({ state: name }, value);
    if (sums !== undefined) {
      waiting.set((sums.get('ingest.held') ?? 0) - (sums.get('ingest.settled') ?? 0));
      for (const way of WAYS) settled.set({ way }, sums.get(`ingest.settled.${way}`) ?? 0);
    }
    pending.set(pendingContainments(control.view));
    gaps.reset();
    for (const { gap } of openGaps(control.view.state)) gaps.inc({ stage: gap.stage });
    for (const office of offices) held.set({ office: office.name }, office.held ? 1 : 0);
    return telemetry.registry.metrics();
  };
}

function detectGauges(parts: Parts): (() => Promise<void>) | undefined {
  const { detection, ground } = parts;
  if (detection === undefined) return undefined;
  const { telemetry } = ground;
  const { runner } = detection;
  const events = telemetry.gauge('detect_records', "records applied, by kind, of this process's partitions", ['kind']);
  const lag = telemetry.gauge('detect_lag_records', "records not applied, of this process's partitions");
  const owned = telemetry.gauge('detect_partitions', 'partitions of this process, by state', ['state']);
  const resident = telemetry.gauge('detect_identities_resident', 'identities in memory');
  const silent = telemetry.gauge(
    'pulses_silent',
    "sources and peer groups that are silent, of this process's partitions",
    ['of'],
  );
  const tallied = telemetry.gauge('coverage_events', "events of about the last day, of this process's partitions", [
    'kind',
  ]);
  const behind = telemetry.gauge('stories_lag_records', 'handed records that no story was made of yet', []);
  const stalled = telemetry.gauge('store_stalled', '1 while writes to the store are being repeated');
  return async () => {
    const all = runner.status();
    events.reset();
    owned.reset();
    for (const { state, counters } of all) {
      owned.inc({ state });
      for (const [kind, count] of Object.entries(counters)) events.inc({ kind }, count);
    }
    lag.set((await lagOf(parts, detection)) ?? Number.NaN);
    const progress = await inTime(storiesProgress(ground.log));
    behind.set(progress === undefined ? Number.NaN : progress.end_offset - progress.next_offset);
    resident.set(all.reduce((sum, one) => sum + one.resident, 0));
    for (const of of PULSE_KINDS) silent.set({ of }, 0);
    const sums = sumPulses(all);
    for (const { of, silent_ms } of sums) if (silent_ms !== undefined) silent.inc({ of });
    tallied.reset();
    for (const { tallies } of sums.filter(({ of }) => of === 'source')) {
      for (const [kind, count] of Object.entries(tallies)) tallied.inc({ kind }, count);
    }
    stalled.set(runner.stalled ? 1 : 0);
  };
}

function ingestGauges({ ingest, ground }: Parts): (() => Promise<void>) | undefined {
  if (ingest === undefined) return undefined;
  const { telemetry } = ground;
  const lag = telemetry.gauge('ingest_lag_records', "offsets not worked off, of this process's partitions", ['topic']);
  const owned = telemetry.gauge('ingest_partitions', 'raw partitions of this process, by state', ['topic', 'state']);
  return async () => {
    const partitions = (await inTime(ingest.runner.status())) ?? [];
    // From here on in one turn: who else asks meanwhile gets whole numbers.
    lag.reset();
    owned.reset();
    for (const { topic, state, lag: behind } of partitions) {
      owned.inc({ topic, state });
      if (behind !== undefined) lag.inc({ topic }, behind);
    }
  };
}
