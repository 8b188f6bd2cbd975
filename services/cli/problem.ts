/**
 * How a command ends. The numbers are part of the interface: scripts rely on them.
 * 0 done; 1 the work failed or a check found something wrong; 2 the command was not understood; 3 the service cannot be
 * reached or holds the data; 4 the service refused: not allowed, unknown, or not in this state; 130 stopped by Ctrl-C.
 */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3, refused: 4, interrupted: 130 } as const;

/** An expected failure: printed as one message with its remedy, never as a stack. */
export class Problem extends Error {
  override readonly name = 'Problem';
  /** Stable, for `--json` and scripts. */
  readonly code: string;
  readonly exit: number;

  constructor(code: string, message: string, exit: number = EXIT.failed) {
    super(message);
    this.code = code;
    this.exit = exit;
  }
}
