import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSeries, learnSeries, scoreSeries } from '../../detectors/volume/series/series.ts';
import { createDraw, MINUTE_MS, NOISES } from './shapes.ts';

const SEEDS = [11, 12, 13];
const ROWS = 12_000;
const WARM_UP = 1000;
const BITS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12] as const;
/** Noise whose values are all or nearly all equal, or whose rows depend on each other, surprises in clumps. */
const CLUMPS = 4;

/** How many of the judged rows reached each of `BITS`. */
function reached(name: string): { readonly counts: number[]; readonly rows: number } {
  const counts = BITS.map(() => 0);
  for (const seed of SEEDS) {
    const next = NOISES[name]!(createDraw(seed));
    const series = createSeries();
    for (let i = 0; i < ROWS; i++) {
      const assessment = scoreSeries(series, 1_700_000_000_000 + i * 5 * MINUTE_MS, next());
      learnSeries(series, assessment);
      if (i < WARM_UP) continue;
      BITS.forEach((bits, k) => {
        if (assessment.score >= bits) counts[k]! += 1;
      });
    }
  }
  return { counts, rows: SEEDS.length * (ROWS - WARM_UP) };
}

describe('the scores of stationary noise are bits of a tail probability', () => {
  for (const name of Object.keys(NOISES)) {
    test(name, () => {
      const { counts, rows } = reached(name);
      BITS.forEach((bits, k) => {
        const expected = rows * 2 ** -bits;
        const error = 3 * Math.sqrt(CLUMPS * expected);
        const told = `${counts[k]} rows of ${rows} at ${bits} bits, expected about ${expected.toFixed(1)}`;
        assert.ok(counts[k]! <= 1.1 * expected + error, told);
        // Ties and the tail beyond what was seen may only make it quieter.
        assert.ok(counts[k]! >= 0.75 * expected - error, told);
      });
    });
  }
});
