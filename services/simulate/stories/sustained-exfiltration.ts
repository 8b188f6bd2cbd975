import { UNITS } from '../../../schemas/limits.ts';
import { toolsOfAgent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { between, pick, unit } from '../fleet/random.ts';
import type { Story, StoryContext } from './contract.ts';
import { after, busyTime, callOf, exportsOf, lastTime, moment, ordinarySession } from './kit.ts';

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
        toolsOfAgent(one).some((tool) => tool.trait === 'egress') &&
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

/** Ordinary sessions of one day, each of which ends by sending something to somebody who got something before. */
function sends(
  context: StoryContext,
  agent: Call['agent'],
  past: Past,
  { day_ms, goal }: { readonly day_ms: number; readonly goal: number },
): Call[] {
  const calls: Call[] = [];
  let sent = 0;
  for (let number = 0; sent < goal && number < SENDS_MAX; number++) {
    const from = busyTime(context, agent, day_ms + between(context.random, 0, 7) * HOUR_MS);
    const session = ordinarySession(context, agent, from).filter((call) => call.tool.operation !== 'export');
    const [opened, like] = [session[0]?.session, pick(context.random, past.calls)];
    const tool = toolsOfAgent(agent).find((one) => one.name === like.tool.name);
    if (opened === undefined || tool === undefined) continue;
    const most = Math.max(1, goal - sent);
    const bytes_out = Math.ceil(Math.min(most, past.bytes_max * (0.3 + 0.6 * unit(context.random))));
    const time_ms = after(context, agent, tool, lastTime(session));
    calls.push(...session, callOf(context, opened, agent, tool, time_ms, like.resource, { bytes_out }));
    sent += bytes_out;
  }
  return calls;
}
