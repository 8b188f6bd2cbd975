import type { FleetFacts, Picture } from './facts.ts';
import { SHIPPED } from './fleet/run.ts';
import {
  type LookAlike,
  learningNoise,
  lookAlikesOf,
  type Noise,
  noiseAtBudget,
  noiseAtLevel,
  type Source,
  worstSources,
} from './metrics/noise.ts';
import { levelFor } from './metrics/numbers.ts';
import { type Curve, curvesOf } from './metrics/recall.ts';
import { jobsOf, type Plan } from './plan.ts';
import { type RecordedJob, type Stream, VARIANTS } from './recorded/facts.ts';
import { type Judged, judge, type Place } from './recorded/referee.ts';
import type { Pool } from './threads/pool.ts';

/** False alarms per 1,000 identity-days at which recall is stated beside that at the shipped budget. */
const FALSE_PER_1000 = 1;
const SOURCES_SHOWN = 8;

export type StoryReport = {
  readonly plan: Plan;
  readonly events: number;
  /** The shipped alert budget, per 1,000 identity-days. */
  readonly budget: number;
  /** The score that one in a thousand quiet identity-days exceeds, and how many there were to see that. */
  readonly level: { readonly bits: number; readonly identity_days: number };
  readonly curves: readonly Curve[];
  readonly quiet: { readonly budget: Noise; readonly learning_per_1000: number };
  readonly at_budget: Noise;
  readonly at_level: Noise;
  readonly look_alikes: readonly LookAlike[];
  readonly worst_sources: readonly Source[];
  /** Fleets in which a story found no fitting agent, by story. */
  readonly left_out: Readonly<Record<string, number>>;
  readonly pictures: readonly Picture[];
};

export type Report = {
  readonly stories: StoryReport | undefined;
  readonly recorded: readonly Judged[];
};

export type Progress = (what: string, done: number, all: number) => void;

/** The story suite: fleets through the detectors, facts to figures. The same plan gives the same report. */
export async function evaluateStories(plan: Plan, pool: Pool, onProgress: Progress): Promise<StoryReport> {
  const jobs = jobsOf(plan);
  const facts = await pool.run(jobs, (done) => onProgress('fleets', done, jobs.length));
  return reportOf(plan, facts);
}

function reportOf(plan: Plan, facts: readonly FleetFacts[]): StoryReport {
  const quiet = facts.filter((run) => run.quiet);
  const eventful = facts.filter((run) => !run.quiet);
  const maxima = quiet.flatMap((run) => run.days.map(({ bits }) => bits));
  const level = levelFor(maxima, FALSE_PER_1000);
  const left_out: Record<string, number> = {};
  for (const story of facts.flatMap((run) => run.left_out)) left_out[story] = (left_out[story] ?? 0) + 1;
  const stories = eventful.flatMap((run) => run.stories);
  return {
    plan,
    events: facts.reduce((sum, run) => sum + run.events, 0),
    budget: SHIPPED.detect.alerts_per_1000_identity_days,
    level: { bits: level, identity_days: maxima.length },
    curves: curvesOf(stories, level).sort((a, b) => plan.attacks.indexOf(a.story) - plan.attacks.indexOf(b.story)),
    quiet: { budget: noiseAtBudget(quiet), learning_per_1000: learningNoise(quiet) },
    at_budget: noiseAtBudget(eventful),
    at_level: noiseAtLevel(eventful, level),
    look_alikes: lookAlikesOf(eventful, level),
    worst_sources: worstSources(facts, SOURCES_SHOWN),
    left_out,
    pictures: stories.flatMap(({ picture }) => picture ?? []),
  };
}

export type RecordedRequest = {
  readonly place: Place;
  readonly streams: readonly Stream[];
  readonly mapping: string;
  readonly out: string;
};

/** The recorded streams, each in every variant, judged by the referee that lies beside them. */
export async function evaluateRecorded(
  { place, streams, mapping, out }: RecordedRequest,
  pool: Pool,
  onProgress: Progress,
): Promise<Judged[]> {
  const jobs = streams.flatMap((stream) =>
    VARIANTS.map((variant): RecordedJob => ({ kind: 'recorded', stream, variant, mapping, out })),
  );
  const facts = await pool.run(jobs, (done) => onProgress('recorded runs', done, jobs.length));
  const judged: Judged[] = [];
  for (const run of facts) judged.push(await judge(place, run));
  return judged;
}
