import { z } from 'zod';
import { Alert } from '../../../../schemas/alert.ts';
import { Finding } from '../../../../schemas/finding.ts';
import { UNITS } from '../../../../schemas/limits.ts';
import type { FindingRow, ScoredEvent } from '../../../../schemas/outputs.ts';
import type { AlertCursor, AlertFilter, AlertPageRequest, Page, ReadStore } from '../../store.ts';
import type { ClickHouse, Params } from '../connection.ts';
import { readAlertHabit } from './alert-habit.ts';
import { ask } from './ask.ts';
import { EVENT_COLUMNS, readEventRow } from './event-rows.ts';
import { readNearestSession } from './nearest-session.ts';

type AlertReads = Pick<
  ReadStore,
  'listAlerts' | 'readAlert' | 'readAlertEvidence' | 'readAlertFindings' | 'readAlertHabit' | 'readNearestSession'
>;

export function alertReads(db: ClickHouse): AlertReads {
  return {
    listAlerts: (filter, page) => listAlerts(db, filter, page),
    readAlert: (tenant, uid, revision) => readAlert(db, tenant, uid, revision),
    async readAlertEvidence(alert, options) {
      return { evidence: await readEvidence(db, alert), context: await readContext(db, alert, options.context_max) };
    },
    readAlertFindings: (alert, limit) => readFindings(db, alert, limit),
    readAlertHabit: (alert) => readAlertHabit(db, alert),
    readNearestSession: (alert) => readNearestSession(db, alert),
  };
}

const Body = z.object({ body: z.string() });
const parseAlert = (row: unknown): Alert => Alert.parse(JSON.parse(Body.parse(row).body));

/** Filters on what changes (status, severity, updated) apply to the latest revision only, so they stand outside. */
async function listAlerts(
  db: ClickHouse,
  filter: AlertFilter,
  page: AlertPageRequest,
): Promise<Page<Alert, AlertCursor>> {
  const { order, compare } = page.order === 'newest_first' ? NEWEST_FIRST : OLDEST_FIRST;
  const sql = `
    SELECT body FROM alerts
    WHERE tenant = {tenant:String} AND (uid, revision) IN (
      SELECT uid, revision FROM (
        SELECT uid, revision, status, severity, toUnixTimestamp64Milli(updated) AS updated_ms FROM alerts
        WHERE tenant = {tenant:String} ${filter.identity === undefined ? '' : 'AND identity = {identity:String}'}
        ORDER BY revision DESC, log_offset DESC LIMIT 1 BY uid
      )
      WHERE ${alertConditions(filter, page, compare)}
      ORDER BY updated_ms ${order}, uid ${order} LIMIT {limit:UInt32}
    )
    ORDER BY updated ${order}, uid ${order}, log_offset DESC LIMIT 1 BY uid, revision
   `;
  const rows = await ask(db, sql, alertParams(filter, page));
  const items = rows.slice(0, page.limit).map(parseAlert);
  const last = items.at(-1);
  const more = rows.length > page.limit && last !== undefined;
  return { items, next: more ? { updated: last.updated, uid: last.uid } : undefined };
}

const NEWEST_FIRST = { order: 'DESC', compare: '<' } as const;
const OLDEST_FIRST = { order: 'ASC', compare: '>' } as const;

function alertConditions(filter: AlertFilter, page: AlertPageRequest, compare: '<' | '>'): string {
  const conditions = ['1'];
  if (filter.status !== undefined) conditions.push('status = {status:String}');
  if (filter.severities !== undefined) conditions.push('severity IN {severities:Array(String)}');
  if (filter.since !== undefined) conditions.push('updated_ms >= {since:Int64}');
  if (filter.until !== undefined) conditions.push('updated_ms <= {until:Int64}');
  if (page.after !== undefined) {
    conditions.push(`(updated_ms, uid) ${compare} ({after_updated:Int64}, {after_uid:String})`);
  }
  return conditions.join(' AND ');
}

function alertParams(filter: AlertFilter, page: AlertPageRequest): Params {
  return {
    tenant: filter.tenant,
    // One more than asked for tells whether there is a next page.
    limit: page.limit + 1,
    ...(filter.identity === undefined ? {} : { identity: filter.identity }),
    ...(filter.status === undefined ? {} : { status: filter.status }),
    ...(filter.severities === undefined ? {} : { severities: filter.severities }),
    ...(filter.since === undefined ? {} : { since: filter.since }),
    ...(filter.until === undefined ? {} : { until: filter.until }),
    ...(page.after === undefined ? {} : { after_updated: page.after.updated, after_uid: page.after.uid }),
  };
}

async function readAlert(
  db: ClickHouse,
  tenant: string,
  uid: string,
  revision: number | undefined,
): Promise<Alert | undefined> {
  const sql = `
    SELECT body FROM alerts
    WHERE tenant = {tenant:String} AND uid = {uid:String} ${revision === undefined ? '' : 'AND revision = {revision:UInt32}'}
    ORDER BY revision DESC, log_offset DESC LIMIT 1`;
  const params = { tenant, uid, ...(revision === undefined ? {} : { revision }) };
  const rows = await ask(db, sql, params);
  return rows.length === 0 ? undefined : parseAlert(rows[0]);
}

async function readEvidence(db: ClickHouse, alert: Alert): Promise<ScoredEvent[]> {
  if (alert.evidence.length === 0) return [];
  const sql = `
    SELECT ${EVENT_COLUMNS} FROM events FINAL
    WHERE tenant = {tenant:String} AND identity IN {identities:Array(String)}
      AND time IN (SELECT fromUnixTimestamp64Milli(arrayJoin({times:Array(Int64)}), 'UTC'))
      AND key IN (SELECT toFixedString(unhex(arrayJoin({keys:Array(String)})), 16))
    ORDER BY time, key`;
  const rows = await ask(db, sql, {
    tenant: alert.tenant,
    identities: identitiesOf(alert),
    times: alert.evidence.map((ref) => ref.time),
    keys: alert.evidence.map((ref) => ref.key),
  });
  return rows.map(readEventRow);
}

/** A story over several identities rests on events of each of them. */
function identitiesOf({ identity, identities = [] }: Alert): string[] {
  return [...new Set([identity.id, ...identities.map((member) => member.identity.id)])];
}

/** How far from the alert's own span an event of the same session still explains it. */
const CONTEXT_MS = 30 * UNITS.MINUTE_MS;

async function readContext(db: ClickHouse, alert: Alert, most: number): Promise<ScoredEvent[]> {
  if (most === 0) return [];
  const sql = `
    SELECT * FROM (
      SELECT ${EVENT_COLUMNS} FROM events FINAL
      WHERE tenant = {tenant:String} AND identity IN {identities:Array(String)}
        AND time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND (empty({sessions:Array(String)}) OR has({sessions:Array(String)}, session))
        AND NOT has({keys:Array(String)}, lower(hex(key)))
      ORDER BY abs(toUnixTimestamp64Milli(time) - {center:Int64}), key LIMIT {most:UInt32}
    )
    ORDER BY time_ms, key_hex`;
  const rows = await ask(db, sql, {
    tenant: alert.tenant,
    identities: identitiesOf(alert),
    from: alert.first_time - CONTEXT_MS,
    to: alert.last_time + CONTEXT_MS,
    center: alert.evidence[0]?.time ?? alert.first_time,
    sessions: alert.sessions,
    keys: alert.evidence.map((ref) => ref.key),
    most,
  });
  return rows.map(readEventRow);
}

const FindingColumns = z.object({
  tenant: z.string(),
  identity: z.string(),
  alert_uid: z.string(),
  log_partition: z.int(),
  log_offset: z.int(),
  body: z.string(),
});

async function readFindings(db: ClickHouse, alert: Alert, limit: number): Promise<FindingRow[]> {
  const sql = `
    SELECT tenant, identity, alert_uid, log_partition, log_offset, body FROM findings FINAL
    WHERE tenant = {tenant:String} AND identity = {identity:String} AND alert_uid = {uid:String}
    ORDER BY time, id LIMIT {limit:UInt32}`;
  const params = { tenant: alert.tenant, identity: alert.identity.id, uid: alert.uid, limit };
  return (await ask(db, sql, params)).map(readFindingRow);
}

function readFindingRow(row: unknown): FindingRow {
  const columns = FindingColumns.parse(row);
  return {
    finding: Finding.parse(JSON.parse(columns.body)),
    tenant: columns.tenant,
    identity: columns.identity,
    alert_uid: columns.alert_uid === '' ? undefined : columns.alert_uid,
    partition: columns.log_partition,
    offset: columns.log_offset,
  };
}
