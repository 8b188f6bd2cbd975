import { EXIT } from './problem.ts';

/** Ctrl-C and SIGTERM end a command in good order; a second one ends it at once. */
export type Interrupt = { readonly signal: AbortSignal; done(): void };

export function interruptible(): Interrupt {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    process.exitCode = EXIT.interrupted;
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    done() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
