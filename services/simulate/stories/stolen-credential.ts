import { UNITS } from '../../../schemas/limits.ts';
import { GROUPS } from '../catalogue/groups/index.ts';
import type { Task } from '../catalogue/types.ts';
import type { Agent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { below, between, pick } from '../fleet/random.ts';
import type { Story, StoryContext } from './contract.ts';
import { busyTime, historyOf, lastTime, moment, oddTime, ordinarySession } from './kit.ts';
import { INSIDE_BELOW, thiefsPlace } from './place.ts';

const { MINUTE_MS, HOUR_MS } = UNITS;

export const stolenCredential: Story = {
  name: 'stolen_credential',
  kind: 'attack',
  description:
    "An agent's credential is used from another network, in hours in which the agent rests, for work it does not do; at the faint end by a thief inside its own network and hours.",
  technique: { mitre: ['AML.T0012', 'AML.T0091.000'], owasp: ['ASI03'] },
  days_min: 2,
  plan(context) {
    const start = moment(context, 0.1, 0.75);
    const agent = context.find((one) => one.sessions_per_day >= 1.5 && oddTime(context, one, start) !== undefined);
    const odd = agent && oddTime(context, agent, start);
    if (agent === undefined || odd === undefined) return undefined;
    const begin = context.intensity < INSIDE_BELOW ? busyTime(context, agent, start) : odd;
    const tasks = otherWork(context, agent, start);
    const source = thiefsPlace(context, agent);
    const calls: Call[] = [];
    let time_ms = begin;
    for (
      let left = 1 + Math.round(7 * context.intensity);
      left > 0 && time_ms < Math.min(begin + 2 * HOUR_MS, context.to_ms);
      left--
    ) {
      const task = pick(context.random, tasks);
      const session = context.open(agent, task.purpose, { source });
      calls.push(...ordinarySession(context, agent, time_ms, { task, session }));
      time_ms = lastTime(calls) + between(context.random, 1, 4) * MINUTE_MS + below(context.random, MINUTE_MS);
    }
    return {
      agents: [agent],
      calls,
      summary: `${agent.credential.id} of ${agent.id} is used from ${source.ip}${begin === odd ? ' while the agent rests' : ', inside its own network'}`,
    };
  },
};

/** Tasks with at least one tool that the agent has not used: of its own group, or else of the others. */
function otherWork(context: StoryContext, agent: Agent, start_ms: number): Task[] {
  const used = historyOf(context, agent, start_ms).tools;
  const isNew = (task: Task): boolean =>
    task.steps.some((step) => step.probability === 1 && step.tools.every((tool) => !used.has(tool.name)));
  const own = Object.values(agent.group.tasks).filter(isNew);
  return own.length >= 2 ? own : GROUPS.flatMap((group) => Object.values(group.tasks)).filter(isNew);
}
