import { createHash } from 'node:crypto';
import type { EventInput } from '../../schemas/event.ts';
import type { StoryLabel } from '../../services/simulate/labels.ts';
import type { SimulationRequest } from '../../services/simulate/parameters.ts';
import { simulateFleet } from '../../services/simulate/simulate.ts';
import { STORIES } from '../../services/simulate/stories/index.ts';

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
/** A Monday, such that a month ends in the last week of a run of 24 days. */
export const START_MS = Date.UTC(2026, 2, 9);

/** An event whose time is known to be a number, as the simulator writes it. */
export type Event = EventInput & { readonly time: number };
export type Run = {
  readonly request: SimulationRequest;
  readonly events: readonly Event[];
  readonly labels: readonly StoryLabel[];
};

export function request(change: Partial<SimulationRequest> = {}): SimulationRequest {
  return { seed: 1, identities: 20, days: 6, start_ms: START_MS, stories: [], ...change };
}

export function timed(event: EventInput): Event {
  if (typeof event.time !== 'number') throw new TypeError('simulated times are numbers');
  return { ...event, time: event.time };
}

export function run(asked: SimulationRequest): Run {
  const events: Event[] = [];
  const labels: StoryLabel[] = [];
  for (const item of simulateFleet(asked)) {
    if (item.kind === 'event') events.push(timed(item.event));
    else labels.push(item.label);
  }
  return { request: asked, events, labels };
}

export const ALL_STORIES: readonly string[] = STORIES.map((story) => story.name);

const runs = new Map<number, Run>();
/** Eighty agents over 24 days with every story; kept, since many tests look at it. */
export function runWithAllStories(seed: number): Run {
  const known = runs.get(seed);
  if (known !== undefined) return known;
  const made = run(request({ seed, identities: 80, days: 24, stories: ALL_STORIES }));
  runs.set(seed, made);
  return made;
}

export function digest(lines: Iterable<unknown>): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(`${JSON.stringify(line)}\n`);
  return hash.digest('hex');
}

export type Scene = {
  readonly label: StoryLabel;
  /** The story's own events, in time order. */
  readonly own: readonly Event[];
  /** What the main identity did before, and all it did. */
  readonly past: readonly Event[];
  readonly all: readonly Event[];
};

/** The one story of this name in a run, with what its main identity did before. */
export function sceneOf(played: Run, story: string): Scene {
  const label = played.labels.find((one) => one.story === story);
  if (label === undefined) throw new Error(`the run has no ${story}`);
  const ids = new Set(label.event_ids);
  const all = played.events.filter((event) => event.identity.id === label.identity);
  return {
    label,
    own: played.events.filter((event) => ids.has(event.id)),
    past: all.filter((event) => event.time < label.first_time),
    all,
  };
}

export const bytesOut = (event: Event): number => event.volume?.bytes_out ?? 0;
export const dayOf = (event: Event): number => Math.floor(event.time / DAY_MS);
export const distinct = <T>(list: readonly T[]): Set<T> => new Set(list);
