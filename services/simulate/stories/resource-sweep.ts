import type { Tool } from '../catalogue/types.ts';
import { type Agent, toolsOfAgent } from '../fleet/agents.ts';
import { type Call, resourceKey } from '../fleet/call.ts';
import { below, between, chance } from '../fleet/random.ts';
import { poolSize } from '../fleet/resources.ts';
import type { Story } from './contract.ts';
import { busyTime, callOf, historyOf, moment } from './kit.ts';

/** Pools must hold many more than a sweep takes. */
const POOL_MIN = 1000;

export const resourceSweep: Story = {
  name: 'resource_sweep',
  kind: 'attack',
  description: 'One session walks through a store in order and reads hundreds of resources the agent never touched.',
  technique: { mitre: ['AML.T0036', 'AML.T0085.001'], owasp: ['ASI02'] },
  days_min: 2,
  plan(context) {
    const agent = context.find((one) => one.sessions_per_day >= 1.5 && sweepable(one) !== undefined);
    const tool = agent && sweepable(agent);
    if (agent === undefined || tool?.pool === undefined) return undefined;
    const start = busyTime(context, agent, moment(context, 0.15, 0.85));
    const seen = historyOf(context, agent, start).resources;
    const wanted = 8 + Math.round(392 * context.intensity);
    const purpose = agent.tasks.find((task) => isCentral(task.steps, tool))?.purpose ?? '';
    const session = context.open(agent, purpose);
    const size = poolSize(context.fleet, tool.pool, start);
    const stride = tool.pool.aisles;
    const calls: Call[] = [];
    let time_ms = start;
    let index = below(context.random, Math.max(1, size - 2 * wanted * stride));
    for (; calls.length < wanted && index < size && time_ms < context.to_ms; index += stride) {
      if (seen.has(resourceKey(tool.pool, index)) || chance(context.random, 0.06)) continue;
      const refused = chance(context.random, 0.03);
      const change: Partial<Call> = refused ? { status: 'denied', code: 'forbidden', bytes_out: 180, records: -1 } : {};
      calls.push(callOf(context, session, agent, tool, time_ms, index, change));
      time_ms += between(context.random, 700, 4200);
    }
    return {
      agents: [agent],
      calls,
      summary: `${agent.id} reads ${calls.length} ${tool.pool.kind}s it never touched, in order, with ${tool.name}`,
    };
  },
};

const isCentral = (steps: Agent['tasks'][number]['steps'], tool: Tool): boolean =>
  steps.some((step) => step.probability >= 0.7 && step.low >= 1 && step.tools.includes(tool));

/** A reading tool at the centre of one of the agent's tasks, over a large pool. */
function sweepable(agent: Agent): Tool | undefined {
  return toolsOfAgent(agent).find(
    (tool) =>
      tool.operation === 'read' &&
      tool.trait === undefined &&
      tool.pool?.life === 'stock' &&
      tool.pool.initial >= POOL_MIN &&
      agent.tasks.some((task) => isCentral(task.steps, tool)),
  );
}
