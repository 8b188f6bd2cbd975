import { z } from 'zod';
import type { Alert } from '../../../../schemas/alert.ts';
import type { SessionStep } from '../../../../schemas/api/explanation.ts';
import { LIMITS, UNITS } from '../../../../schemas/limits.ts';

import type { ClickHouse, Params } from '../connection.ts';
import { ask } from './ask.ts';

/**
 * What an alert is compared with: events of one identity that were over when the alert began, so that it could have learned
 * from them, and without the sessions of its alerts, as nothing is learned from those either. Bounded in time and in rows,
 * and read along the primary key.
 */
export const HISTORY_MS = 30 * UNITS.DAY_MS;

/** What a call is called: its tool, else its action, else its kind of operation. */
export const TOOL =
  "multiIf(tool_name != '', toString(tool_name), action_name != '', toString(action_name), toString(operation))";
/** The store of a call: that of its first resource. */
const STORE = "if(empty(`resources.store`), '', toString(`resources.store`[1]))";

const HISTORY_COLUMNS = `
  identity, session, time, key, ${TOOL} AS tool, ${STORE} AS store,
  \`resources.id\` AS ids, \`resources.store\` AS stores, bytes_out, records`;

/** The newest events of the history, as a table expression over `historyParams`. */
export function historyOf(whose: 'identity = {identity:String}' | 'identity IN {members:Array(String)}'): string {
  return `(
    SELECT ${HISTORY_COLUMNS} FROM events FINAL
    WHERE tenant = {tenant:String} AND ${whose}
      AND time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
      AND (session = '' OR NOT has({sessions:Array(String)}, session))
    ORDER BY time DESC, key LIMIT {rows:UInt32}
  )`;
}

export async function readHistoryParams(db: ClickHouse, alert: Alert): Promise<Params> {
  return {
    tenant: alert.tenant,
    identity: alert.identity.id,
    sessions: [...new Set([...alert.sessions, ...(await readAlertedSessions(db, alert))])],
    from: alert.first_time - HISTORY_MS,
    to: alert.first_time - LIMITS.session_idle_ms,
    rows: LIMITS.alert_history_events_max,
  };
}

/** Sessions of all alerts on the identity but those that were judged harmless. */
async function readAlertedSessions(db: ClickHouse, { tenant, identity }: Alert): Promise<string[]> {
  const sql = `
    SELECT DISTINCT arrayJoin(JSONExtract(body, 'sessions', 'Array(String)')) AS session FROM (
      SELECT body FROM alerts WHERE tenant = {tenant:String} AND identity = {identity:String}
      ORDER BY revision DESC, log_offset DESC LIMIT 1 BY uid
    )
    WHERE JSONExtractString(body, 'closed_reason') NOT IN ('false_positive', 'expected_change')
    ORDER BY session LIMIT {most:UInt32}`;
  const rows = await ask(db, sql, { tenant, identity: identity.id, most: LIMITS.alert_sessions_left_out_max });
  return rows.map((row) => z.object({ session: z.string() }).parse(row).session);
}

/** Where an alert's strongest event stands. */
export type Point = { readonly key: string; readonly time: number; readonly session: string };

/** Of an alert of before strongest events were kept, the event of its strongest finding. */
export function pointOf(alert: Alert): Point | undefined {
  const finding = alert.findings[0];
  const at = alert.strongest ?? finding?.evidence[0];
  if (at === undefined) return undefined;
  return { key: at.key, time: at.time, session: alert.strongest?.session ?? finding?.session ?? '' };
}

const StepRow = z.object({ key_hex: z.string(), tool: z.string(), store: z.string(), resource: z.string() });
export type Step = z.output<typeof StepRow>;

/** Calls of one session within a day up to a moment, in order. */
export async function readSteps(
  db: ClickHouse,
  of: { readonly tenant: string; readonly identity: string; readonly session: string; readonly to: number },
): Promise<Step[]> {
  const sql = `
    SELECT lower(hex(key)) AS key_hex, ${TOOL} AS tool, ${STORE} AS store,
      if(empty(\`resources.id\`), '', \`resources.id\`[1]) AS resource
    FROM events FINAL
    WHERE tenant = {tenant:String} AND identity = {identity:String} AND session = {session:String}
      AND time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    ORDER BY time, key LIMIT {rows:UInt32}`;
  const rows = await ask(db, sql, { ...of, from: of.to - UNITS.DAY_MS, rows: LIMITS.alert_session_steps_max });
  return rows.map((row) => StepRow.parse(row));
}

/** The steps of the session at a point of an alert, up to the alert's end. */
export function readAlertedSteps(db: ClickHouse, alert: Alert, at: Point): Promise<Step[]> {
  const { tenant, identity, last_time } = alert;
  return readSteps(db, { tenant, identity: identity.id, session: at.session, to: Math.max(at.time, last_time) });
}

/** Calls of one kind are steps of one kind: the same tool on the same store. */
export function countSteps(steps: readonly Step[]): SessionStep[] {
  const kinds = new Map<string, SessionStep & { count: number }>();
  for (const { tool, store, resource } of steps) {
    const kind = JSON.stringify([tool, store]);
    const known = kinds.get(kind);
    if (known !== undefined) known.count += 1;
    else if (kinds.size < LIMITS.alert_step_kinds_max) {
      kinds.set(kind, {
        tool,
        ...(store === '' ? {} : { store }),
        ...(resource === '' ? {} : { resource }),
        count: 1,
      });
    }
  }
  return [...kinds.values()];
}
