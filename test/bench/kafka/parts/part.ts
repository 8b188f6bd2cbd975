import type { FromPart, PartArguments } from '../messages.ts';

/** One piece of work, opened and waiting to be told to go. */
export type Part = Partial<Pick<FromPart, 'held'>> & {
  readonly progress: Pick<FromPart, 'done' | 'durable'>;
  /** Resolves when the work has begun; what it rejects with ends the process. */
  go(): Promise<void> | void;
  settle?(): Promise<void>;
  close(): Promise<void>;
};

export type OpenPart = (given: PartArguments) => Promise<Part>;
