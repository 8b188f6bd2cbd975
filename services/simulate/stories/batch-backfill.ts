import { POOLS } from '../catalogue/pools.ts';
import { toolNamed } from '../catalogue/tools.ts';
import { toolsOfAgent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { below, chance } from '../fleet/random.ts';
import { poolSize } from '../fleet/resources.ts';
import type { Story } from './contract.ts';
import { after, busyTime, callOf, moment } from './kit.ts';

export const batchBackfill: Story = {
  name: 'batch_backfill',
  kind: 'benign',
  description:
    'A loader reads hundreds of old partitions in order and writes them anew: large, sequential and approved.',
  days_min: 2,
  plan(context) {
    const read = toolNamed('warehouse.read_partition');
    const write = toolNamed('warehouse.load_table');
    const agent = context.find((one) => toolsOfAgent(one).includes(read));
    if (agent === undefined) return undefined;
    const start = busyTime(context, agent, moment(context, 0.1, 0.8));
    const wanted = 80 + Math.round(320 * context.intensity);
    const session = context.open(agent, 'historical-backfill');
    const size = poolSize(context.fleet, POOLS.partitions, start);
    const first = below(context.random, Math.max(1, size - wanted));
    const table = below(context.random, poolSize(context.fleet, POOLS.tables, start));
    const calls: Call[] = [];
    let time_ms = start;
    for (let index = first; index < first + wanted && time_ms < context.to_ms; index++) {
      calls.push(callOf(context, session, agent, read, time_ms, index));
      time_ms = after(context, agent, read, time_ms);
      if (!chance(context.random, 0.25)) continue;
      calls.push(callOf(context, session, agent, write, time_ms, table));
      time_ms = after(context, agent, write, time_ms);
    }
    return { agents: [agent], calls, summary: `${agent.id} loads ${wanted} old partitions anew` };
  },
};
