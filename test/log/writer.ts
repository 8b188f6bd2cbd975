import fs from 'node:fs';
import { systemClock } from '../../services/platform/clock.ts';
import { type NewRecord, TOPICS } from '../../services/platform/event-log.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';

/**
 * A process that appends until it has made `writes` writes or is killed: `node writer.ts PATH NAME FIRST WRITES`.
 * It prints the number of a write once that is acknowledged, by a blocking write, so that nothing is printed too soon.
 */
const WRITERS_AT_ONCE = 8;

/** The records of a write, each of which says which write it belongs to and how many records that has. */
export function recordsOf(name: string, write: number): NewRecord[] {
  const count = 1 + ((write * 7) % 13);
  return Array.from({ length: count }, (_, index) => ({
    topic: index % 5 === 4 ? TOPICS.dead : TOPICS.events,
    key: `${name}-${write}-${index}`,
    value: Buffer.from(JSON.stringify({ name, write, index, count, padding: 'x'.repeat((write * 131) % 3000) })),
  }));
}

async function main([path, name, first, writes]: readonly string[]): Promise<void> {
  if (path === undefined || name === undefined) throw new Error('usage: writer.ts PATH NAME FIRST WRITES');
  const log = openSqliteLog({ path, clock: systemClock, telemetry: silentTelemetry() });
  const end = Number(first) + Number(writes);
  let next = Number(first);
  const work = async (): Promise<void> => {
    while (next < end) {
      const write = next++;
      const records = recordsOf(name, write);
      await log.transact({ records, counters: [{ name, add: records.length }] });
      fs.writeSync(1, `${write}\n`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS_AT_ONCE }, work));
  await log.close();
}

if (import.meta.main) await main(process.argv.slice(2));
