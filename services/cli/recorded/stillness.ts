import { UNITS } from '../../../schemas/limits.ts';
import { committedName } from '../../detect/writer.ts';
import type { Clock } from '../../platform/clock.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../platform/event-log.ts';

const LOOK_MS = 5 * UNITS.SECOND_MS;
const STILL_MS = 30 * UNITS.SECOND_MS;

/**
 * Tells once when records wait and nobody has applied any for half a minute: on Kafka detect is another process's, and
 * waiting for one that nobody has started looks like waiting for a slow one.
 */
export async function noteStillness(
  log: Pick<EventLog, 'describe' | 'bounds' | 'position'>,
  clock: Pick<Clock, 'elapsed' | 'sleep'>,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let seen = -1;
  let since_ms = clock.elapsed();
  while (!signal.aborted) {
    const { applied, behind } = await lookAt(log, seen);
    if (applied !== seen || behind === 0) since_ms = clock.elapsed();
    seen = applied;
    if (clock.elapsed() - since_ms >= STILL_MS) {
      const seconds = STILL_MS / UNITS.SECOND_MS;
      note(
        `nothing was scored for ${seconds} s, ${behind} records wait: start a process with the role detect; this waits`,
      );
      return;
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

/** Offsets applied and left, over all partitions; as before while the log does not answer. */
async function lookAt(
  log: Pick<EventLog, 'describe' | 'bounds' | 'position'>,
  seen: number,
): Promise<{ applied: number; behind: number }> {
  try {
    const { partitions } = await log.describe(TOPICS.events);
    let [applied, behind] = [0, 0];
    for (let partition = 0; partition < partitions; partition++) {
      const next = Number((await log.position(committedName(partition))) ?? 0);
      applied += next;
      behind += Math.max(0, (await log.bounds(TOPICS.events, partition)).end - next);
    }
    return { applied, behind };
  } catch (error) {
    if (error instanceof LogUnavailable) return { applied: seen, behind: 0 };
    throw error;
  }
}
