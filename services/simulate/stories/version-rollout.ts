import { UNITS } from '../../../schemas/limits.ts';
import type { Agent } from '../fleet/agents.ts';
import { toolsOfAgent } from '../fleet/agents.ts';
import { hashOf } from '../fleet/random.ts';
import type { Story } from './contract.ts';
import { busyTime, moment } from './kit.ts';

const { DAY_MS } = UNITS;
const AGENTS_MAX = 5;

export const versionRollout: Story = {
  name: 'version_rollout',
  kind: 'benign',
  description:
    'Agents of one role get a new model, prompt and major version of their tool servers; their results grow a little.',
  days_min: 3,
  plan(context) {
    const first = context.find((one) => one.sessions_per_day >= 4);
    if (first === undefined) return undefined;
    const agents: Agent[] = [first];
    while (agents.length < AGENTS_MAX) {
      const next = context.find((one) => one.role === first.role && !agents.includes(one));
      if (next === undefined) break;
      agents.push(next);
    }
    const from_ms = busyTime(context, first, moment(context, 0.1, 0.6));
    const servers = new Map(
      toolsOfAgent(first).flatMap(({ server }) => (server === undefined ? [] : [[server.key, server] as const])),
    );
    const model = first.role.model.replace('4', '5').replace('orion', 'orion-2');
    const round = 20 + (hashOf(context.fleet.seed, 'rollout', first.role.slug) % 20);
    return {
      agents,
      calls: [],
      rollout: {
        agents: new Set(agents.map((agent) => agent.index)),
        from_ms,
        agent_version: `r${round}-${model}`,
        model,
        servers: Object.fromEntries([...servers.values()].map((server) => [server.key, `${server.major + 1}.0.1`])),
        size_factor: 1 + 0.3 * context.intensity,
      },
      follows: { from_ms, to_ms: Math.min(context.to_ms, from_ms + 3 * DAY_MS) },
      summary: `${agents.map((agent) => agent.id).join(', ')} move to r${round}-${model}`,
    };
  },
};
