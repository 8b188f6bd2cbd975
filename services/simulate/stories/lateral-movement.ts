import { UNITS } from '../../../schemas/limits.ts';
import { POOLS } from '../catalogue/pools.ts';
import { toolNamed } from '../catalogue/tools.ts';
import type { Agent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { between } from '../fleet/random.ts';
import type { Story, StoryContext } from './contract.ts';
import { after, brandNew, busyTime, callOf, interrupted, lastTime, moment, ordinarySession } from './kit.ts';

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
    const start = busyTime(context, first, moment(context, 0.1, 0.6));
    const target = brandNew(context, POOLS.secrets, start);
    const calls: Call[] = [];
    let time_ms = start;
    for (const [position, agent] of agents.entries()) {
      const next = agents[position + 1];
      const own = ordinarySession(context, agent, time_ms);
      const visit = interrupted(context, own, (session, read_ms) => {
        const taken = callOf(context, session, agent, read, read_ms, target);
        if (next === undefined) return [taken];
        const pool = { ...POOLS.agents, id: () => next.id };
        const then_ms = after(context, agent, read, read_ms);
        return [taken, callOf(context, session, agent, hand_over, then_ms, 0, { pool })];
      });
      if (visit.length === 0) return undefined;
      calls.push(...visit);
      const handed_ms = visit.find((call) => call.tool === hand_over)?.time_ms ?? lastTime(visit);
      const pause_ms = between(context.random, 8, 60) * MINUTE_MS * (1 + 7 * (1 - context.intensity));
      // However late it began, the last of them has its turn.
      const room_ms = (context.to_ms - handed_ms) / (agents.length - position + 1);
      time_ms = next === undefined ? handed_ms : turnOf(context, next, { handed_ms, pause_ms, room_ms });
    }
    return {
      agents,
      calls,
      summary: `${agents.map((agent) => agent.id).join(', ')} read ${POOLS.secrets.id(target)} in turn`,
    };
  },
};

/** The next agent takes the task up after a pause, in its own hours, or earlier where the run is about to end. */
function turnOf(
  context: StoryContext,
  agent: Agent,
  { handed_ms, pause_ms, room_ms }: Readonly<Record<'handed_ms' | 'pause_ms' | 'room_ms', number>>,
): number {
  const after_ms = handed_ms + pause_ms;
  return Math.floor(Math.min(handed_ms + room_ms, Math.max(after_ms, busyTime(context, agent, after_ms))));
}
