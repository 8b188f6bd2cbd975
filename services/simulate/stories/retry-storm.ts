import { UNITS } from '../../../schemas/limits.ts';
import type { Server } from '../catalogue/types.ts';
import { type Agent, toolsOfAgent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { below, between, pick, type Random } from '../fleet/random.ts';
import type { Story } from './contract.ts';
import { busyTime, moment, ordinarySession } from './kit.ts';

const { MINUTE_MS, SECOND_MS } = UNITS;
const AGENTS_MAX = 3;
const FAILURES = ['timeout', 'upstream_503'] as const;

export const retryStorm: Story = {
  name: 'retry_storm',
  kind: 'benign',
  description: 'A tool server answers with errors for a while; agents that need it repeat their calls over and over.',
  days_min: 2,
  plan(context) {
    const first = context.find((one) => one.sessions_per_day >= 2.5);
    const server = first && toolsOfAgent(first).find((tool) => tool.server !== undefined)?.server;
    if (first === undefined || server === undefined) return undefined;
    const agents: Agent[] = [first];
    while (agents.length < AGENTS_MAX) {
      const next = context.find((one) => one.group === first.group && !agents.includes(one) && usesServer(one, server));
      if (next === undefined) break;
      agents.push(next);
    }
    const start = busyTime(context, first, moment(context, 0.1, 0.9));
    const end = Math.min(context.to_ms, start + (20 + 30 * context.intensity) * MINUTE_MS);
    const calls: Call[] = [];
    for (const agent of agents) {
      for (let left = 3 + Math.round(7 * context.intensity); left > 0; left--) {
        const begin = start + below(context.random, Math.max(1, end - start - MINUTE_MS));
        calls.push(...storm(context.random, ordinarySession(context, agent, begin), server, end, context.intensity));
      }
    }
    return {
      agents,
      calls,
      summary: `${server.name} fails for ${Math.round((end - start) / MINUTE_MS)} minutes; ${agents.map((agent) => agent.id).join(', ')} retry`,
    };
  },
};

const usesServer = (agent: Agent, server: Server): boolean =>
  toolsOfAgent(agent).some((tool) => tool.server?.key === server.key);

/** Plays the session up to its first call of the server, which then fails again and again with growing pauses. */
function storm(random: Random, session: readonly Call[], server: Server, end_ms: number, intensity: number): Call[] {
  const stuck = session.findIndex((call) => call.tool.server?.key === server.key);
  const call = session[stuck];
  if (call === undefined) return [...session];
  const failed: Call[] = [];
  let time_ms = call.time_ms;
  for (let attempt = 0; attempt < 4 + Math.round(14 * intensity) && time_ms < end_ms; attempt++) {
    const bytes_out = between(random, 120, 260);
    failed.push({
      ...call,
      time_ms,
      status: 'error',
      code: pick(random, FAILURES),
      bytes_out,
      records: -1,
      tokens_in: -1,
      tokens_out: -1,
    });
    time_ms += between(random, 1, 3 + 2 * Math.min(attempt, 8)) * SECOND_MS + below(random, 700);
  }
  return [...session.slice(0, stuck), ...failed];
}
