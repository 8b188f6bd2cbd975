import type { Topic } from '../event-log.ts';
import type { SqliteLog } from './sqlite-log.ts';

/**
 * Forgets what is older than `age_ms` and no longer needed, once. `needed_from` is the first offset that some reader
 * still needs; nothing at or above it is forgotten, however old. Returns the new start.
 */
export async function trimAged(
  log: SqliteLog,
  what: {
    readonly topic: Topic;
    readonly partition: number;
    readonly now_ms: number;
    readonly age_ms: number;
    readonly needed_from: number;
  },
): Promise<number> {
  const { topic, partition } = what;
  const aged = await log.offsetAt(topic, partition, what.now_ms - what.age_ms);
  await log.trim(topic, partition, Math.min(aged, what.needed_from));
  return (await log.bounds(topic, partition)).start;
}
