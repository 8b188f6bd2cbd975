import type { Outputs } from '../../../schemas/outputs.ts';
import { firstManifest } from '../../detect/stories/take-up.ts';
import { StoryWorker } from '../../detect/stories/worker.ts';

/**
 * The worker of stories beside the partition workers of a backtest. It is told what they hand on, step by step, and what
 * it finds is added to the outputs of the step.
 */
export function createBacktestStories(): (outputs: Outputs) => void {
  const worker = new StoryWorker(
    firstManifest({ info: { partitions: 1, generation: 'backtest' }, bounds: { start: 0, end: 0 } }),
  );
  return (outputs) => {
    for (const record of outputs.handed) worker.applyRecord(record, worker.next);
    const found = worker.takeOutputs().outputs;
    outputs.findings.push(...found.findings);
    outputs.alerts.push(...found.alerts);
  };
}
