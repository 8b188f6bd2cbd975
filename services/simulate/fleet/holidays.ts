import { UNITS } from '../../../schemas/limits.ts';
import type { Agent } from './agents.ts';
import type { Fleet } from './fleet.ts';
import { hash3, hashOf } from './random.ts';
import { hourWeight, weekendShare } from './rhythm.ts';

/** One working day in each four weeks is a holiday of a peer group: whoever works for people works as on a Sunday. */
const PERIOD_DAYS = 28;
const WORKING_DAYS = 20;
/** Days since 1970-01-01 that are a multiple of 28 are Thursdays; Monday is four days on. */
const MONDAY_AFTER = 4;

/** Whether the agent's own calendar day around this time is a holiday of its group. */
export function isHoliday(fleet: Fleet, agent: Agent, time_ms: number): boolean {
  const day = Math.floor((time_ms + agent.hours.offset_ms) / UNITS.DAY_MS);
  const period = Math.floor(day / PERIOD_DAYS);
  const chosen = hash3(hashOf(fleet.seed, 'holiday', agent.group.name), period, 28) % WORKING_DAYS;
  const weekday = (chosen % 5) + MONDAY_AFTER;
  return day === period * PERIOD_DAYS + Math.floor(chosen / 5) * 7 + (weekday % 7);
}

/** How much of an ordinary working day is left of this one. */
export function holidayShare(fleet: Fleet, agent: Agent, time_ms: number): number {
  return isHoliday(fleet, agent, time_ms) ? weekendShare(agent.hours) : 1;
}

/** Weight of the hour around this time (`hourWeight`), holidays taken into account. */
export function workWeight(fleet: Fleet, agent: Agent, time_ms: number): number {
  return hourWeight(agent.hours, time_ms) * holidayShare(fleet, agent, time_ms);
}
