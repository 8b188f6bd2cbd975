import { z } from 'zod';
import { UNRESOLVED } from '../../../../schemas/span.ts';
import type { Counted, OriginRow, Page, ReadStore } from '../../store.ts';
import type { ClickHouse } from '../connection.ts';
import { ask } from './ask.ts';

type OriginReads = Pick<ReadStore, 'readOrigins'>;

const Events = z.object({
  origin: z.string(),
  events: z.int(),
  identities: z.int(),
  unresolved_identities: z.int(),
  last_event: z.int(),
  last_stored: z.int(),
  missing_identity: z.int(),
  missing_agent: z.int(),
  missing_volume: z.int(),
  missing_resource: z.int(),
  missing_session: z.int(),
  missing_credential: z.int(),
  missing_peer_group: z.int(),
});

const Rejected = z.object({ origin: z.string(), reason: z.string(), count: z.int(), last_time: z.int() });

/** Pairs of origin and reason that are looked at: there are about twenty reasons. */
const REJECTED_MAX = 2_000;

export function originReads(db: ClickHouse): OriginReads {
  return {
    async readOrigins(since, limit) {
      const params = { since: Math.floor(since / 1000), limit: limit + 1, rejected_max: REJECTED_MAX };
      const unresolved = `startsWith(identity, '${UNRESOLVED}')`;
      const events = `
        SELECT origin, count() AS events, uniq(tenant, identity) AS identities,
          uniqIf((tenant, identity), ${unresolved}) AS unresolved_identities,
          toUnixTimestamp64Milli(max(time)) AS last_event, toUnixTimestamp(max(stored)) * 1000 AS last_stored,
          countIf(${unresolved}) AS missing_identity, countIf(identity_kind != 'agent') AS missing_agent,
          countIf(isNull(bytes_in) AND isNull(bytes_out)) AS missing_volume,
          countIf(empty(\`resources.id\`)) AS missing_resource, countIf(session = '') AS missing_session,
          countIf(credential_id = '') AS missing_credential, countIf(peer_group = '') AS missing_peer_group
        FROM events FINAL WHERE stored >= toDateTime({since:Int64})
        GROUP BY origin ORDER BY events DESC, origin LIMIT {limit:UInt32}`;
      const rejected = `
        SELECT origin, reason, count() AS count, toUnixTimestamp64Milli(max(time)) AS last_time
        FROM dead_letters FINAL WHERE stored >= toDateTime({since:Int64})
        GROUP BY origin, reason ORDER BY count DESC, origin, reason LIMIT {rejected_max:UInt32}`;
      const [rows, letters] = await Promise.all([ask(db, events, params), ask(db, rejected, params)]);
      return joined(
        rows.map((row) => Events.parse(row)),
        letters.map((row) => Rejected.parse(row)),
        limit,
      );
    },
  };
}

function joined(
  events: readonly z.infer<typeof Events>[],
  letters: readonly z.infer<typeof Rejected>[],
  limit: number,
): Page<OriginRow, string> {
  const rejected = Map.groupBy(letters, ({ origin }) => origin);
  const seen = new Set(events.map(({ origin }) => origin));
  const rows = events.map((row): OriginRow => ({ ...eventsOf(row), ...rejectedOf(rejected.get(row.origin) ?? []) }));
  for (const [origin, of] of rejected) {
    if (!seen.has(origin)) rows.push({ ...NO_EVENTS, origin, ...rejectedOf(of) });
  }
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? items.at(-1)?.origin : undefined };
}

const NO_EVENTS = {
  events: 0,
  identities: 0,
  unresolved_identities: 0,
  last_event: undefined,
  last_stored: undefined,
  missing: { identity: 0, agent: 0, volume: 0, resource: 0, session: 0, credential: 0, peer_group: 0 },
} as const;

function eventsOf(row: z.infer<typeof Events>): Omit<OriginRow, 'dead_letters' | 'last_dead_letter'> {
  return {
    origin: row.origin,
    events: row.events,
    identities: row.identities,
    unresolved_identities: row.unresolved_identities,
    last_event: row.last_event,
    last_stored: row.last_stored,
    missing: {
      identity: row.missing_identity,
      agent: row.missing_agent,
      volume: row.missing_volume,
      resource: row.missing_resource,
      session: row.missing_session,
      credential: row.missing_credential,
      peer_group: row.missing_peer_group,
    },
  };
}

function rejectedOf(
  letters: readonly z.infer<typeof Rejected>[],
): Pick<OriginRow, 'dead_letters' | 'last_dead_letter'> {
  const dead_letters: Counted[] = letters.map(({ reason, count }) => ({ name: reason, count }));
  const last = letters.reduce<number | undefined>(
    (newest, { last_time }) => Math.max(newest ?? last_time, last_time),
    undefined,
  );
  return { dead_letters, last_dead_letter: last };
}
