import { UNITS } from '../../../schemas/limits.ts';
import type { Role, Server } from '../catalogue/types.ts';
import type { Agent } from './agents.ts';
import type { Fleet } from './fleet.ts';
import { hash3, hashOf } from './random.ts';

const { DAY_MS, HOUR_MS } = UNITS;

/** How often something gets a new version by itself, and where in its cycle the run begins. */
type Cycle = {
  readonly period_ms: number;
  readonly phase_ms: number;
  readonly labels: string[];
  readonly label: (round: number) => string;
};

/**
 * Versions of tool servers and agents over time. Servers are released every three to five months, agents every two to
 * three; an agent takes a release up within a day and a half.
 */
export type Releases = {
  serverVersion(server: Server, agent: Agent, time_ms: number): string;
  /** Number of the agent's release, for caching, and its label. */
  agentRound(agent: Agent, time_ms: number): number;
  agentVersion(agent: Agent, round: number): string;
};

export function makeReleases(fleet: Fleet): Releases {
  const servers = new Map<string, Cycle>();
  const roles = new Map<string, Cycle>();
  const serverCycle = (server: Server): Cycle => {
    const hash = hashOf(fleet.seed, 'server', server.key);
    const label = (round: number): string => `${server.major}.${(hash % 9) + round}.${hash3(hash, round, 1) % 6}`;
    return cycleOf(hash, 90, 60, label);
  };
  const roleCycle = (role: Role): Cycle => {
    const hash = hashOf(fleet.seed, 'role', role.slug);
    return cycleOf(hash, 60, 30, (round) => `r${(hash % 20) + 4 + round}-${role.model}`);
  };
  const roundOf = (cycle: Cycle, agent: Agent, time_ms: number): number => {
    const lag_ms = hash3(agent.index, cycle.period_ms & 0xffff, 5) % (36 * HOUR_MS);
    return Math.max(0, Math.floor((time_ms - fleet.start_ms - lag_ms + cycle.phase_ms) / cycle.period_ms));
  };
  return {
    serverVersion(server, agent, time_ms) {
      const cycle = kept(servers, server.key, () => serverCycle(server));
      return labelOf(cycle, roundOf(cycle, agent, time_ms));
    },
    agentRound(agent, time_ms) {
      return roundOf(
        kept(roles, agent.role.slug, () => roleCycle(agent.role)),
        agent,
        time_ms,
      );
    },
    agentVersion(agent, round) {
      return labelOf(
        kept(roles, agent.role.slug, () => roleCycle(agent.role)),
        round,
      );
    },
  };
}

function cycleOf(hash: number, days: number, spread_days: number, label: Cycle['label']): Cycle {
  const period_ms = (days + (hash % spread_days)) * DAY_MS;
  return { period_ms, phase_ms: hash3(hash, 7, 7) % period_ms, labels: [], label };
}

function labelOf(cycle: Cycle, round: number): string {
  const known = cycle.labels[round];
  if (known !== undefined) return known;
  const label = cycle.label(round);
  cycle.labels[round] = label;
  return label;
}

function kept<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
