import { z } from 'zod';
import type { BlastRadius } from '../../../../schemas/api/preview.ts';
import { LIMITS } from '../../../../schemas/limits.ts';
import type { BlastRequest, ReadStore } from '../../store.ts';
import type { ClickHouse, Params } from '../connection.ts';
import { ask } from './ask.ts';

type BlastReads = Pick<ReadStore, 'readBlastRadius'>;

export function blastReads(db: ClickHouse): BlastReads {
  return { readBlastRadius: (request) => readBlastRadius(db, request) };
}

/** Of one tenant within a span of time; of the identity along the primary key. */
const SPAN = `time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')`;
const OWN = `FROM events FINAL WHERE tenant = {tenant:String} AND identity = {identity:String} AND ${SPAN}`;
const OTHERS = `
  FROM events FINAL WHERE tenant = {tenant:String} AND identity != {identity:String}
    AND time >= fromUnixTimestamp64Milli({others_from:Int64}, 'UTC')
    AND time <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')`;
const LAST = 'toUnixTimestamp64Milli(max(time)) AS last_time';

async function readBlastRadius(db: ClickHouse, request: BlastRequest): Promise<BlastRadius | undefined> {
  const span = await readSpan(db, request);
  if (span === undefined) return undefined;
  const { from, others_from, to } = span;
  const { tenant, identity } = request;
  const params: Params = { tenant, identity, from, others_from, to, most: LIMITS.preview_items_max };
  const used = async (of: string): Promise<z.output<typeof Used>[]> => {
    const sql = `
      SELECT name, count() AS events, ${LAST} FROM (SELECT ${of} AS name, time ${OWN}) WHERE name != ''
      GROUP BY name ORDER BY events DESC, name LIMIT {most:UInt32}`;
    return (await ask(db, sql, params)).map((row) => Used.parse(row));
  };
  const target = await readTarget(db, request, params);
  const credentials = await used('credential_id');
  return {
    from,
    others_from,
    to,
    identity: await readOwn(db, params),
    ...(target !== undefined && { target }),
    ...(await readSessions(db, params, request.open_since)),
    credentials,
    tools: await used('tool_name'),
    acts_for: await used('on_behalf_of'),
    shares_credential: await readSharing(db, params, credentialsOf(request, credentials)),
    delegates_to: await readDelegates(db, params),
    delegated_by: await readDelegators(db, params),
    days: await readDays(db, params),
  };
}

const Last = z.object({ last_time: z.int(), events: z.int() });
const Used = z.object({ name: z.string(), events: z.int(), last_time: z.int() });

type Span = Pick<BlastRadius, 'from' | 'others_from' | 'to'>;

/** Up to the newest event, so that a recording tells as much as what happens now. */
async function readSpan(db: ClickHouse, { tenant, identity }: BlastRequest): Promise<Span | undefined> {
  const sql = `
    SELECT count() AS events, ${LAST} FROM events WHERE tenant = {tenant:String} AND identity = {identity:String}`;
  const { events, last_time } = Last.parse((await ask(db, sql, { tenant, identity }))[0]);
  if (events === 0) return undefined;
  return {
    from: last_time - LIMITS.preview_identity_ms,
    others_from: last_time - LIMITS.preview_others_ms,
    to: last_time,
  };
}

const Own = z.object({
  events: z.int(),
  sessions: z.int(),
  tools: z.int(),
  credentials: z.int(),
  first_time: z.int(),
  last_time: z.int(),
});

async function readOwn(db: ClickHouse, params: Params): Promise<z.output<typeof Own>> {
  const sql = `
    SELECT count() AS events, uniqExactIf(session, session != '') AS sessions, uniqExactIf(tool_name, tool_name != '') AS tools,
      uniqExactIf(credential_id, credential_id != '') AS credentials, toUnixTimestamp64Milli(min(time)) AS first_time, ${LAST}
    ${OWN}`;
  return Own.parse((await ask(db, sql, params))[0]);
}

type Field = NonNullable<BlastRequest['target']>['field'];

/** What tells that an event would have been stopped. A closed set: it stands in the text of a statement. */
const CONDITIONS: Readonly<Record<Field, string>> = {
  tool: 'tool_name = {value:String}',
  classification: 'has(`resources.classification`, {value:String})',
  session: 'session = {value:String}',
  credential: 'credential_id = {value:String}',
  identity: '1',
};

const Touched = z.object({ events: z.int(), sessions: z.int(), last_time: z.int() });

async function readTarget(
  db: ClickHouse,
  { target }: BlastRequest,
  params: Params,
): Promise<BlastRadius['target'] | undefined> {
  if (target === undefined) return undefined;
  const sql = `
    SELECT count() AS events, uniqExactIf(session, session != '') AS sessions, ${LAST}
    ${OWN} AND ${CONDITIONS[target.field]}`;
  const touched = Touched.parse((await ask(db, sql, { ...params, value: target.value }))[0]);
  const { events, sessions, last_time } = touched;
  return { events, sessions, ...(events > 0 && { last_time }) };
}

const SessionRow = z.object({ session: z.string(), events: z.int(), first_time: z.int(), last_time: z.int() });

async function readSessions(
  db: ClickHouse,
  params: Params,
  open_since: number,
): Promise<Pick<BlastRadius, 'sessions' | 'sessions_open'>> {
  const grouped = `
    SELECT session, count() AS events, toUnixTimestamp64Milli(min(time)) AS first_time, ${LAST}
    ${OWN} AND session != '' GROUP BY session`;
  const newest = `SELECT * FROM (${grouped}) ORDER BY last_time DESC, session LIMIT {most:UInt32}`;
  const open = `SELECT count() AS count FROM (${grouped}) WHERE last_time >= {open_since:Int64}`;
  const rows = (await ask(db, newest, params)).map((row) => SessionRow.parse(row));
  const { count } = z.object({ count: z.int() }).parse((await ask(db, open, { ...params, open_since }))[0]);
  return { sessions: rows.map((row) => ({ ...row, open: row.last_time >= open_since })), sessions_open: count };
}

/** Of a revocation only the credential in question, else all that the identity uses. */
function credentialsOf({ target }: BlastRequest, used: readonly z.output<typeof Used>[]): string[] {
  return target?.field === 'credential' ? [target.value] : used.map(({ name }) => name);
}

const Sharing = z.object({ identity: z.string(), credential: z.string(), events: z.int(), last_time: z.int() });

async function readSharing(
  db: ClickHouse,
  params: Params,
  credentials: readonly string[],
): Promise<BlastRadius['shares_credential']> {
  if (credentials.length === 0) return [];
  const sql = `
    SELECT identity, credential_id AS credential, count() AS events, ${LAST}
    ${OTHERS} AND credential_id IN ({credentials:Array(String)})
    GROUP BY identity, credential ORDER BY last_time DESC, identity, credential LIMIT {most:UInt32}`;
  return (await ask(db, sql, { ...params, credentials })).map((row) => Sharing.parse(row));
}

const Other = z.object({ identity: z.string(), events: z.int(), last_time: z.int() });

async function readDelegates(db: ClickHouse, params: Params): Promise<z.output<typeof Other>[]> {
  const sql = `
    SELECT identity, count() AS events, ${LAST}
    FROM (SELECT arrayJoin(arrayDistinct(\`resources.id\`)) AS delegate, time ${OWN} AND operation = 'delegate')
    WHERE delegate != {identity:String}
    GROUP BY delegate AS identity ORDER BY last_time DESC, identity LIMIT {most:UInt32}`;
  return (await ask(db, sql, params)).map((row) => Other.parse(row));
}

async function readDelegators(db: ClickHouse, params: Params): Promise<z.output<typeof Other>[]> {
  const sql = `
    SELECT identity, count() AS events, ${LAST}
    ${OTHERS} AND operation = 'delegate' AND has(\`resources.id\`, {identity:String})
    GROUP BY identity ORDER BY last_time DESC, identity LIMIT {most:UInt32}`;
  return (await ask(db, sql, params)).map((row) => Other.parse(row));
}

const Day = z.object({ day: z.string(), events: z.int() });

async function readDays(db: ClickHouse, params: Params): Promise<BlastRadius['days']> {
  const sql = `
    SELECT formatDateTime(time, '%Y-%m-%d', 'UTC') AS day, count() AS events ${OWN} GROUP BY day ORDER BY day`;
  return (await ask(db, sql, params)).map((row) => Day.parse(row));
}
