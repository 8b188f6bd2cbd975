import { UNITS } from '../../../schemas/limits.ts';
import type { Pool, Task } from '../catalogue/types.ts';
import type { Call } from '../fleet/call.ts';
import { between, pick, unit } from '../fleet/random.ts';
import type { Story, StoryContext } from './contract.ts';
import { busyTime, exportsOf, moment, ordinarySession } from './kit.ts';

const { DAY_MS, HOUR_MS } = UNITS;
const DAYS_MAX = 10;
/** So many added sends a day at most: more data, not another rhythm. */
const SENDS_MAX = 40;

export const sustainedExfiltration: Story = {
  name: 'sustained_exfiltration',
  kind: 'attack',
  description:
    'For days an agent sends out more than it used to, to recipients it always had and never more at once than ever.',
  technique: { mitre: ['AML.T0086'], owasp: ['ASI02'] },
  days_min: 8,
  plan(context) {
    const start = moment(context, 0, 0.15);
    const agent = context.find(
      (one) =>
        one.sessions_per_day >= 3 &&
        sendingTasks(one).length > 0 &&
        exportsOf(context, one, start).calls.length >= EXPORTS_MIN,
    );
    if (agent === undefined) return undefined;
    const past = exportsOf(context, agent, start);
    const factor = 1.5 + 2.5 * context.intensity;
    const goal = (factor - 1) * past.bytes_a_day;
    const days = Math.max(1, Math.min(DAYS_MAX, Math.floor((context.to_ms - start) / DAY_MS)));
    const calls: Call[] = [];
    for (let day = 0; day < days; day++) {
      const day_ms = start + day * DAY_MS;
      const rests = busyTime(context, agent, day_ms) >= day_ms + DAY_MS;
      if (!rests) calls.push(...sends(context, agent, past, { day_ms, goal }));
    }
    return {
      agents: [agent],
      calls,
      summary: `${agent.id} sends ${factor.toFixed(1)} times its usual bytes a day for ${days} days, to known recipients`,
    };
  },
};

/** Without so many there is no habit to exceed. */
const EXPORTS_MIN = 12;

type Past = ReturnType<typeof exportsOf>;

/** Ordinary sessions of one day that send something, here to somebody who got something before, and rather more of it. */
function sends(
  context: StoryContext,
  agent: Call['agent'],
  past: Past,
  { day_ms, goal }: { readonly day_ms: number; readonly goal: number },
): Call[] {
  const tasks = sendingTasks(agent);
  const calls: Call[] = [];
  let sent = 0;
  for (let number = 0; sent < goal && number < SENDS_MAX; number++) {
    const from = busyTime(context, agent, day_ms + between(context.random, 0, 7) * HOUR_MS);
    const like = pick(context.random, past.calls);
    const subject = (pool: Pool): number | undefined => (pool === like.pool ? like.resource : undefined);
    const choice = { task: pick(context.random, tasks), twist: { subject } };
    const session = ordinarySession(context, agent, from, choice)
      .filter((call) => call.tool.operation !== 'export' || (call.pool === like.pool && call.status === 'ok'))
      .map((call) => {
        if (call.tool.operation !== 'export') return call;
        return { ...call, bytes_out: Math.ceil(past.bytes_max * (0.3 + 0.6 * unit(context.random))) };
      });
    const exported = session.reduce((sum, call) => sum + (call.tool.operation === 'export' ? call.bytes_out : 0), 0);
    if (exported === 0) continue;
    calls.push(...session);
    sent += exported;
  }
  return calls;
}

const sendingTasks = (agent: Call['agent']): Task[] =>
  agent.tasks.filter((task) => task.steps.some((step) => step.tools.some((tool) => tool.trait === 'egress')));
