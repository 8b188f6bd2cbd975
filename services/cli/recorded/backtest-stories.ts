import type { Outputs } from '../../../schemas/outputs.ts';
import { firstManifest } from '../../detect/stories/take-up.ts';
import { StoryWorker } from '../../detect/stories/worker.ts';

/**
 * The worker of stories beside the partition workers of a backtest: what they hand on in a step is told to it in the
 * order of their clocks, and what it finds is added to the step's outputs.
 */
export function createBacktestStories(): (outputs: Outputs) => void {
  const worker = new StoryWorker(
    firstManifest({ info: { partitions: 1, generation: 'backtest' }, bounds: { start: 0, end: 0 } }),
  );
  return (outputs) => {
    for (const record of outputs.handed.toSorted((a, b) => a.at - b.at)) worker.applyRecord(record, worker.next);
    const found = worker.takeOutputs().outputs;
    outputs.findings.push(...found.findings);
    outputs.alerts.push(...found.alerts);
  };
}
