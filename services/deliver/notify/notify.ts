import { type NotifyPorts, runLane, type Target } from './lane.ts';

/**
 * Tells all targets, one lane each, so that whoever cannot be reached keeps nobody else from hearing. Resolves after the
 * signal has aborted and every attempt has ended; rejects on a defect, after the other lanes have ended.
 */
export async function runNotify(ports: NotifyPorts, targets: readonly Target[], signal: AbortSignal): Promise<void> {
  const defect = new AbortController();
  const either = AbortSignal.any([signal, defect.signal]);
  const lanes = targets.map((target) => runLane(ports, target, either).catch((error: unknown) => defect.abort(error)));
  if (lanes.length === 0) await untilAborted(either);
  await Promise.all(lanes);
  if (defect.signal.aborted) throw defect.signal.reason;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
