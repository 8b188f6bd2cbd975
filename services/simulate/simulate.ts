import type { EventInput } from '../../schemas/event.ts';
import type { Call } from './fleet/call.ts';
import type { Fleet } from './fleet/fleet.ts';
import { mergeByTime } from './fleet/merge.ts';
import { makeRenderer } from './fleet/render.ts';
import { ordinaryCalls } from './fleet/sessions.ts';
import { type LabelHead, openLabels, type StoryLabel } from './labels.ts';
import type { SimulationRequest } from './parameters.ts';
import { type PlannedStory, prepareSimulation, type Simulation } from './prepare.ts';
import type { Span } from './stories/contract.ts';

export type SimulatedItem =
  | { readonly kind: 'event'; readonly event: EventInput; readonly time_ms: number }
  | { readonly kind: 'label'; readonly label: StoryLabel };

/** A call with the story it belongs to; -1 for none. */
type Line = { readonly time_ms: number; readonly call: Call; readonly story: number };

/**
 * Plays a fleet of AI agents: events in time order, then one label per injected story. Pure and streaming; the same
 * arguments give the same bytes everywhere. Events share parts with each other and must not be changed.
 *
 * Throws RangeError on a request that `prepareSimulation` refuses: callers with input from people ask that first.
 */
export function simulateFleet(request: SimulationRequest): Generator<SimulatedItem, void> {
  const prepared = prepareSimulation(request);
  if (!prepared.ok) throw new RangeError(prepared.error.message);
  return playSimulation(prepared.value);
}

/** Plays a prepared simulation. Memory is bounded by the fleet, not by the days. */
export function* playSimulation({ fleet, stories }: Simulation): Generator<SimulatedItem, void> {
  const render = makeRenderer(
    fleet,
    stories.flatMap(({ plan }) => (plan.rollout === undefined ? [] : [plan.rollout])),
  );
  const labels = openLabels(stories.map((planned) => headOf(planned, fleet)));
  for (const { call, story, time_ms } of mergeByTime(linesOf(fleet, stories))) {
    const event = render(call);
    if (story >= 0) labels.note(story, event, time_ms);
    yield { kind: 'event', event, time_ms };
  }
  for (const label of labels.close()) yield { kind: 'label', label };
}

function headOf({ story, intensity, plan }: PlannedStory, fleet: Fleet): LabelHead {
  const [main, ...others] = plan.agents;
  if (main === undefined) throw new RangeError(`story ${story.name} is about nobody`);
  return {
    story: story.name,
    kind: story.kind,
    intensity,
    ...(story.technique === undefined ? {} : { technique: story.technique }),
    identity: main.id,
    ...(others.length === 0 ? {} : { identities: plan.agents.map((agent) => agent.id) }),
    description: plan.summary,
    span: plan.span ?? plan.follows ?? { from_ms: fleet.end_ms, to_ms: fleet.end_ms },
  };
}

function linesOf(fleet: Fleet, stories: readonly PlannedStory[]): Iterator<Line>[] {
  const touched = new Map<number, { story: number; planned: PlannedStory }>();
  stories.forEach((planned, story) => {
    for (const agent of planned.plan.agents) touched.set(agent.index, { story, planned });
  });
  const ordinary = fleet.agents.flatMap((agent) =>
    Array.from({ length: agent.lanes }, (_, lane) => {
      const calls = ordinaryCalls(fleet, agent, lane);
      const touch = touched.get(agent.index);
      return touch === undefined ? untouched(calls) : touchedLines(calls, touch.story, touch.planned);
    }),
  );
  return [...ordinary, ...stories.map((planned, story) => injected(fleet, planned, story))];
}

function* untouched(calls: Iterable<Call>): Generator<Line, void> {
  for (const call of calls) yield { time_ms: call.time_ms, call, story: -1 };
}

const inside = (time_ms: number, span: Span | undefined): boolean =>
  span !== undefined && time_ms >= span.from_ms && time_ms < span.to_ms;

/** Ordinary work of an agent in a story: whole sessions fall away with an absence, and some belong to the story. */
function* touchedLines(calls: Iterable<Call>, story: number, { plan }: PlannedStory): Generator<Line, void> {
  let [session, begun_ms] = ['', 0];
  for (const call of calls) {
    if (call.session.id !== session) [session, begun_ms] = [call.session.id, call.time_ms];
    const away = plan.absences?.some(
      (absence) => absence.agent === call.agent && (inside(begun_ms, absence) || inside(call.time_ms, absence)),
    );
    if (away === true) continue;
    yield { time_ms: call.time_ms, call, story: inside(call.time_ms, plan.follows) ? story : -1 };
  }
}

function* injected(fleet: Fleet, { plan }: PlannedStory, story: number): Generator<Line, void> {
  const calls = plan.calls.filter((call) => call.time_ms < fleet.end_ms).sort((a, b) => a.time_ms - b.time_ms);
  for (const call of calls) yield { time_ms: call.time_ms, call, story };
}
