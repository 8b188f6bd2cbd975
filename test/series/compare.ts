import { createSeries, learnSeries, scoreSeries } from '../../detectors/volume/series/series.ts';
import { ewma, hourOfWeek, rollingZ, type Scorer } from './baselines.ts';
import { type Judged, judge, judgeAt, type Scored } from './judge.ts';
import { KINDS, type Labelled } from './labelled.ts';
import { BASES } from './shapes.ts';

/** Every way of scoring that is compared, ours first. */
export const SCORERS: Readonly<Record<string, () => Scorer>> = {
  countersign: () => {
    const series = createSeries();
    return (at_ms, value) => {
      const assessment = scoreSeries(series, at_ms, value);
      learnSeries(series, assessment);
      return assessment.score;
    };
  },
  'rolling z-score': () => rollingZ(),
  EWMA: () => ewma(),
  'hour of week': () => hourOfWeek(),
};

export type Compared = {
  readonly name: string;
  readonly judged: Judged;
  /** Scores of parts of the suite under the one threshold that is best for all of it. */
  readonly by_kind: Readonly<Record<string, number>>;
  readonly by_base: Readonly<Record<string, number>>;
};

export function compare(suite: readonly Labelled[]): Compared[] {
  return Object.entries(SCORERS).map(([name, make]) => {
    const all = suite.map((series): Scored => {
      const scorer = make();
      return { series, scores: series.values.map((value, i) => scorer(series.times[i] as number, value)) };
    });
    const judged = judge(all);
    const parts = (keys: readonly string[], of: 'kind' | 'base'): Record<string, number> =>
      Object.fromEntries(
        keys.map((key) => [
          key,
          judgeAt(
            all.filter(({ series }) => series[of] === key),
            judged.threshold,
          ),
        ]),
      );
    return {
      name,
      judged,
      by_kind: parts(Object.keys(KINDS), 'kind'),
      by_base: parts(Object.keys(BASES), 'base'),
    };
  });
}

/** A Markdown table of the comparison. */
export function comparisonTable(compared: readonly Compared[]): string {
  const row = (head: string, value: (one: Compared) => string): string =>
    `| ${[head, ...compared.map(value)].join(' | ')} |`;
  const parts = (of: 'by_kind' | 'by_base'): string[] =>
    Object.keys(compared[0]?.[of] ?? {}).map((key) => row(key, (one) => (one[of][key] as number).toFixed(0)));
  return [
    row('', ({ name }) => name),
    `|${'---|'.repeat(compared.length + 1)}`,
    row('all', ({ judged }) => judged.score.toFixed(1)),
    row('windows found', ({ judged }) => `${Math.round(judged.recall * 100)} %`),
    row('wrong rows', ({ judged }) => String(judged.wrong)),
    ...parts('by_kind'),
    ...parts('by_base'),
  ].join('\n');
}
