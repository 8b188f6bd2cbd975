import { UNITS } from '../../../schemas/limits.ts';
import type { Pool } from '../catalogue/types.ts';
import type { Agent } from './agents.ts';
import type { Fleet } from './fleet.ts';
import { hash3, type Random, unit, zipf } from './random.ts';

const { DAY_MS } = UNITS;
/** A favourite is given up after so many days, and another one takes its rank. */
const FAVOURITE_DAYS = 45;

/** How many resources of the pool exist at this time. */
export function poolSize(fleet: Fleet, pool: Pool, time_ms: number): number {
  const days = (time_ms - fleet.start_ms) / DAY_MS;
  return Math.max(1, Math.floor((pool.initial + pool.per_day * days) * fleet.scale));
}

function favourite(agent: Agent, pool: Pool, rank: number, day: number): number {
  const generation = Math.floor((day + (hash3(agent.index, pool.ordinal, rank) % FAVOURITE_DAYS)) / FAVOURITE_DAYS);
  return hash3(agent.index, pool.ordinal, rank * 4096 + generation);
}

/** Index of the resource this agent takes from a pool next: by its own habit, by what all use, or because it is new. */
export function chooseResource(fleet: Fleet, random: Random, agent: Agent, pool: Pool, time_ms: number): number {
  const size = poolSize(fleet, pool, time_ms);
  const mood = unit(random);
  if (pool.life === 'flow') {
    const reach = mood < 0.85 ? pool.per_day * fleet.scale : pool.per_day * fleet.scale * 20;
    return Math.max(0, size - 1 - zipf(random, Math.ceil(reach)));
  }
  if (mood < 0.82) {
    const day = Math.floor((time_ms - fleet.start_ms) / DAY_MS);
    const known = Math.max(1, Math.floor(pool.initial * fleet.scale));
    return favourite(agent, pool, zipf(random, Math.min(agent.favourites, known)), day) % known;
  }
  if (mood < 0.97) return zipf(random, size);
  return size - 1 - zipf(random, Math.min(size, Math.ceil(pool.per_day * fleet.scale * 10) + 2));
}

/** The repository or schema a session is about: each agent has a few that it mostly works in. */
export function chooseAisle(random: Random, agent: Agent): number {
  return hash3(agent.index, 991, zipf(random, 8));
}

/** The nearest resource of the same aisle. */
export function inAisle(pool: Pool, index: number, aisle: number): number {
  return pool.aisles === 1 ? index : index - (index % pool.aisles) + (aisle % pool.aisles);
}
