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
 * Writes records, counters and position in one, exactly once: an attempt that ended unclearly is recognised by the
 * position before it is repeated. Whoever else may have written this position has written the same records with it.
 */
export function commit(log: EventLog, patience: Patience, write: Commit): Promise<CommitResult> {
  const { name, expected, position, records, counters = [] } = write;
  let unclear = false;
  const isThere = async (): Promise<boolean> => (await log.position(name)) === position;
  return patience.until(async (again) => {
    unclear ||= again;
    if (unclear && (await isThere())) return 'durable';
    try {
      const expect = { name, position: expected, fence: name };
      await log.transact({ records, counters, positions: [{ name, position }], expect });
      return 'durable';
    } catch (error) {
      if (!(error instanceof PositionConflict)) throw error;
      // An attempt that ended unclearly can have come through after the position was read.
      return unclear && (await isThere()) ? 'durable' : 'taken';
    }
  });
}
