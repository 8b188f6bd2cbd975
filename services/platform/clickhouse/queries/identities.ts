import { z } from 'zod';
import { EVENT_FLAGS } from '../../../../schemas/event.ts';
import type { AliasRow, ScoredEvent } from '../../../../schemas/outputs.ts';
import type { Counted, EventCursor, EventFilter, IdentityRow, IdentitySummary, Page, ReadStore } from '../../store.ts';
import type { ClickHouse, Params } from '../connection.ts';
import { ask } from './ask.ts';
import { EVENT_COLUMNS, readEventRow } from './event-rows.ts';

type IdentityReads = Pick<ReadStore, 'listEvents' | 'listIdentities' | 'readIdentity' | 'readAliases'>;

/** Entries of each list in a summary, and days in its history. */
const FACETS_MAX = 50;
const DAYS_MAX = 90;

export function identityReads(db: ClickHouse): IdentityReads {
  return {
    listEvents: (filter, page) => listEvents(db, filter, page),
    listIdentities: (tenant, page) => listIdentities(db, tenant, page),
    readIdentity: (tenant, identity) => readIdentity(db, tenant, identity),
    readAliases: (tenant, identity, limit) => readAliases(db, { tenant, identity, limit }),
  };
}

async function listEvents(
  db: ClickHouse,
  filter: EventFilter,
  page: { readonly limit: number; readonly after?: EventCursor },
): Promise<Page<ScoredEvent, EventCursor>> {
  const conditions = ['tenant = {tenant:String}', 'identity = {identity:String}'];
  const params: Record<string, string | number> = {
    tenant: filter.tenant,
    identity: filter.identity,
    limit: page.limit + 1,
  };
  const add = (condition: string, bound: Record<string, string | number>): void => {
    conditions.push(condition);
    Object.assign(params, bound);
  };
  if (filter.session !== undefined) add('session = {session:String}', { session: filter.session });
  if (filter.from !== undefined) add("time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')", { from: filter.from });
  if (filter.to !== undefined) add("time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')", { to: filter.to });
  if (page.after !== undefined) {
    add(
      "(time, key) < (fromUnixTimestamp64Milli({after_time:Int64}, 'UTC'), toFixedString(unhex({after_key:String}), 16))",
      { after_time: page.after.time, after_key: page.after.key },
    );
  }
  const sql = `
    SELECT ${EVENT_COLUMNS} FROM events FINAL WHERE ${conditions.join(' AND ')}
    ORDER BY time DESC, key DESC LIMIT {limit:UInt32}`;
  const rows = await ask(db, sql, params);
  const items = rows.slice(0, page.limit).map(readEventRow);
  const last = items.at(-1);
  const more = rows.length > page.limit && last !== undefined;
  return { items, next: more ? { time: last.event.time, key: last.event.key } : undefined };
}

/** Events that windows do not count for their time. */
const LATE_FLAGS = (1 << EVENT_FLAGS.indexOf('late')) | (1 << EVENT_FLAGS.indexOf('early'));

const IDENTITY_COLUMNS = `
  identity, argMax(identity_kind, time) AS kind, argMax(identity_owner, time) AS owner,
  argMax(peer_group, time) AS latest_group, argMax(identity_version, time) AS version, count() AS events,
  uniqExactIf(session, session != '') AS sessions, countIf(bitAnd(flags, ${LATE_FLAGS}) != 0) AS late,
  countIf(isNull(events.bytes_in) AND isNull(events.bytes_out) AND isNull(events.records)) AS unsized,
  toUnixTimestamp64Milli(min(time)) AS first_seen, toUnixTimestamp64Milli(max(time)) AS last_seen`;

const IdentityColumns = z.object({
  identity: z.string(),
  kind: z.string(),
  owner: z.string(),
  latest_group: z.string(),
  version: z.string(),
  events: z.int(),
  sessions: z.int(),
  late: z.int(),
  unsized: z.int(),
  first_seen: z.int(),
  last_seen: z.int(),
});

/** Names first, from the primary key alone, then the sums of just those: the cost is the page's, not the table's. */
async function listIdentities(
  db: ClickHouse,
  tenant: string,
  page: { readonly limit: number; readonly after?: string },
): Promise<Page<IdentityRow, string>> {
  const sql = `
    SELECT ${IDENTITY_COLUMNS} FROM events FINAL
    WHERE tenant = {tenant:String} AND identity IN (
      SELECT DISTINCT identity FROM events
      WHERE tenant = {tenant:String} ${page.after === undefined ? '' : 'AND identity > {after:String}'}
      ORDER BY identity LIMIT {limit:UInt32}
    )
    GROUP BY identity ORDER BY identity`;
  const params = { tenant, limit: page.limit + 1, ...(page.after === undefined ? {} : { after: page.after }) };
  const rows = await ask(db, sql, params);
  const items = rows.slice(0, page.limit).map(identityRow);
  return { items, next: rows.length > page.limit ? items.at(-1)?.identity : undefined };
}

function identityRow(row: unknown): IdentityRow {
  const { owner, latest_group, version, ...rest } = IdentityColumns.parse(row);
  const optional = (text: string): string | undefined => (text === '' ? undefined : text);
  return { ...rest, owner: optional(owner), peer_group: optional(latest_group), version: optional(version) };
}

const ONE_IDENTITY = 'FROM events FINAL WHERE tenant = {tenant:String} AND identity = {identity:String}';

async function readIdentity(db: ClickHouse, tenant: string, identity: string): Promise<IdentitySummary | undefined> {
  const params = { tenant, identity };
  const [row] = await ask(db, `SELECT ${IDENTITY_COLUMNS} ${ONE_IDENTITY} GROUP BY identity`, params);
  if (row === undefined) return undefined;
  return {
    ...identityRow(row),
    tools: await facet(db, params, 'tool_name'),
    stores: await facet(db, params, 'arrayJoin(arrayDistinct(`resources.store`))'),
    operations: await facet(db, params, 'operation'),
    days: await readDays(db, params),
  };
}

const CountedRow = z.object({ name: z.string(), count: z.int() });

async function facet(
  db: ClickHouse,
  params: Params,
  of: 'tool_name' | 'operation' | 'arrayJoin(arrayDistinct(`resources.store`))',
): Promise<Counted[]> {
  const sql = `
    SELECT name, count() AS count FROM (SELECT ${of} AS name ${ONE_IDENTITY}) WHERE name != ''
    GROUP BY name ORDER BY count DESC, name LIMIT ${FACETS_MAX}`;
  return (await ask(db, sql, params)).map((row) => CountedRow.parse(row));
}

const DayRow = z.object({
  day: z.string(),
  events: z.int(),
  bytes_in: z.number(),
  bytes_out: z.number(),
  unknown_out: z.int(),
});

async function readDays(db: ClickHouse, params: Params): Promise<IdentitySummary['days']> {
  const sql = `
    SELECT * FROM (
      SELECT formatDateTime(time, '%Y-%m-%d', 'UTC') AS day, count() AS events,
        ifNull(sum(events.bytes_in), 0) AS bytes_in, ifNull(sum(events.bytes_out), 0) AS bytes_out,
        countIf(isNull(events.bytes_out)) AS unknown_out
      ${ONE_IDENTITY} GROUP BY day ORDER BY day DESC LIMIT ${DAYS_MAX}
    )
    ORDER BY day`;
  return (await ask(db, sql, params)).map((row) => DayRow.parse(row));
}

const AliasColumns = z.object({
  tenant: z.string(),
  identity: z.string(),
  resolved: z.string(),
  trace_id: z.string(),
  partition: z.int(),
  offset: z.int(),
  log_time: z.int(),
  count: z.int(),
  events: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
});

async function readAliases(db: ClickHouse, params: Params): Promise<AliasRow[]> {
  const sql = `
    SELECT tenant, identity, resolved, trace_id, log_partition AS partition, log_offset AS offset,
      toUnixTimestamp64Milli(log_time) AS log_time, count, events
    FROM identity_aliases FINAL
    WHERE tenant = {tenant:String} AND (identity = {identity:String} OR resolved = {identity:String})
    ORDER BY identity_aliases.log_time DESC, trace_id, key LIMIT {limit:UInt32}`;
  return (await ask(db, sql, params)).map((row) => {
    const { partition, offset, log_time, ...alias } = AliasColumns.parse(row);
    return { alias, partition, offset, log_time };
  });
}
