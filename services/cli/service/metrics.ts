import type { Detection } from './detection.ts';
import type { Foundation } from './foundation.ts';
import { lagOf } from './readiness.ts';
import { pendingContainments, type Response } from './response.ts';

/**
 * Prometheus metrics: what was counted as it happened, and gauges that are read when somebody asks, among them the sums
 * of promise P1. Received is accepted, absorbed and dead-lettered; accepted is applied and in flight; applied is scored
 * and duplicate.
 */
export function createMetrics(foundation: Foundation, detection: Detection, response: Response): () => Promise<string> {
  const { telemetry, log } = foundation;
  const items = telemetry.gauge('items', 'input items since the log was made, by what became of them', ['state']);
  const events = telemetry.gauge('detect_records', 'records applied by detect since the log was made', ['kind']);
  const lag = telemetry.gauge('detect_lag_records', 'records in the log that detect has not applied');
  const resident = telemetry.gauge('detect_identities_resident', 'identities in memory');
  const pending = telemetry.gauge('containments_pending', 'containments that wait for approval');
  const stalled = telemetry.gauge('store_stalled', '1 while writes to the store are being repeated');
  return async () => {
    for (const [name, value] of await log.counters()) items.set({ state: name }, value);
    const sums = new Map<string, number>();
    let identities = 0;
    for (const status of detection.runner.status()) {
      identities += status.resident;
      for (const [kind, count] of Object.entries(status.counters)) sums.set(kind, (sums.get(kind) ?? 0) + count);
    }
    for (const [kind, count] of sums) events.set({ kind }, count);
    lag.set((await lagOf(foundation, detection)) ?? Number.NaN);
    resident.set(identities);
    pending.set(pendingContainments(response.view));
    stalled.set(detection.runner.stalled ? 1 : 0);
    return telemetry.registry.metrics();
  };
}
