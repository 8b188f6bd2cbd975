import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import type { Tool } from '../catalogue/types.ts';
import { type Agent, toolsOfAgent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { exp, ln } from '../fleet/exact.ts';
import { chooseResource } from '../fleet/resources.ts';
import type { Story, StoryContext } from './contract.ts';
import { after, busyTime, callOf, lastTime, moment, ordinaryWork } from './kit.ts';

const { DAY_MS } = UNITS;
const SESSIONS_MIN = 24;
const SESSIONS_A_DAY_MAX = 20;
/** No session may move more than this many times what the one before it would have moved. */
const STEP_MAX = 1.12;
const MORE_READS_MAX = 8;

export const boilingFrog: Story = {
  name: 'boiling_frog',
  kind: 'attack',
  description:
    'Session by session an agent reads and moves a little more; each step looks like the last, the end not like the start.',
  technique: { mitre: ['AML.T0086'], owasp: ['ASI02'] },
  days_min: 8,
  plan(context) {
    const from_ms = moment(context, 0, 0.1);
    const agent = context.find((one) => one.sessions_per_day >= 4 && reading(one).length > 0);
    if (agent === undefined) return undefined;
    const begin_ms = busyTime(context, agent, from_ms);
    const rate = Math.min(SESSIONS_A_DAY_MAX, agent.sessions_per_day);
    const span = { from_ms: begin_ms, to_ms: context.to_ms };
    const sessions = sessionsOf(ordinaryWork(context, agent, { ...span, rate }));
    if (sessions.length < SESSIONS_MIN) return undefined;
    const factor = Math.min(1.5 + 30.5 * context.intensity, exp(ln(STEP_MAX) * sessions.length));
    const calls = sessions.flatMap((session, number) =>
      shifted(context, agent, session, { share: (number + 1) / sessions.length, factor }),
    );
    const days = Math.round((context.to_ms - begin_ms) / DAY_MS);
    return {
      agents: [agent],
      calls,
      // Its own sessions would keep its habit where it was: these are in their place.
      absences: [{ agent, ...span }],
      summary: `${agent.id} moves a little more in each of ${sessions.length} sessions, ${factor.toFixed(1)} times as much after ${days} days`,
    };
  },
};

const reading = (agent: Agent): Tool[] =>
  toolsOfAgent(agent).filter((tool) => tool.operation === 'read' && tool.pool !== undefined);

function sessionsOf(calls: readonly Call[]): Call[][] {
  const sessions = [...Map.groupBy(calls, (call) => call.session.id).values()];
  return sessions.sort((a, b) => (a[0]?.time_ms ?? 0) - (b[0]?.time_ms ?? 0));
}

/** The session with larger results, and with more reads at its end, by how far the story has come (`share`, 0 to 1). */
function shifted(
  context: StoryContext,
  agent: Agent,
  session: readonly Call[],
  { share, factor }: { readonly share: number; readonly factor: number },
): Call[] {
  const larger = exp(ln(factor) * share);
  const calls = session.map((call) => enlarged(call, larger));
  const last = session.findLast((call) => call.status === 'ok' && call.tool.operation === 'read');
  const tool = last && reading(agent).find((one) => one.name === last.tool.name);
  if (last === undefined || tool?.pool === undefined) return calls;
  let time_ms = lastTime(calls);
  for (let more = Math.round(MORE_READS_MAX * context.intensity * share); more > 0; more--) {
    time_ms = after(context, agent, tool, time_ms);
    const resource = chooseResource(context.fleet, context.random, agent, tool.pool, time_ms);
    calls.push(enlarged(callOf(context, last.session, agent, tool, time_ms, resource), larger));
  }
  return calls;
}

function enlarged(call: Call, factor: number): Call {
  if (call.status !== 'ok') return call;
  const records = call.records < 0 ? call.records : Math.ceil(call.records * factor);
  return { ...call, bytes_out: Math.min(LIMITS.volume_max, Math.ceil(call.bytes_out * factor)), records };
}
