import { type EventLog, type LogWrite, PositionConflict } from '../platform/event-log.ts';
import type { Patience } from './raw-patience.ts';

/** `taken`: another process has written the position, or taken the right to. */
export type CommitResult = 'durable' | 'taken';

export type Commit = Pick<LogWrite, 'records' | 'counters'> & {
  readonly name: string;
  readonly expected: string | undefined;
  readonly position: string;
};

/**
 * Writes records, counters and position in one, exactly once. What is repeated after an attempt that ended unclearly is
 * refused when that attempt came through, and the position then tells so. Whoever else may have written this position has
 * written the same records with it.
 */
export function commit(log: EventLog, patience: Patience, write: Commit): Promise<CommitResult> {
  const { name, expected, position, records, counters = [] } = write;
  const expect = { name, position: expected, fence: name };
  return patience.until(async (again) => {
    try {
      await log.transact({ records, counters, positions: [{ name, position }], expect });
      return 'durable';
    } catch (error) {
      if (!(error instanceof PositionConflict)) throw error;
      return again && (await log.position(name)) === position ? 'durable' : 'taken';
    }
  });
}
