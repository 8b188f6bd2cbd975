import { parentPort } from 'node:worker_threads';
import { runFleet } from '../fleet/run.ts';
import { runRecorded } from '../recorded/run.ts';
import type { Task } from './tasks.ts';

/** A thread that does one task after the other. What a task throws ends it, and is told to who started it. */
parentPort?.on('message', async (task: Task) => {
  parentPort?.postMessage(task.kind === 'fleet' ? await runFleet(task) : await runRecorded(task));
});
