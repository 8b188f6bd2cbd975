import type { Agent } from './fleet/agents.ts';
import { type Fleet, makeFleet } from './fleet/fleet.ts';
import { hashOf, stream } from './fleet/random.ts';
import { openSession } from './fleet/sessions.ts';
import { type ChosenStory, type Parameters, parseRequest, type Result, type SimulationRequest } from './parameters.ts';
import type { StoryContext, StoryPlan } from './stories/contract.ts';
import { STORIES } from './stories/index.ts';

const LOOKED_AT_MAX = 400;
const ATTEMPTS_MAX = 5;
/** Lanes below it belong to the agents' ordinary work. */
const STORY_LANES = 16;

export type PlannedStory = ChosenStory & { readonly plan: StoryPlan };

/** A fleet and its stories, ready to be played. */
export type Simulation = {
  readonly fleet: Fleet;
  readonly stories: readonly PlannedStory[];
  /** Stories of the default set for which the fleet or the run was too small, with the reason. */
  readonly left_out: readonly { readonly story: string; readonly reason: string }[];
};

/**
 * Checks the request, makes the fleet and plans the stories. Pure: the same request gives the same simulation.
 * A named story that finds no place is refused; one of the default set is left out, and said so.
 */
export function prepareSimulation(request: SimulationRequest): Result<Simulation> {
  const parsed = parseRequest(request);
  if (!parsed.ok) return parsed;
  const parameters = parsed.value;
  const fleet = makeFleet(parameters);
  const taken = new Set<number>();
  const stories: PlannedStory[] = [];
  const left_out: { story: string; reason: string }[] = [];
  const seats = parameters.stories_may_give_way ? Math.floor(parameters.identities / 2) : parameters.identities;
  for (const [number, chosen] of inOrder(parameters.stories).entries()) {
    const plan = place(fleet, parameters, chosen, number, taken);
    const fits = plan !== undefined && taken.size + plan.agents.length <= seats;
    if (fits) {
      for (const agent of plan.agents) taken.add(agent.index);
      stories.push({ ...chosen, plan });
      continue;
    }
    const reason = reasonOf(parameters, chosen);
    if (!parameters.stories_may_give_way) return doesNotFit(chosen.story.name, reason);
    left_out.push({ story: chosen.story.name, reason });
  }
  return { ok: true, value: { fleet, stories, left_out } };
}

/** A chosen story, and how many of its name came before. */
type Turn = ChosenStory & { readonly round: number };

/** The order of the catalogue, so that the order of the request does not matter. */
function inOrder(stories: readonly ChosenStory[]): Turn[] {
  return STORIES.flatMap((story) =>
    stories.filter((one) => one.story === story).map((chosen, round) => ({ ...chosen, round })),
  );
}

/** Something of the story must be left once the run is over. */
function takesPlace(plan: StoryPlan, end_ms: number): boolean {
  return plan.span !== undefined || plan.follows !== undefined || plan.calls.some((call) => call.time_ms < end_ms);
}

/** Tries a few agents and times before it gives up: some fall on a weekend or on an agent with nothing to show. */
function place(
  fleet: Fleet,
  parameters: Parameters,
  turn: Turn,
  number: number,
  taken: ReadonlySet<number>,
): StoryPlan | undefined {
  if (parameters.days < turn.story.days_min) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const plan = turn.story.plan(contextOf(fleet, turn, number, attempt, taken));
    if (plan !== undefined && takesPlace(plan, fleet.end_ms)) return plan;
  }
  return undefined;
}

function contextOf(
  fleet: Fleet,
  turn: Turn,
  number: number,
  attempt: number,
  taken: ReadonlySet<number>,
): StoryContext {
  const path = [turn.story.name, turn.round, attempt] as const;
  const random = stream(fleet.seed, 'story', ...path);
  const first = hashOf(fleet.seed, 'host', ...path) % fleet.agents.length;
  let sessions = 0;
  return {
    fleet,
    random,
    intensity: turn.intensity,
    from_ms: fleet.start_ms + Math.ceil((fleet.end_ms - fleet.start_ms) / 2),
    to_ms: fleet.end_ms,
    find(fits) {
      for (const agent of lookAt(fleet.agents, first)) {
        if (!taken.has(agent.index) && fits(agent)) return agent;
      }
      return undefined;
    },
    open(agent, purpose, overrides) {
      sessions += 1;
      const slot = { lane: STORY_LANES + number, number: sessions };
      return { ...openSession(fleet, random, agent, slot, purpose), ...overrides };
    },
  };
}

function* lookAt(agents: readonly Agent[], first: number): Generator<Agent> {
  for (let step = 0; step < Math.min(agents.length, LOOKED_AT_MAX); step++) {
    const agent = agents[(first + step) % agents.length];
    if (agent !== undefined) yield agent;
  }
}

function reasonOf(parameters: Parameters, { story }: ChosenStory): string {
  return parameters.days < story.days_min
    ? `it needs at least ${story.days_min} days, of which half are warm-up, and the run has ${parameters.days}`
    : `none of the ${parameters.identities} identities that no other story uses fits it`;
}

function doesNotFit(name: string, reason: string): Result<never> {
  const message = `story ${name} finds no place: ${reason}; ask for more identities or days, or for fewer stories`;
  return { ok: false, error: { code: 'story_does_not_fit', field: 'stories', value: name, message } };
}
