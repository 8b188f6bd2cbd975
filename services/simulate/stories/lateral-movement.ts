import { UNITS } from '../../../schemas/limits.ts';
import { POOLS } from '../catalogue/pools.ts';
import { toolNamed } from '../catalogue/tools.ts';
import type { Agent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { between } from '../fleet/random.ts';
import type { Story } from './contract.ts';
import { after, brandNew, busyTime, callOf, lastTime, moment, ordinarySession } from './kit.ts';

const { MINUTE_MS } = UNITS;

export const lateralMovement: Story = {
  name: 'lateral_movement',
  kind: 'attack',
  description:
    'Several agents reach for the same new secret one after the other; each hands a task to the next before.',
  technique: { mitre: ['AML.T0053', 'T1550.001'], owasp: ['ASI07'] },
  days_min: 2,
  plan(context) {
    const agents: Agent[] = [];
    const wanted = 3 + Math.round(2 * context.intensity);
    while (agents.length < wanted) {
      const next = context.find((one) => !agents.includes(one) && one.sessions_per_day >= 1);
      if (next === undefined) break;
      agents.push(next);
    }
    const first = agents[0];
    if (first === undefined || agents.length < 3) return undefined;
    const [read, hand_over] = [toolNamed('secrets.read_secret'), toolNamed('agents.delegate_task')];
    const start = busyTime(context, first, moment(context, 0.1, 0.8));
    const target = brandNew(context, POOLS.secrets, start);
    const calls: Call[] = [];
    let time_ms = start;
    for (const [position, agent] of agents.entries()) {
      const session = ordinarySession(context, agent, time_ms);
      const opened = session[0]?.session;
      if (opened === undefined) return undefined;
      const read_ms = after(context, agent, read, lastTime(session));
      calls.push(...session, callOf(context, opened, agent, read, read_ms, target));
      const next = agents[position + 1];
      if (next !== undefined) {
        const pool = { ...POOLS.agents, id: () => next.id };
        calls.push(callOf(context, opened, agent, hand_over, after(context, agent, read, read_ms), 0, { pool }));
      }
      time_ms = lastTime(calls) + between(context.random, 8, 60) * MINUTE_MS;
    }
    return {
      agents,
      calls,
      summary: `${agents.map((agent) => agent.id).join(', ')} read ${POOLS.secrets.id(target)} in turn`,
    };
  },
};
