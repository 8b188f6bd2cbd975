import { UNITS } from '../../../schemas/limits.ts';
import type { Pool, Task } from '../catalogue/types.ts';
import { type Agent, toolsOfAgent } from '../fleet/agents.ts';
import type { Call } from '../fleet/call.ts';
import { between, pickCumulative, unit } from '../fleet/random.ts';
import type { StoryContext } from './contract.ts';
import { busyTime, callsBefore, ordinarySession } from './kit.ts';

const { DAY_MS, HOUR_MS } = UNITS;
/** Without so many, in so many of its sessions, there is no habit to exceed: each send would stand out by itself. */
const SENDS_MIN = 12;
const SENDING_SHARE_MIN = 0.08;
/** So many added sessions a day at most: more data, not another rhythm. */
const SESSIONS_A_DAY_MAX = 40;
/** A task may leave its sending step out: so many tries, then the day is over. */
const TRIES_MAX = 6;

/** What an agent has sent to recipients before a time, of its own accord. */
export type Sent = {
  readonly calls: readonly Call[];
  /** Sizes by tool, smallest first. */
  readonly sizes: ReadonlyMap<string, readonly number[]>;
  /** Of an average day with any. */
  readonly bytes_a_day: number;
};

/** Undefined where the agent has no task that sends, or sends too rarely to have a habit. */
export function sentBefore(context: StoryContext, agent: Agent, until_ms: number): Sent | undefined {
  const tools = new Set(toolsOfAgent(agent).flatMap(({ name, trait }) => (trait === 'egress' ? [name] : [])));
  if (tools.size === 0 || sendingTasks(agent).length === 0) return undefined;
  const all = callsBefore(context, agent, until_ms);
  const calls = all.filter(({ tool, status }) => tools.has(tool.name) && status === 'ok');
  if (calls.length < SENDS_MIN || sessionsOf(calls) < SENDING_SHARE_MIN * sessionsOf(all)) return undefined;
  const bytes = calls.reduce((sum, { bytes_out }) => sum + bytes_out, 0);
  const days = new Set(calls.map(({ time_ms }) => Math.floor(time_ms / DAY_MS))).size;
  const sizes = [...Map.groupBy(calls, ({ tool }) => tool.name)].map(([name, own]): [string, number[]] => {
    return [name, own.map(({ bytes_out }) => bytes_out).sort((a, b) => a - b)];
  });
  return { calls, sizes: new Map(sizes), bytes_a_day: bytes / days };
}

const sessionsOf = (calls: readonly Call[]): number => new Set(calls.map(({ session }) => session.id)).size;

/** Tasks that send to a recipient, and export nothing else beside it where there are such. */
function sendingTasks(agent: Agent): Task[] {
  const tools = (task: Task) => task.steps.flatMap((step) => step.tools);
  const sending = agent.tasks.filter((task) => tools(task).some(({ trait }) => trait === 'egress'));
  const only = sending.filter((task) =>
    tools(task).every(({ operation, trait }) => operation !== 'export' || trait === 'egress'),
  );
  return only.length > 0 ? only : sending;
}

export type Plan = {
  /** Whole days from here on; on those on which the agent rests nothing is sent. */
  readonly from_ms: number;
  readonly days: number;
  /** Bytes to send beside its usual ones on the day of this number. */
  readonly goal: (day: number) => number;
  /** Whom it goes to, by the index in the pool of recipients. */
  readonly recipient: () => number;
  /** Sizes are at most at this quantile of what the same tool has sent before. */
  readonly quantile_max: number;
};

/**
 * Ordinary sessions of tasks that send, one after the other, until each day's goal is met. What a day does not reach is
 * left to the next: with a small goal there is one session in several days.
 */
export function moreSends(context: StoryContext, agent: Agent, past: Sent, plan: Plan): Call[] {
  const calls: Call[] = [];
  let owed = 0;
  for (let day = 0; day < plan.days; day++) {
    const day_ms = plan.from_ms + day * DAY_MS;
    const rests = busyTime(context, agent, day_ms) >= day_ms + DAY_MS;
    if (rests) continue;
    owed += plan.goal(day);
    let idle = 0;
    for (let number = 0; number < SESSIONS_A_DAY_MAX && idle < TRIES_MAX; number++) {
      const session = oneSend(context, agent, past, { ...plan, day_ms });
      const bytes = session.reduce((sum, call) => sum + (isSend(past, call) ? call.bytes_out : 0), 0);
      // Half a send too much today is half a send less tomorrow.
      if (owed < bytes / 2) break;
      idle = bytes === 0 ? idle + 1 : 0;
      if (bytes === 0) continue;
      calls.push(...session);
      owed -= bytes;
    }
  }
  return calls;
}

function oneSend(
  context: StoryContext,
  agent: Agent,
  past: Sent,
  { day_ms, recipient, quantile_max }: Plan & { readonly day_ms: number },
): Call[] {
  const to = recipient();
  const known = past.calls[0]?.pool;
  const subject = (pool: Pool): number | undefined => (pool === known ? to : undefined);
  const task = chosenTask(context, agent);
  const from = busyTime(context, agent, day_ms + between(context.random, 0, 7) * HOUR_MS);
  return ordinarySession(context, agent, from, { task, twist: { subject } }).map((call) => {
    const sizes = past.sizes.get(call.tool.name);
    if (sizes === undefined || call.status !== 'ok') return call;
    const quantile = quantile_max * (0.7 + 0.3 * unit(context.random));
    return { ...call, bytes_out: sizes[Math.floor(quantile * (sizes.length - 1))] ?? call.bytes_out };
  });
}

/** One of them by the agent's own mix. */
function chosenTask({ random }: StoryContext, agent: Agent): Task {
  let sum = 0;
  const tasks = sendingTasks(agent);
  const marks = tasks.map((task) => {
    const place = agent.tasks.indexOf(task);
    sum += (agent.task_marks[place] ?? 0) - (agent.task_marks[place - 1] ?? 0);
    return sum;
  });
  const task = tasks[pickCumulative(random, marks)];
  if (task === undefined) throw new RangeError(`${agent.id} has no task that sends`);
  return task;
}

const isSend = (past: Sent, call: Call): boolean => call.status === 'ok' && past.sizes.has(call.tool.name);
