import { UNITS } from '../../../schemas/limits.ts';
import { POSITIONS } from '../catalogue/groups/index.ts';
import type { Group, Role, Task, Tool } from '../catalogue/types.ts';
import { person } from '../catalogue/words.ts';
import { below, between, chance, hashOf, logNormal, pick, type Random, stream } from './random.ts';
import type { Hours } from './rhythm.ts';

const { HOUR_MS } = UNITS;

export type Source = { readonly ip: string; readonly network: string; readonly workload?: string };

/** One simulated identity with the habits that it keeps. */
export type Agent = {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly group: Group;
  readonly role: Role;
  readonly hours: Hours;
  readonly sessions_per_day: number;
  /** Streams of sessions that run side by side. */
  readonly lanes: number;
  readonly tasks: readonly Task[];
  /** Cumulative weights of `tasks`: its own mix of the role's work. */
  readonly task_marks: readonly number[];
  /** Pace of its steps: 1 is usual, 2 twice as slow. */
  readonly pace: number;
  /** How many resources of a pool it knows as its own. */
  readonly favourites: number;
  /** Multiplies the probability of errors. */
  readonly clumsiness: number;
  readonly principals: readonly string[];
  readonly credential: { readonly id: string; readonly kind: string };
  readonly sources: readonly Source[];
};

const OFFICES = [
  { region: 'us-east', offset_h: -5, second: 16 },
  { region: 'eu-west', offset_h: 0, second: 32 },
  { region: 'eu-central', offset_h: 1, second: 48 },
  { region: 'ap-south', offset_h: 5.5, second: 64 },
  { region: 'ap-northeast', offset_h: 9, second: 80 },
] as const;

/** Deals roles in proportion to their weights: at every length of the fleet each role has its due. */
function dealPositions(count: number): number[] {
  const total = POSITIONS.reduce((sum, { role }) => sum + role.weight, 0);
  const dealt = POSITIONS.map(() => 0);
  return Array.from({ length: count }, (_, index) => {
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    POSITIONS.forEach(({ role }, position) => {
      const due = ((index + 1) * role.weight) / total - (dealt[position] ?? 0);
      if (due > most + 1e-9) {
        most = due;
        best = position;
      }
    });
    dealt[best] = (dealt[best] ?? 0) + 1;
    return best;
  });
}

function taskMix(random: Random, group: Group, role: Role): Pick<Agent, 'tasks' | 'task_marks'> {
  const tasks: Task[] = [];
  const marks: number[] = [];
  let sum = 0;
  for (const [name, weight] of Object.entries(role.tasks)) {
    const task = group.tasks[name];
    if (task === undefined) throw new RangeError(`role ${role.slug} names an unknown task ${name}`);
    const skipped = weight < 1.2 && chance(random, 0.4);
    if (skipped) continue;
    sum += logNormal(random, weight, 0.5);
    tasks.push(task);
    marks.push(sum);
  }
  return { tasks, task_marks: marks };
}

const laptopAddress = (random: Random, second: number): string =>
  `10.${second + 8}.${below(random, 40)}.${between(random, 10, 250)}`;

function sourcesOf(random: Random, role: Role, second: number, region: string, id: string): Source[] {
  if (role.host === 'cluster') {
    const third = below(random, 24);
    return Array.from({ length: between(random, 1, 3) }, () => ({
      ip: `10.${second}.${third}.${between(random, 10, 250)}`,
      network: `agents-${region}`,
      workload: `${role.slug}-pool`,
    }));
  }
  const device = `laptop-${hashOf(0, id).toString(36)}`;
  const office = { ip: laptopAddress(random, second), network: `office-${region}`, workload: device };
  const vpn = { ip: laptopAddress(random, second + 100), network: 'vpn' };
  return [office, office, vpn];
}

function titleOf(slug: string, number: string): string {
  const words = slug.replace('-', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)} ${number}`;
}

function agentOf(seed: number, index: number, position: number, number: number): Agent {
  const entry = POSITIONS[position];
  if (entry === undefined) throw new RangeError(`no position ${position}`);
  const { group, role } = entry;
  const random = stream(seed, 'agent', index);
  const digits = String(number).padStart(2, '0');
  const id = `${role.slug}-${digits}`;
  const office = pick(random, OFFICES);
  const early_ms = between(random, -4, 4) * (HOUR_MS / 4);
  const pilot = role.cadence === 'demand' && chance(random, 0.12);
  const rate = logNormal(random, ...role.sessions_per_day) * (pilot ? 0.12 : 1);
  const sessions_per_day = Math.min(160, Math.max(0.4, rate));
  const desk = below(random, 700);
  return {
    index,
    id,
    name: titleOf(role.slug, digits),
    group,
    role,
    hours: { rhythm: role.rhythm, offset_ms: office.offset_h * HOUR_MS + early_ms },
    sessions_per_day,
    lanes: role.cadence === 'cron' ? 1 : Math.min(4, Math.ceil(sessions_per_day / 40)),
    ...taskMix(random, group, role),
    pace: Math.min(3, Math.max(0.4, logNormal(random, 1, 0.35))),
    favourites: between(random, 12, 70),
    clumsiness: Math.min(4, logNormal(random, 1, 0.5)),
    principals: Array.from({ length: role.principals }, (_, i) => `${person(desk + i * 7)}@corp.example`),
    credential: credentialOf(seed, id, role),
    sources: sourcesOf(random, role, office.second, office.region, id),
  };
}

function credentialOf(seed: number, id: string, role: Role): Agent['credential'] {
  const tag = hashOf(seed, 'credential', id).toString(16).padStart(8, '0');
  if (role.host === 'laptop') return { id: `oauth-${tag}`, kind: 'oauth_token' };
  return role.kind === 'agent'
    ? { id: `sa-${id}-${tag.slice(0, 4)}`, kind: 'service_account' }
    : { id: `key-${tag}`, kind: 'api_key' };
}

/** The identities of a fleet. An agent of a smaller fleet is the same one in a larger fleet of the same seed. */
export function makeAgents(seed: number, count: number): Agent[] {
  const numbers = new Map<number, number>();
  return dealPositions(count).map((position, index) => {
    const number = (numbers.get(position) ?? 0) + 1;
    numbers.set(position, number);
    return agentOf(seed, index, position, number);
  });
}

/** Every tool that the group's tasks name, in the order of the catalogue. */
export function toolsOfGroup(group: Group): Tool[] {
  const tools = new Map<number, Tool>();
  for (const task of Object.values(group.tasks)) {
    for (const tool of task.steps.flatMap((step) => step.tools)) tools.set(tool.ordinal, tool);
  }
  return [...tools.values()].sort((a, b) => a.ordinal - b.ordinal);
}

/** The tools that this agent's own tasks name. */
export function toolsOfAgent(agent: Agent): Tool[] {
  const tools = new Map<number, Tool>();
  for (const tool of agent.tasks.flatMap((task) => task.steps.flatMap((step) => step.tools)))
    tools.set(tool.ordinal, tool);
  return [...tools.values()].sort((a, b) => a.ordinal - b.ordinal);
}
