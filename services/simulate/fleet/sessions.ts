import { UNITS } from '../../../schemas/limits.ts';
import type { Pool, Size, Task, Tool } from '../catalogue/types.ts';
import type { Agent } from './agents.ts';
import type { Call, Session } from './call.ts';
import { exp } from './exact.ts';
import type { Fleet } from './fleet.ts';
import { holidayShare, isHoliday } from './holidays.ts';
import {
  between,
  chance,
  fixedNormal,
  habit,
  hash3,
  logNormal,
  normal,
  opaqueId,
  pick,
  pickCumulative,
  type Random,
  stream,
  unit,
} from './random.ts';
import { chooseAisle, chooseResource, inAisle } from './resources.ts';
import { nextCron, nextDemand } from './rhythm.ts';

const { DAY_MS, SECOND_MS } = UNITS;
const RETRIABLE = ['timeout', 'upstream_503', 'rate_limited'] as const;
const FINAL = ['not_found', 'invalid_argument', 'conflict'] as const;
const RETRIES_MAX = 3;
/** Error answers are short. */
const ERROR_BYTES: Size = [190, 0.3];

/** Overrides of what a session would do by itself. */
export type Twist = {
  /** Resource to use for a pool, or undefined for the agent's own choice. */
  readonly subject?: (pool: Pool, time_ms: number) => number | undefined;
};

/** `slot` tells the sessions of one agent apart; it must differ for every lane and story. */
export function openSession(
  fleet: Fleet,
  random: Random,
  agent: Agent,
  slot: { readonly lane: number; readonly number: number },
  purpose: string,
): Session {
  const low = slot.lane * 0x100_0000 + slot.number;
  const principal = agent.principals.length === 0 ? undefined : pick(random, agent.principals);
  return {
    id: `s-${opaqueId(fleet.id_key ^ 0x5e55, agent.index, low)}`,
    trace_id: opaqueId(fleet.id_key ^ 0x7ace, agent.index, low) + opaqueId(fleet.id_key ^ 0x7acf, agent.index, low),
    purpose,
    on_behalf_of: principal,
    credential: agent.credential,
    source: pick(random, agent.sources),
  };
}

const draw = (random: Random, size: Size, factor: number): number =>
  Math.round(logNormal(random, size[0], size[1]) * factor);

/** What is read twice is about as large the second time: most of the spread belongs to the resource. */
function resultBytes(random: Random, tool: Tool, resource: number, factor: number): number {
  const [median, sigma] = tool.bytes_out;
  if (tool.operation !== 'read' || tool.pool === undefined) return draw(random, tool.bytes_out, factor);
  const own = fixedNormal(hash3(tool.pool.ordinal, resource, 31));
  return Math.round(median * factor * exp(sigma * (0.9 * own + 0.43 * normal(random))));
}

type Failure = { readonly status: 'error' | 'denied'; readonly code: string };

function failureOf(random: Random, agent: Agent, tool: Tool): Failure | undefined {
  const mark = unit(random);
  if (mark < tool.denied) return { status: 'denied', code: 'forbidden' };
  if (mark >= tool.denied + tool.error * agent.clumsiness) return undefined;
  return { status: 'error', code: chance(random, 0.6) ? pick(random, RETRIABLE) : pick(random, FINAL) };
}

/** One call of a tool at a time, with sizes by the agent's habit for that tool. */
export function makeCall(
  random: Random,
  agent: Agent,
  session: Session,
  tool: Tool,
  time_ms: number,
  resource: number,
  failure: Failure | undefined,
): Call {
  const factor = habit(hash3(agent.index, tool.ordinal, 77), 0.25);
  const ok = failure === undefined;
  return {
    time_ms,
    agent,
    session,
    tool,
    pool: tool.pool,
    resource,
    bytes_in: draw(random, tool.bytes_in, factor),
    bytes_out: ok ? resultBytes(random, tool, resource, factor) : draw(random, ERROR_BYTES, 1),
    records: ok && tool.records !== undefined ? Math.max(1, draw(random, tool.records, factor)) : -1,
    tokens_in: ok && tool.tokens !== undefined ? draw(random, tool.tokens.in, factor) : -1,
    tokens_out: ok && tool.tokens !== undefined ? draw(random, tool.tokens.out, factor) : -1,
    status: failure?.status ?? 'ok',
    code: failure?.code,
  };
}

/** Milliseconds until the next step: the model thinks, then the tool takes its time. */
export function stepGap(random: Random, agent: Agent, tool: Tool): number {
  return 40 + Math.round(logNormal(random, 3200, 0.8) * agent.pace + logNormal(random, ...tool.latency_ms));
}

/** Plays one task from its first step to its last. The caller cuts what lies beyond the end of the run. */
export function* playTask(
  fleet: Fleet,
  random: Random,
  agent: Agent,
  session: Session,
  task: Task,
  start_ms: number,
  twist: Twist = {},
): Generator<Call, number> {
  const subjects = new Map<Pool, number>();
  const aisle = chooseAisle(random, agent);
  const subjectOf = (tool: Tool, time_ms: number, repeated: boolean): number => {
    const { pool } = tool;
    if (pool === undefined) return -1;
    const moves_on = pool.keeps === 'none' || (pool.keeps === 'latest' && repeated && tool.operation !== 'store');
    const held = moves_on ? undefined : subjects.get(pool);
    if (held !== undefined) return held;
    const chosen =
      twist.subject?.(pool, time_ms) ?? inAisle(pool, chooseResource(fleet, random, agent, pool, time_ms), aisle);
    subjects.set(pool, chosen);
    return chosen;
  };
  let time_ms = start_ms;
  for (const step of task.steps) {
    if (step.probability < 1 && !chance(random, step.probability)) continue;
    const rounds = between(random, step.low, step.high);
    for (let round = 0; round < rounds; round++) {
      const tool = pick(random, step.tools);
      const resource = subjectOf(tool, time_ms, round > 0);
      for (let attempt = 0; ; attempt++) {
        const failure = failureOf(random, agent, tool);
        yield makeCall(random, agent, session, tool, time_ms, resource, failure);
        time_ms += stepGap(random, agent, tool);
        if (failure === undefined || attempt === RETRIES_MAX) break;
        if (failure.status === 'denied' && chance(random, 0.6)) return time_ms;
        if (!RETRIABLE.some((code) => code === failure.code) || chance(random, 0.25)) break;
        time_ms += SECOND_MS << attempt;
      }
    }
  }
  return time_ms;
}

/** The agent's own kind of task, rarely one that its group does and it does not. */
export function chooseTask(random: Random, agent: Agent): Task {
  if (chance(random, 0.004)) return pick(random, Object.values(agent.group.tasks));
  return agent.tasks[pickCumulative(random, agent.task_marks)] ?? pick(random, agent.tasks);
}

/** Good and bad days: a factor around 1 for the agent and the day. */
function dayFactor(fleet: Fleet, agent: Agent, time_ms: number): number {
  const day = Math.floor((time_ms + agent.hours.offset_ms) / DAY_MS);
  return habit(hash3(agent.index, day, fleet.id_key), 0.35);
}

/** All that an agent does in one of its lanes when nothing happens to it, in time order, to the end of the run. */
export function* ordinaryCalls(fleet: Fleet, agent: Agent, lane: number): Generator<Call, void> {
  const random = stream(fleet.seed, 'lane', agent.index, lane);
  const phase = unit(random);
  const rateOn = (time_ms: number): number =>
    (agent.sessions_per_day / agent.lanes) * dayFactor(fleet, agent, time_ms) * holidayShare(fleet, agent, time_ms);
  const restsOn = (time_ms: number): boolean => isHoliday(fleet, agent, time_ms);
  const cron = { per_day: agent.sessions_per_day, phase, restsOn };
  let time_ms = fleet.start_ms;
  for (let number = 0; ; number++) {
    time_ms =
      agent.role.cadence === 'cron'
        ? nextCron(random, agent.hours, time_ms, cron)
        : nextDemand(random, agent.hours, time_ms, fleet.end_ms, rateOn);
    if (time_ms >= fleet.end_ms) return;
    const task = chooseTask(random, agent);
    const session = openSession(fleet, random, agent, { lane, number }, task.purpose);
    for (const call of playTask(fleet, random, agent, session, task, time_ms)) {
      if (call.time_ms >= fleet.end_ms) return;
      yield call;
      time_ms = call.time_ms + 1;
    }
  }
}
