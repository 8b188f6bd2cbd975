import { LIMITS } from '../../../schemas/limits.ts';
import type { Tool } from '../catalogue/types.ts';
import { type Agent, toolsOfAgent, toolsOfGroup } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { between } from '../fleet/random.ts';
import { chooseResource } from '../fleet/resources.ts';
import type { Story } from './contract.ts';
import { after, brandNew, busyTime, callOf, historyOf, moment } from './kit.ts';

export const promptInjectionHijack: Story = {
  name: 'prompt_injection_hijack',
  kind: 'attack',
  description:
    'An agent reads content that outsiders wrote, then writes to a recipient it never had, then sends it what it gathered.',
  technique: { mitre: ['AML.T0051.001', 'AML.T0086'], owasp: ['ASI01'] },
  days_min: 2,
  plan(context) {
    const agent = context.find(
      (one) => one.sessions_per_day >= 1.5 && bait(one) !== undefined && exit(one) !== undefined,
    );
    const lure = agent && bait(agent);
    const way_out = agent && exit(agent);
    if (agent === undefined || lure?.pool === undefined || way_out?.pool === undefined) return undefined;
    const start = busyTime(context, agent, moment(context, 0.1, 0.85));
    const past = historyOf(context, agent, start);
    const task = agent.tasks.find((one) => one.steps.some((step) => step.tools.includes(lure)));
    const session = context.open(agent, task?.purpose ?? '');
    const recipient = brandNew(context, way_out.pool, start);
    const spoils = toolsOfAgent(agent).filter(
      (tool) => tool.operation === 'read' && tool.trait === undefined && tool.pool !== undefined,
    );
    const calls: Call[] = [];
    let time_ms = start;
    const step = (tool: Tool, resource: number, change: Partial<Call> = {}): void => {
      calls.push(callOf(context, session, agent, tool, time_ms, resource, change));
      time_ms = after(context, agent, tool, time_ms);
    };
    const opening = task?.steps[0]?.tools[0];
    if (opening?.pool !== undefined && opening !== lure) {
      step(opening, chooseResource(context.fleet, context.random, agent, opening.pool, time_ms));
    }
    step(lure, chooseResource(context.fleet, context.random, agent, lure.pool, time_ms));
    step(way_out, recipient, { bytes_out: between(context.random, 300, 900) });
    const gathered = 1 + Math.round(9 * context.intensity);
    for (let left = gathered; left > 0; left--) {
      const tool = spoils[left % spoils.length];
      if (tool?.pool !== undefined)
        step(tool, chooseResource(context.fleet, context.random, agent, tool.pool, time_ms));
    }
    const largest = Math.max(past.event_bytes_max, 200_000);
    const bytes_out = Math.min(LIMITS.volume_max, Math.round(largest * (0.05 + 11.45 * context.intensity)));
    step(way_out, recipient, { bytes_out, bytes_in: Math.round(bytes_out / 40) });
    return {
      agents: [agent],
      calls,
      summary: `${agent.id} reads ${lure.pool.kind} ${lure.pool.id(calls.find((call) => call.tool === lure)?.resource ?? 0)}, then sends ${bytes_out} bytes to ${way_out.pool.id(recipient)}`,
    };
  },
};

const bait = (agent: Agent): Tool | undefined =>
  toolsOfAgent(agent).find((tool) => tool.trait === 'external' && tool.operation === 'read');

/** The agent's own way to write to people outside, or one that its group has. */
const exit = (agent: Agent): Tool | undefined =>
  [...toolsOfAgent(agent), ...toolsOfGroup(agent.group)].find((tool) => tool.trait === 'egress');
