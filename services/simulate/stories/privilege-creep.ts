import { UNITS } from '../../../schemas/limits.ts';
import type { Tool } from '../catalogue/types.ts';
import type { Agent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { between, pick } from '../fleet/random.ts';
import { chooseResource } from '../fleet/resources.ts';
import type { Story } from './contract.ts';
import { after, busyTime, callOf, foreignTools, historyOf, interrupted, moment, ordinarySession } from './kit.ts';

const { DAY_MS, HOUR_MS } = UNITS;

export const privilegeCreep: Story = {
  name: 'privilege_creep',
  kind: 'attack',
  description: 'An agent that only read begins to execute, once at first and more often every day.',
  technique: { mitre: ['AML.T0053'], owasp: ['ASI03'] },
  days_min: 4,
  plan(context) {
    const start = moment(context, 0.05, 0.3);
    const agent = context.find(
      (one) =>
        one.sessions_per_day >= 1.5 &&
        powersOf(one).length > 0 &&
        !historyOf(context, one, start).operations.has('execute'),
    );
    if (agent === undefined) return undefined;
    const tool = pick(context.random, powersOf(agent));
    const { pool } = tool;
    if (pool === undefined) return undefined;
    const wanted = 1 + Math.round(5 * context.intensity);
    const days = Math.max(1, Math.min(wanted, Math.floor((context.to_ms - start) / DAY_MS)));
    const calls: Call[] = [];
    for (let day = 0; day < days; day++) {
      const from = busyTime(context, agent, start + day * DAY_MS + between(context.random, 0, 3) * HOUR_MS);
      const executed = 1 + Math.round(context.intensity * day * 1.5);
      calls.push(
        ...interrupted(context, ordinarySession(context, agent, from), (session, begin_ms) => {
          const more: Call[] = [];
          let time_ms = begin_ms;
          for (let left = executed; left > 0; left--) {
            const resource = chooseResource(context.fleet, context.random, agent, pool, time_ms);
            more.push(callOf(context, session, agent, tool, time_ms, resource));
            time_ms = after(context, agent, tool, time_ms);
          }
          return more;
        }),
      );
    }
    if (calls.length === 0) return undefined;
    return {
      agents: [agent],
      calls,
      summary: `${agent.id}, which never executed anything, begins to call ${tool.name}`,
    };
  },
};

const powersOf = (agent: Agent): Tool[] =>
  foreignTools(agent).filter((tool) => tool.operation === 'execute' && tool.pool !== undefined);
