import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { AlertBudget } from '../../detectors/contract.ts';
import { createModel } from '../../detectors/model.ts';
import { buildPriorFrom } from './priors.ts';

/**
 * Merging the groups of a large fleet takes seconds of computing: it is done in a thread of its own, so that the service
 * answers meanwhile. The thread sees bytes only; log and store stay with their owner.
 */
type Task = { readonly cuts: readonly Uint8Array[]; readonly budget: AlertBudget };

/** Builds a prior of the ensemble's model in a thread. Rejects with what the thread threw, or when it dies. */
export function buildPriorInThread(cuts: readonly Uint8Array[], budget: AlertBudget): Promise<Uint8Array> {
  const task: Task = { cuts, budget };
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: task });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread that builds priors ended with ${code}`)));
  });
}

if (!isMainThread && parentPort !== null) {
  const { cuts, budget } = workerData as Task;
  parentPort.postMessage(buildPriorFrom(createModel(), cuts, budget));
}
