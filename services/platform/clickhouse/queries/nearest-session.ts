import { z } from 'zod';
import type { Alert } from '../../../../schemas/alert.ts';
import type { NearestSession, SessionStep } from '../../../../schemas/api/explanation.ts';
import { LIMITS } from '../../../../schemas/limits.ts';

import type { ClickHouse, Params } from '../connection.ts';
import { countSteps, historyOf, pointOf, readAlertedSteps, readHistoryParams, readSteps } from './alert-history.ts';
import { ask } from './ask.ts';

/**
 * The past session that is most like the alerted one. Steps are calls, of one kind when tool and store are the same;
 * likeness is the weighted Jaccard index of the counts of the two sessions, the sum of the lesser counts over the sum of the
 * greater ones (Ruzicka 1958): 1 is the same work as often, 0 nothing in common.
 */
export async function readNearestSession(db: ClickHouse, alert: Alert): Promise<NearestSession | undefined> {
  const at = pointOf(alert);
  if (at === undefined || at.session === '') return undefined;
  const alerted = countSteps(await readAlertedSteps(db, alert, at));
  if (alerted.length === 0) return undefined;
  const params = { ...(await readHistoryParams(db, alert)), ...stepParams(alerted) };
  const own = await readBest(db, historyOf('identity = {identity:String}'), params);
  if (own !== undefined) return compared(db, alert, alerted, { ...own, whose: 'identity' });
  const members = await readMembers(db, alert);
  if (members.length === 0) return undefined;
  const peer = await readBest(db, historyOf('identity IN {members:Array(String)}'), { ...params, members });
  return peer === undefined ? undefined : compared(db, alert, alerted, { ...peer, whose: 'peer_group' });
}

function stepParams(steps: readonly SessionStep[]): Params {
  return {
    tools: steps.map(({ tool }) => tool),
    stores: steps.map(({ store }) => store ?? ''),
    counts: steps.map(({ count }) => count),
    total: totalOf(steps),
  };
}

const totalOf = (steps: readonly SessionStep[]): number => steps.reduce((sum, { count }) => sum + count, 0);

const BestRow = z.object({
  identity: z.string(),
  session: z.string(),
  first_time: z.int(),
  last_time: z.int(),
  steps: z.int(),
  same: z.int(),
});

/** Of equally like sessions the newest. Nothing in common is no likeness. */
async function readBest(
  db: ClickHouse,
  history: string,
  params: Params,
): Promise<z.output<typeof BestRow> | undefined> {
  const sql = `
    SELECT identity, session, toUnixTimestamp64Milli(min(first)) AS first_time,
      toUnixTimestamp64Milli(max(last)) AS last_time, sum(n) AS steps, sum(least(n, alerted)) AS same
    FROM (
      SELECT identity, session, min(time) AS first, max(time) AS last, count() AS n,
        {counts:Array(UInt64)}[indexOf(arrayZip({tools:Array(String)}, {stores:Array(String)}), (tool, store))] AS alerted
      FROM ${history} WHERE session != '' GROUP BY identity, session, tool, store
    )
    GROUP BY identity, session HAVING same > 0
    ORDER BY same / (steps + {total:UInt64} - same) DESC, last_time DESC, identity, session LIMIT 1`;
  const [row] = await ask(db, sql, params);
  return row === undefined ? undefined : BestRow.parse(row);
}

/** Some others that declare the same peer group. */
async function readMembers(db: ClickHouse, { tenant, identity }: Alert): Promise<string[]> {
  if (identity.peer_group === undefined) return [];
  const sql = `
    SELECT DISTINCT identity FROM events
    WHERE tenant = {tenant:String} AND peer_group = {group:String} AND identity != {identity:String}
    ORDER BY identity LIMIT {most:UInt32}`;
  const params = { tenant, identity: identity.id, group: identity.peer_group, most: LIMITS.alert_peers_compared_max };
  return (await ask(db, sql, params)).map((row) => z.object({ identity: z.string() }).parse(row).identity);
}

/** Kinds of steps shown on either side of a comparison. */
const DIFFERENCES_SHOWN = 5;

async function compared(
  db: ClickHouse,
  alert: Alert,
  alerted: readonly SessionStep[],
  best: z.output<typeof BestRow> & Pick<NearestSession, 'whose'>,
): Promise<NearestSession> {
  const { whose, identity, session, first_time, last_time, steps, same } = best;
  const past = countSteps(await readSteps(db, { tenant: alert.tenant, identity, session, to: last_time }));
  const alerted_steps = totalOf(alerted);
  return {
    whose,
    identity,
    session,
    first_time,
    last_time,
    steps,
    alerted_steps,
    same,
    similarity: same / (steps + alerted_steps - same),
    only_alerted: moreOften(alerted, past, alert.strongest?.tool),
    only_past: moreOften(past, alerted),
  };
}

/** Steps that one session has more often than another: with the tool in question first, then those it has alone. */
function moreOften(one: readonly SessionStep[], other: readonly SessionStep[], tool?: string): SessionStep[] {
  const isAsked = (step: SessionStep): number => Number(step.tool === tool);
  return one
    .map((step) => {
      const beside = other.find(({ tool, store }) => tool === step.tool && store === step.store)?.count ?? 0;
      return { ...step, count: step.count - beside, alone: beside === 0 };
    })
    .filter(({ count }) => count > 0)
    .sort(
      (a, b) =>
        isAsked(b) - isAsked(a) || Number(b.alone) - Number(a.alone) || b.count - a.count || (a.tool < b.tool ? -1 : 1),
    )
    .slice(0, DIFFERENCES_SHOWN)
    .map(({ alone: _, ...step }) => step);
}
