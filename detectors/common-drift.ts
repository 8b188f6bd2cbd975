import { UNITS } from '../schemas/limits.ts';
import type { Context } from './context.ts';
import type { Lesson } from './detector.ts';
import { KIND, keyOf, TRUST_FULL } from './group.ts';
import { mix } from './math/hash.ts';
import { TRACE } from './trace.ts';

/**
 * How far the members of a group have drifted in these two weeks, on average: what all of them do is growth, and no
 * drift of one. Each learned session tells the group its member's sum (drift.ts), by week, so that what is long past no
 * longer counts.
 */
const WEEK_S = (7 * UNITS.DAY_MS) / UNITS.SECOND_MS;
/** Parts of a unit of the sum that are counted. */
const STEPS = 4;
const COUNT = { sessions: 0xd21f7, sums: 0xd21f8 } as const;

const keyFor = (what: number, sum: number, week: number): number => keyOf(KIND.name, mix(mix(what, sum + 1), week));

/** `sum` numbers what is summed up. */
export function teachDrift({ group, trace }: Pick<Lesson, 'group' | 'trace'>, sum: number, statistic: number): void {
  const week = Math.floor(trace.get(TRACE.last_s) / WEEK_S);
  group.add(keyFor(COUNT.sessions, sum, week), TRUST_FULL);
  group.add(keyFor(COUNT.sums, sum, week), TRUST_FULL * Math.round(STEPS * statistic));
}

/** Mean of the members' sums in this week and the one before; 0 where nobody told. */
export function commonDrift(c: Context, sum: number): number {
  if (c.peers === undefined) return 0;
  const week = Math.floor(c.log_s / WEEK_S);
  let sessions = 0;
  let sums = 0;
  for (const one of [week, week - 1]) {
    sessions += c.peers.count(keyFor(COUNT.sessions, sum, one));
    sums += c.peers.count(keyFor(COUNT.sums, sum, one));
  }
  return sessions === 0 ? 0 : sums / (STEPS * sessions);
}
