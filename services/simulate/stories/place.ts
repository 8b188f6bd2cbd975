import type { Agent, Source } from '../fleet/agents.ts';
import { below, between, pick } from '../fleet/random.ts';
import { roamingOf } from '../fleet/traits.ts';
import type { StoryContext } from './contract.ts';

/** Below this intensity a thief sits inside the victim's own network. */
export const INSIDE_BELOW = 0.3;

/** Where a thief calls from: a neighbour's address in the victim's own network, or somewhere on the internet. */
export function thiefsPlace(context: StoryContext, agent: Agent): Source {
  if (context.intensity < INSIDE_BELOW) return neighbour(context, agent);
  const block = pick(context.random, ['203.0.113', '198.51.100']);
  return { ip: `${block}.${between(context.random, 5, 240)}`, network: 'internet', ...machine(context, agent) };
}

/** Behind a pool of addresses that many share, a thief is behind it as well, and nobody can tell by the address. */
function neighbour(context: StoryContext, agent: Agent): Source {
  if (roamingOf(context.fleet, agent) === 'pooled') return pick(context.random, agent.sources);
  const own = new Set(agent.sources.map(({ ip }) => ip));
  const { ip, network } = pick(context.random, agent.sources);
  const block = ip.slice(0, ip.lastIndexOf('.'));
  let last = between(context.random, 10, 250);
  while (own.has(`${block}.${last}`)) last = 10 + ((last - 9) % 241);
  return { ip: `${block}.${last}`, network, ...machine(context, agent) };
}

/** A machine of its own, where all of the victim's calls name one: a field that is missing would give the story away. */
function machine(context: StoryContext, agent: Agent): Pick<Source, 'workload'> {
  const named = agent.sources.every(({ workload }) => workload !== undefined);
  const number = below(context.random, 1_000_000);
  return named ? { workload: `host-${number.toString(36)}` } : {};
}
