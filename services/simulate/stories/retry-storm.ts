import { UNITS } from '../../../schemas/limits.ts';
import type { Server, Task } from '../catalogue/types.ts';
import { type Agent, toolsOfAgent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { below, between, pick } from '../fleet/random.ts';
import type { Story, StoryContext } from './contract.ts';
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
    const first = context.find((one) => one.sessions_per_day >= 2.5 && serversNeeded(one).length > 0);
    if (first === undefined) return undefined;
    const server = pick(context.random, serversNeeded(first));
    const agents: Agent[] = [first];
    while (agents.length < AGENTS_MAX) {
      const next = context.find(
        (one) => one.group === first.group && !agents.includes(one) && tasksOn(one, server).length > 0,
      );
      if (next === undefined) break;
      agents.push(next);
    }
    const start = busyTime(context, first, moment(context, 0.1, 0.9));
    const end = Math.min(context.to_ms, start + (20 + 30 * context.intensity) * MINUTE_MS);
    const calls: Call[] = [];
    for (const agent of agents) {
      for (let left = 3 + Math.round(7 * context.intensity); left > 0; left--) {
        const begin = start + below(context.random, Math.max(1, end - start - MINUTE_MS));
        const task = pick(context.random, tasksOn(agent, server));
        calls.push(...storm(context, ordinarySession(context, agent, begin, { task }), server, end));
      }
    }
    return {
      agents,
      calls,
      summary: `${server.name} fails for ${Math.round((end - start) / MINUTE_MS)} minutes; ${agents.map((agent) => agent.id).join(', ')} retry`,
    };
  },
};

const needs = (task: Task, server: Server): boolean =>
  task.steps.some(
    (step) => step.probability === 1 && step.low >= 1 && step.tools.every((tool) => tool.server?.key === server.key),
  );

/** The agent's tasks that cannot be done without the server. */
const tasksOn = (agent: Agent, server: Server): Task[] => agent.tasks.filter((task) => needs(task, server));

function serversNeeded(agent: Agent): Server[] {
  const servers = new Set(toolsOfAgent(agent).flatMap((tool) => (tool.server === undefined ? [] : [tool.server])));
  return [...servers].filter((server) => tasksOn(agent, server).length > 0);
}

/** Plays the session up to its first call of the server, which then fails again and again with growing pauses. */
function storm({ random, intensity }: StoryContext, session: readonly Call[], server: Server, end_ms: number): Call[] {
  const stuck = session.findIndex((call) => call.tool.server?.key === server.key);
  const call = session[stuck];
  if (call === undefined) return [];
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
