import { UNITS } from '../../../schemas/limits.ts';
import type { Pool, Task, Tool } from '../catalogue/types.ts';
import type { Agent } from '../fleet/agents.ts';
import { toolsOfAgent, toolsOfGroup } from '../fleet/agents.ts';
import { type Call, resourceKey, type Session } from '../fleet/call.ts';
import { workWeight } from '../fleet/holidays.ts';
import { mergeByTime } from '../fleet/merge.ts';
import { below, between, pick, unit } from '../fleet/random.ts';
import { poolSize } from '../fleet/resources.ts';
import { findHour, peakWeight } from '../fleet/rhythm.ts';
import { chooseTask, makeCall, ordinaryCalls, playTask, stepGap, type Twist } from '../fleet/sessions.ts';
import type { StoryContext } from './contract.ts';

const { HOUR_MS, DAY_MS, MINUTE_MS } = UNITS;

/** What an agent did of its own accord before a time: stories are measured against it. */
export type History = {
  readonly events: number;
  /** How often it called each tool. */
  readonly tools: ReadonlyMap<string, number>;
  readonly stores: ReadonlySet<string>;
  readonly operations: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
  /** Largest bytes out of one event, by operation and of all, and of one hour of the clock. */
  readonly event_bytes_max: number;
  readonly export_bytes_max: number;
  readonly hour_bytes_max: number;
};

export function historyOf(context: StoryContext, agent: Agent, until_ms: number): History {
  const tools = new Map<string, number>();
  const stores = new Set<string>();
  const operations = new Set<string>();
  const resources = new Set<string>();
  let events = 0;
  let [event_bytes_max, export_bytes_max, hour_bytes_max, hour, hour_bytes] = [0, 0, 0, 0, 0];
  for (const call of callsBefore(context, agent, until_ms)) {
    events += 1;
    tools.set(call.tool.name, (tools.get(call.tool.name) ?? 0) + 1);
    operations.add(call.tool.operation);
    if (call.pool !== undefined) {
      stores.add(call.pool.store);
      resources.add(resourceKey(call.pool, call.resource));
    }
    const now = Math.floor(call.time_ms / HOUR_MS);
    hour_bytes = now === hour ? hour_bytes + call.bytes_out : call.bytes_out;
    hour = now;
    hour_bytes_max = Math.max(hour_bytes_max, hour_bytes);
    event_bytes_max = Math.max(event_bytes_max, call.bytes_out);
    if (call.tool.operation === 'export') export_bytes_max = Math.max(export_bytes_max, call.bytes_out);
  }
  return { events, tools, stores, operations, resources, event_bytes_max, export_bytes_max, hour_bytes_max };
}

/** All that an agent does of its own accord before a time, in time order. */
export function callsBefore(context: StoryContext, agent: Agent, until_ms: number): Call[] {
  const calls: Call[] = [];
  const lanes = Array.from({ length: agent.lanes }, (_, lane) => ordinaryCalls(context.fleet, agent, lane));
  for (const call of mergeByTime(lanes)) {
    if (call.time_ms >= until_ms) break;
    calls.push(call);
  }
  return calls;
}

/** A time in the given part of the story's window: 0 is the end of the warm-up, 1 the end of the run. */
export function moment(context: StoryContext, low: number, high: number): number {
  const share = low + (high - low) * unit(context.random);
  return Math.floor(context.from_ms + share * (context.to_ms - context.from_ms));
}

/**
 * The agent's next busy hour from a time on, at some minute of its first quarter. Where the run ends before that (over
 * a last weekend) the first busy hour of the window, or failing that the time itself.
 */
export function busyTime(context: StoryContext, agent: Agent, from_ms: number): number {
  const peak = peakWeight(agent.hours);
  const busy = (time_ms: number): boolean => workWeight(context.fleet, agent, time_ms) >= 0.5 * peak;
  const last_ms = context.to_ms - HOUR_MS;
  const at = [from_ms, context.from_ms]
    .map((time_ms) => findHour(time_ms, busy))
    .find((time_ms) => time_ms !== undefined && time_ms <= last_ms);
  return (at ?? from_ms) + below(context.random, 14 * MINUTE_MS);
}

/** The next hour from a time on in which the agent all but never works; undefined for one that never rests. */
export function oddTime(context: StoryContext, agent: Agent, from_ms: number): number | undefined {
  const odd = (time_ms: number): boolean => workWeight(context.fleet, agent, time_ms) <= 0.05 * peakWeight(agent.hours);
  for (let hours = 0; hours < 168; hours++) {
    const at = findHour(from_ms + hours * HOUR_MS, odd);
    if (at === undefined) return undefined;
    const lasting = [1, 2].every((later) => odd(at + later * HOUR_MS));
    if (lasting) return at + below(context.random, 40 * MINUTE_MS);
  }
  return undefined;
}

/** One ordinary session of the agent, from its own tasks unless one is given. */
export function ordinarySession(
  context: StoryContext,
  agent: Agent,
  start_ms: number,
  choice: { readonly task?: Task; readonly session?: Session; readonly twist?: Twist } = {},
): Call[] {
  const task = choice.task ?? chooseTask(context.random, agent);
  const session = choice.session ?? context.open(agent, task.purpose);
  return [...playTask(context.fleet, context.random, agent, session, task, start_ms, choice.twist)];
}

/** Ordinary sessions one after the other in [from_ms, to_ms), `rate` a day of the agent's busy hours. */
export function ordinaryWork(
  context: StoryContext,
  agent: Agent,
  span: { readonly from_ms: number; readonly to_ms: number; readonly rate: number },
  choice: { readonly tasks?: readonly Task[]; readonly twist?: Twist } = {},
): Call[] {
  const calls: Call[] = [];
  const peak = peakWeight(agent.hours);
  const busy = (time_ms: number): boolean => workWeight(context.fleet, agent, time_ms) >= 0.4 * peak;
  for (let day_ms = span.from_ms; day_ms < span.to_ms; day_ms += DAY_MS) {
    for (let left = Math.round(span.rate * (0.7 + 0.6 * unit(context.random))); left > 0; left--) {
      const at = day_ms + below(context.random, DAY_MS);
      const start = busy(at) ? at : findHour(at, busy);
      if (start === undefined || start >= span.to_ms) continue;
      const late = start + below(context.random, 20 * MINUTE_MS);
      const task = choice.tasks === undefined ? chooseTask(context.random, agent) : pick(context.random, choice.tasks);
      const twist = choice.twist ?? {};
      calls.push(...ordinarySession(context, agent, late, { task, twist }));
    }
  }
  return calls;
}

/** One successful call; `change` sets what the story needs otherwise. */
export function callOf(
  context: StoryContext,
  session: Session,
  agent: Agent,
  tool: Tool,
  time_ms: number,
  resource: number,
  change: Partial<Call> = {},
): Call {
  return { ...makeCall(context.random, agent, session, tool, time_ms, resource, undefined), ...change };
}

/**
 * A session with something in the middle: after one of its calls come those that `more` makes, from the time and session
 * it is given, and the rest of it is as much later.
 */
export function interrupted(
  context: StoryContext,
  own: readonly Call[],
  more: (session: Session, time_ms: number) => readonly Call[],
): Call[] {
  const place = below(context.random, own.length);
  const [before, rest] = [own.slice(0, place + 1), own.slice(place + 1)];
  const last = before.at(-1);
  if (last === undefined) return [];
  const pause = (): number => between(context.random, 1500, 9000);
  const inserted = more(last.session, last.time_ms + pause());
  const late_ms = lastTime(inserted) + pause() - (rest[0]?.time_ms ?? 0);
  return [...before, ...inserted, ...rest.map((call) => ({ ...call, time_ms: call.time_ms + Math.max(0, late_ms) }))];
}

/** The time after one step of the agent. */
export function after(context: StoryContext, agent: Agent, tool: Tool, time_ms: number): number {
  return time_ms + stepGap(context.random, agent, tool);
}

export function lastTime(calls: readonly Call[]): number {
  return calls.reduce((latest, call) => Math.max(latest, call.time_ms), 0);
}

/** A resource that has come into being only now, so that nobody can have touched it before. */
export function brandNew(context: StoryContext, pool: Pool, time_ms: number): number {
  return poolSize(context.fleet, pool, time_ms) + between(context.random, 1, 30);
}

/** Tools that the agent's group has and the agent itself does not use. */
export function foreignTools(agent: Agent): Tool[] {
  const own = new Set(toolsOfAgent(agent));
  return toolsOfGroup(agent.group).filter((tool) => !own.has(tool));
}
