import { z } from 'zod';
import { type ClickHouse, jsonRows } from './connection.ts';

const TABLES = ['events', 'findings', 'alerts', 'dead_letters'] as const;
/** Kept for as long as another: aliases name events. */
const AS_OTHER = { identity_aliases: 'events' } as const;
const ALL_TABLES = [...TABLES, 'identity_aliases'] as const;
/** Whole days, at least 1. */
export type RetentionDays = Partial<Record<(typeof TABLES)[number], number>>;

const TTL = /TTL stored \+ toIntervalDay\((\d+)\)/;
const EngineRow = z.object({ name: z.string(), engine_full: z.string() });

/** Sets, changes or removes the tables' TTL so that it is what the options say; a no-op where it already is. */
export async function applyRetention(db: ClickHouse, days: RetentionDays): Promise<void> {
  const answer = await db.read(
    'SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND name IN {names:Array(String)} ' +
      'FORMAT JSONEachRow',
    { names: ALL_TABLES },
  );
  const engines = new Map(
    jsonRows(answer)
      .map((row) => EngineRow.parse(row))
      .map((row) => [row.name, row.engine_full]),
  );
  for (const table of ALL_TABLES) {
    const wanted = days[table === 'identity_aliases' ? AS_OTHER[table] : table];
    if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1)) {
      throw new RangeError(`retention of ${table} is ${wanted} days: give a whole number of at least 1, or none`);
    }
    const present = TTL.exec(engines.get(table) ?? '')?.[1];
    if (wanted === undefined && present !== undefined) await db.command(`ALTER TABLE ${table} REMOVE TTL`);
    if (wanted !== undefined && present !== String(wanted)) {
      await db.command(`ALTER TABLE ${table} MODIFY TTL stored + toIntervalDay(${wanted})`);
    }
  }
}
