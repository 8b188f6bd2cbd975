import type { Labelled } from './labelled.ts';

/**
 * Windowed scoring with a reward for early detection, one threshold for all files (after Lavin and Ahmad, Evaluating
 * real-time anomaly detection algorithms, 2015, section II): a window earns by its first row at or above the threshold,
 * most at its beginning, and costs 1 when it has none; every other such row outside of windows costs `WRONG`, less
 * shortly after a window. The first 15 % of a file, at most 750 rows, are not judged.
 * 100 is everything found at once and nothing else, 0 is silence.
 */
const WRONG = 0.11;

export type Scored = { readonly series: Labelled; readonly scores: Float64Array };
export type Judged = {
  readonly score: number;
  readonly threshold: number;
  readonly recall: number;
  readonly wrong: number;
};

const sigmoid = (position: number): number => 2 / (1 + Math.exp(5 * position)) - 1;
const EARLIEST = sigmoid(-1);

/** Each row that could change the total: the score at which it begins to count, and what it brings. */
type Step = { readonly at: number; readonly gain: number; readonly found: number; readonly wrong: number };

export function judge(all: readonly Scored[]): Judged {
  const steps = all.flatMap(stepsOf).toSorted((a, b) => b.at - a.at);
  const windows = all.reduce((sum, { series }) => sum + series.windows.length, 0);
  let total = -windows;
  let [found, wrong] = [0, 0];
  let best = { total, threshold: Number.POSITIVE_INFINITY, found: 0, wrong: 0 };
  steps.forEach((step, i) => {
    total += step.gain;
    found += step.found;
    wrong += step.wrong;
    if (total > best.total && steps[i + 1]?.at !== step.at) best = { total, threshold: step.at, found, wrong };
  });
  return {
    score: (100 * (best.total + windows)) / (2 * windows),
    threshold: best.threshold,
    recall: best.found / windows,
    wrong: best.wrong,
  };
}

/** Total at a given threshold, for tables by kind under the one threshold of all. */
export function judgeAt(all: readonly Scored[], threshold: number): number {
  const windows = all.reduce((sum, { series }) => sum + series.windows.length, 0);
  const gained = all
    .flatMap(stepsOf)
    .filter(({ at }) => at >= threshold)
    .reduce((sum, { gain }) => sum + gain, 0);
  return (100 * gained) / (2 * windows);
}

function stepsOf({ series, scores }: Scored): Step[] {
  const first = Math.min(750, Math.floor(0.15 * scores.length));
  const steps: Step[] = [];
  let i = first;
  for (const { from, to } of series.windows) {
    for (; i < from; i++) steps.push(outside(scores, i, series));
    // Within a window each new maximum is found later than the one before: lowering the threshold brings it forward.
    let [highest, position] = [Number.NEGATIVE_INFINITY, 0];
    const maxima: { at: number; worth: number }[] = [];
    for (; i < to; i++) {
      if ((scores[i] as number) <= highest) continue;
      highest = scores[i] as number;
      position = -1 + (i - from) / (to - from);
      maxima.push({ at: highest, worth: sigmoid(position) / EARLIEST });
    }
    let before = -1;
    for (const { at, worth } of maxima.toReversed()) {
      steps.push({ at, gain: worth - before, found: before === -1 ? 1 : 0, wrong: 0 });
      before = worth;
    }
  }
  for (; i < scores.length; i++) steps.push(outside(scores, i, series));
  return steps;
}

function outside(scores: Float64Array, i: number, series: Labelled): Step {
  const last = series.windows.findLast(({ to }) => to <= i);
  const share = last === undefined ? -1 : sigmoid((i - last.to) / (last.to - last.from));
  return { at: scores[i] as number, gain: WRONG * Math.min(share, 0), found: 0, wrong: 1 };
}
