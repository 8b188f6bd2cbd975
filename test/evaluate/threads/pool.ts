import { Worker } from 'node:worker_threads';
import type { AnswerOf, Task } from './tasks.ts';

/** Threads that share the tasks; answers come in the order of the tasks, whoever did them. */
export type Pool = {
  run<T extends Task>(tasks: readonly T[], onDone: (done: number) => void): Promise<AnswerOf<T>[]>;
  close(): Promise<void>;
};

export function openPool(threads: number): Pool {
  const workers = Array.from({ length: threads }, () => {
    return new Worker(new URL('./evaluate-child.ts', import.meta.url));
  });
  return {
    async run<T extends Task>(tasks: readonly T[], onDone: (done: number) => void) {
      const answers = new Array<AnswerOf<T>>(tasks.length);
      let next = 0;
      let done = 0;
      await Promise.all(
        workers.map(async (worker) => {
          for (let at = next++; at < tasks.length; at = next++) {
            answers[at] = (await ask(worker, tasks[at]!)) as AnswerOf<T>;
            onDone(++done);
          }
        }),
      );
      return answers;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function ask(worker: Worker, task: Task): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      worker.off('message', answered).off('error', failed).off('exit', ended);
      end();
    };
    const answered = (answer: unknown): void => settle(() => resolve(answer));
    const failed = (error: unknown): void => settle(() => reject(error));
    const ended = (code: number): void =>
      settle(() => reject(new Error(`a thread of the evaluation ended with ${code}`)));
    worker.on('message', answered).on('error', failed).on('exit', ended);
    worker.postMessage(task);
  });
}
