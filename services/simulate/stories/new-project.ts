import { UNITS } from '../../../schemas/limits.ts';
import type { Pool, Task } from '../catalogue/types.ts';
import type { Agent } from '../fleet/agents.ts';
import { zipf } from '../fleet/random.ts';
import { poolSize } from '../fleet/resources.ts';
import type { Story } from './contract.ts';
import { busyTime, moment, ordinaryWork } from './kit.ts';

const { DAY_MS } = UNITS;
/** Stores whose contents come by project. */
const PROJECT_POOLS: ReadonlySet<string> = new Set([
  'repo_files',
  'tables',
  'documents',
  'accounts',
  'contracts',
  'segments',
]);
const PROJECT_SIZE = 40;

export const newProject: Story = {
  name: 'new_project',
  kind: 'benign',
  description:
    'An agent is put on a new project: its ordinary tasks and tools, on a set of resources that did not exist before.',
  days_min: 4,
  plan(context) {
    const agent = context.find((one) => one.sessions_per_day >= 2 && projectTasks(one).length > 0);
    if (agent === undefined) return undefined;
    const start = busyTime(context, agent, moment(context, 0.05, 0.4));
    const to_ms = Math.min(context.to_ms, start + 10 * DAY_MS);
    const subject = (pool: Pool): number | undefined => {
      if (!PROJECT_POOLS.has(pool.name)) return undefined;
      return poolSize(context.fleet, pool, start) + (10 + zipf(context.random, PROJECT_SIZE)) * pool.aisles;
    };
    const rate = Math.min(60, agent.sessions_per_day * (0.3 + 0.7 * context.intensity));
    const choice = { tasks: projectTasks(agent), twist: { subject } };
    const calls = ordinaryWork(context, agent, { from_ms: start, to_ms, rate }, choice);
    return { agents: [agent], calls, summary: `${agent.id} takes up a new project beside its usual work` };
  },
};

/** Its tasks that cannot be done without touching such a store. */
function projectTasks(agent: Agent): Task[] {
  return agent.tasks.filter((task) =>
    task.steps.some(
      (step) =>
        step.probability === 1 &&
        step.low >= 1 &&
        step.tools.every((tool) => tool.pool && PROJECT_POOLS.has(tool.pool.name)),
    ),
  );
}
