import { z } from 'zod';
import type { Alert } from '../../../../schemas/alert.ts';
import type { AlertHabit, HabitVolume } from '../../../../schemas/api/explanation.ts';
import { UNITS } from '../../../../schemas/limits.ts';

import type { ClickHouse, Params } from '../connection.ts';
import { historyOf, type Point, pointOf, readAlertedSteps, readHistoryParams } from './alert-history.ts';
import { ask } from './ask.ts';

/** Entries of each list: what is usual is seen in a few. */
const SHOWN = 5;
const HISTORY = historyOf('identity = {identity:String}');

/** What would have been normal at the point of an alert's strongest event; undefined where that event is not stored. */
export async function readAlertHabit(db: ClickHouse, alert: Alert): Promise<AlertHabit | undefined> {
  const at = pointOf(alert);
  if (at === undefined) return undefined;
  const steps = await readAlertedSteps(db, alert, at);
  const index = steps.findIndex(({ key_hex }) => key_hex === at.key);
  const step = steps[index];
  if (step === undefined) return undefined;
  const previous = steps[index - 1]?.tool ?? '';
  const params = { ...(await readHistoryParams(db, alert)), tool: step.tool, previous };
  return {
    history: await readTotals(db, params),
    tool: step.tool,
    ...(previous === '' ? {} : { previous }),
    following: await readFollowing(db, params),
    resources: await readResources(db, params),
    volumes: await readVolumes(db, params, at),
  };
}

const TotalsRow = z.object({ from: z.int(), to: z.int(), events: z.int(), sessions: z.int(), same_tool: z.int() });

async function readTotals(db: ClickHouse, params: Params): Promise<AlertHabit['history']> {
  const sql = `
    SELECT toUnixTimestamp64Milli(min(time)) AS from, toUnixTimestamp64Milli(max(time)) AS to, count() AS events,
      uniqExactIf(session, session != '') AS sessions, countIf(tool = {tool:String}) AS same_tool
    FROM ${HISTORY}`;
  const [row] = await ask(db, sql, params);
  return TotalsRow.parse(row);
}

const FollowingRow = z.object({ name: z.string(), count: z.int(), places: z.int(), same: z.int() });

/** What comes after the same tool, or at the beginning of a session. */
async function readFollowing(db: ClickHouse, params: Params): Promise<AlertHabit['following']> {
  const sql = `
    SELECT tool AS name, count() AS count, sum(count()) OVER () AS places,
      sum(countIf(tool = {tool:String})) OVER () AS same
    FROM (
      SELECT tool, lagInFrame(tool) OVER
        (PARTITION BY identity, session ORDER BY time, key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
      FROM ${HISTORY}
    )
    WHERE before = {previous:String} GROUP BY name ORDER BY count DESC, name LIMIT ${SHOWN}`;
  const rows = (await ask(db, sql, params)).map((row) => FollowingRow.parse(row));
  return {
    places: rows[0]?.places ?? 0,
    same: rows[0]?.same ?? 0,
    tools: rows.map(({ name, count }) => ({ name, count })),
  };
}

const ResourceRow = z.object({ store: z.string(), id: z.string(), count: z.int(), distinct: z.int() });

async function readResources(db: ClickHouse, params: Params): Promise<AlertHabit['resources']> {
  const sql = `
    SELECT toString(touched.2) AS store, touched.1 AS id, count() AS count, count() OVER () AS distinct
    FROM (SELECT arrayJoin(arrayZip(ids, stores)) AS touched FROM ${HISTORY} WHERE tool = {tool:String})
    GROUP BY store, id ORDER BY count DESC, store, id LIMIT ${SHOWN}`;
  const rows = (await ask(db, sql, params)).map((row) => ResourceRow.parse(row));
  return {
    distinct: rows[0]?.distinct ?? 0,
    most_used: rows.map(({ store, id, count }) => ({ ...(store === '' ? {} : { store }), id, count })),
  };
}

const MEASURES = ['bytes_out', 'records', 'calls'] as const;
const usual = z.array(z.number()).length(2);
const VolumeRow = z.object({
  span: z.enum(['hour', 'day', 'session']),
  known: z.int(),
  bytes_out: usual,
  records: usual,
  calls: usual,
  most_bytes_out: z.number(),
  most_records: z.number(),
});
const ObservedRow = z.object({
  span: z.enum(['hour', 'day', 'session']),
  bytes_out: z.number().nullable(),
  records: z.number().nullable(),
  calls: z.int(),
});

/** Hours, days and sessions in which the identity acted, and the ones in which the point lies. */
async function readVolumes(db: ClickHouse, params: Params, at: Point): Promise<HabitVolume[]> {
  const quantiles = (of: string): string => `arrayMap(x -> toFloat64(x), quantilesExact(0.5, 0.95)(${of})) AS ${of}`;
  const sql = `
    SELECT span, count() AS known, ${MEASURES.map(quantiles).join(', ')},
      toFloat64(max(total_bytes)) AS most_bytes_out, toFloat64(max(total_records)) AS most_records
    FROM (
      SELECT part.1 AS span, ifNull(sum(history.bytes_out), 0) AS bytes_out, ifNull(sum(history.records), 0) AS records,
        count() AS calls, bytes_out AS total_bytes, records AS total_records
      FROM (SELECT *, arrayJoin(${PARTS}) AS part FROM ${HISTORY}) AS history
      WHERE part.2 != '' GROUP BY part
    )
    GROUP BY span ORDER BY indexOf(['hour', 'day', 'session'], span)`;
  const rows = (await ask(db, sql, params)).map((row) => VolumeRow.parse(row));
  const observed = await readObserved(db, params, at);
  return rows.flatMap((row) => MEASURES.flatMap((measure) => volumeOf(row, observed.get(row.span), measure)));
}

const PARTS =
  "[('hour', toString(toStartOfHour(time, 'UTC'))), ('day', toString(toDate(time, 'UTC'))), ('session', session)]";

/** A measure that was never known in the history is not usual at any height. */
function volumeOf(
  row: z.output<typeof VolumeRow>,
  seen: z.output<typeof ObservedRow> | undefined,
  measure: (typeof MEASURES)[number],
): HabitVolume[] {
  const most = measure === 'calls' ? 1 : row[`most_${measure}`];
  const observed = seen?.[measure];
  if (observed === undefined || observed === null || (most === 0 && observed === 0)) return [];
  const [median = 0, high = 0] = row[measure];
  return [{ span: row.span, measure, observed, median, high, known: row.known }];
}

async function readObserved(
  db: ClickHouse,
  params: Params,
  at: Point,
): Promise<Map<string, z.output<typeof ObservedRow>>> {
  const sql = `
    SELECT part.1 AS span, sum(around.bytes_out) AS bytes_out, sum(around.records) AS records, count() AS calls
    FROM (
      SELECT bytes_out, toFloat64(records) AS records, arrayJoin(${PARTS}) AS part FROM events FINAL
      WHERE tenant = {tenant:String} AND identity = {identity:String}
        AND time >= fromUnixTimestamp64Milli({around_from:Int64}, 'UTC')
        AND time < fromUnixTimestamp64Milli({around_to:Int64}, 'UTC')
      ORDER BY time, key LIMIT {rows:UInt32}
    ) AS around
    WHERE part.2 != '' AND part.2 IN (
      SELECT arrayJoin([toString(toStartOfHour(point, 'UTC')), toString(toDate(point, 'UTC')), {session:String}])
      FROM (SELECT fromUnixTimestamp64Milli({at:Int64}, 'UTC') AS point)
    )
    GROUP BY part ORDER BY span`;
  const rows = await ask(db, sql, {
    ...params,
    session: at.session,
    at: at.time,
    around_from: at.time - UNITS.DAY_MS,
    around_to: at.time + UNITS.DAY_MS,
  });
  return new Map(rows.map((row) => ObservedRow.parse(row)).map((row) => [row.span, row]));
}
