import type { Peak, StoryFacts } from '../facts.ts';
import { isRightFamily } from './families.ts';
import { median, quantile, shareOf } from './numbers.ts';

/** Recall at which a story counts as seen (issue "Detection that a SOC trusts"). */
export const SEEN = 0.98;

/** What a threshold caught of one story at one intensity. Shares are of the runs, delays of those caught. */
export type Caught = {
  readonly caught: number;
  readonly recall: number;
  readonly delay_events: number | undefined;
  readonly delay_minutes: number | undefined;
  readonly delay_minutes_p90: number | undefined;
};

export type Point = {
  readonly intensity: number;
  readonly runs: number;
  /** At the shipped budget, by alerts; of those caught, the share explained by a family that fits. */
  readonly budget: Caught & { readonly right_family: number | undefined };
  /** At the level of one false alarm in a thousand identity-days, by scores. */
  readonly level: Caught;
};

export type Curve = {
  readonly story: string;
  readonly points: readonly Point[];
  /** What told of it at the shipped budget, over all intensities: the strongest findings, the most frequent first. */
  readonly told_by: readonly { readonly pattern: string; readonly stories: number }[];
  /** The least intensity from which on recall stays at 0.98; undefined where it does not reach it. */
  readonly faint_end: { readonly budget: number | undefined; readonly level: number | undefined };
};

/** The first event of the story whose score is above the level. */
export function peakAbove(peaks: readonly Peak[], level: number): Peak | undefined {
  return peaks.find((peak) => peak.bits > level);
}

/** Recall and delay over intensity, of every attack among the facts, in order of first appearance. */
export function curvesOf(facts: readonly StoryFacts[], level: number): Curve[] {
  const attacks = Map.groupBy(
    facts.filter(({ kind }) => kind === 'attack'),
    ({ story }) => story,
  );
  return [...attacks].map(([story, own]) => {
    const points = [...Map.groupBy(own, ({ intensity }) => intensity)]
      .sort(([a], [b]) => a - b)
      .map(([intensity, runs]) => pointOf(intensity, runs, level));
    const faint_end = {
      budget: faintEnd(points.map(({ intensity, budget }) => ({ intensity, recall: budget.recall }))),
      level: faintEnd(points.map(({ intensity, level: at }) => ({ intensity, recall: at.recall }))),
    };
    return { story, points, told_by: toldBy(own), faint_end };
  });
}

function toldBy(runs: readonly StoryFacts[]): Curve['told_by'] {
  const hits = runs.flatMap(({ hit }) => (hit === undefined ? [] : [hit]));
  return [...Map.groupBy(hits, ({ pattern }) => pattern)]
    .map(([pattern, own]) => ({ pattern, stories: own.length }))
    .sort((a, b) => b.stories - a.stories || (a.pattern < b.pattern ? -1 : 1));
}

function pointOf(intensity: number, runs: readonly StoryFacts[], level: number): Point {
  const hits = runs.flatMap(({ hit }) => (hit === undefined ? [] : [hit]));
  const right = runs.filter(({ story, hit }) => hit !== undefined && isRightFamily(story, hit.family)).length;
  const peaks = runs.flatMap((run) => peakAbove(run.peaks, level) ?? []);
  return {
    intensity,
    runs: runs.length,
    budget: { ...caughtOf(hits, runs.length), right_family: shareOf(right, hits.length) },
    level: caughtOf(peaks, runs.length),
  };
}

function caughtOf(caught: readonly { readonly events: number; readonly minutes: number }[], runs: number): Caught {
  const minutes = caught.map((one) => one.minutes);
  return {
    caught: caught.length,
    recall: runs === 0 ? 0 : caught.length / runs,
    delay_events: median(caught.map((one) => one.events)),
    delay_minutes: median(minutes),
    delay_minutes_p90: quantile(minutes, 0.9),
  };
}

/** `points` by rising intensity. A dip at a higher intensity ends what looked like an end below it. */
export function faintEnd(
  points: readonly { readonly intensity: number; readonly recall: number }[],
): number | undefined {
  const lastMiss = points.findLastIndex(({ recall }) => recall < SEEN);
  return points[lastMiss + 1]?.intensity;
}
