/**
 * How surprising the next value of a series is, in bits: the volume detector for numbers that come as a series, whatever
 * they measure. Streaming: a row is scored by the rows before it, then learned. Nothing is tuned to a series.
 *
 * Statistics. Two expectations are kept: the next value (six forecasts, weighed by their recent errors, `blend.ts`) and
 * the usual value of this time (a level with profiles of day and week, `habit.ts`). Five numbers are looked at
 * (`looks.ts`): the step off the next value; the shift off the usual value as a two-sided cumulative sum (Page, Continuous
 * inspection schemes, 1954); the unrest, of which too little counts too; the distance from the level; the flurry of
 * small surprises (unrest and flurry are exponentially weighted means, Roberts 1959). None is taken for normal: each is
 * ranked among its own past, both sides apart, with a heavy tail beyond what was seen (`tail-table.ts`; probabilities by
 * rank as in Laxhammar and Falkman, Conformal prediction for distribution-independent anomaly detection in streaming
 * vessel data, 2010). The largest surprise of the five is ranked among its own past once more, which pays for looking
 * five times (Tippett's minimum p, without his independence) and for dependence in time.
 *
 * After a large surprise more of the same is no news: what was told, fading by 2 % a row, is taken off before the last
 * rank, so scores stay probabilities.
 *
 * Calibration. After 1,000 rows of a stationary series P(score >= k) is about 2^-k: measured 0.6 to 1.1 times that up to
 * 8 bits for eleven shapes of noise, 0.85 and more where values are continuous (docs/detectors.md,
 * `test/series/calibration.test.ts`). The tail beyond is extrapolated, rather too heavy than too light.
 *
 * State: bounded, `SERIES_WORDS` numbers of 8 bytes (27 KiB), most of it the tail tables. About 4 microseconds a row.
 *
 * When it is wrong. In its first rows: up to 80 it says nothing, up to some hundred it has seen no tail, in its first day
 * (week) it knows no rhythm of the day (week), and first peaks look like shifts. Rhythms of other periods than day and
 * week, and of the local clock across its changes, are not learned, only ranked as noise. What drifts more slowly than
 * the level's memory of 512 rows is followed, not found. What repeats becomes a habit: one row of a hundred is worth 7
 * bits, however wrong it is. Within about 200 rows of a surprise a smaller one is hidden. A missing row is no finding.
 */
import { BITS_MAX } from '../../math/logarithm.ts';
import {
  createLooks,
  LOOK_NAMES,
  LOOKS_WORDS,
  type LookName,
  type Looks,
  learnLooks,
  type Sight,
  see,
} from './looks.ts';
import { createTailTable, learnTail, type TailTable, tailBits } from './tail-table.ts';

export type Series = {
  readonly looks: Looks;
  /** Tails of the five numbers, and of what was news of the largest surprise among them. */
  readonly tables: readonly TailTable[];
  readonly news: TailTable;
  rows: number;
  /** Bits of what was told lately, fading. */
  told: number;
};

/** What a row means to a series that has not learned it. */
export type Assessment = {
  readonly at_ms: number;
  readonly value: number;
  /** Surprise in bits, 0 to `BITS_MAX`. */
  readonly score: number;
  /** Of what kind it is: the number that surprised most. */
  readonly pattern: LookName;
  /** The value that was expected. */
  readonly expected: number;
  readonly sight: Sight;
  /** Largest surprise among the five, and what of it was not told before: that is ranked. In bits. */
  readonly largest: number;
  readonly news: number;
};

/** Rows that the tails remember. */
const MEMORY = 4096;
const LOOK_TAIL = { from: -20, to: 20, per_unit: 8, memory: MEMORY, excess: 0.5 };
/** An exact tail has a mean excess of log2(e) bits. */
const NEWS_TAIL = { from: 0, to: BITS_MAX, per_unit: 16, memory: MEMORY, excess: Math.LOG2E };
export const SERIES_WORDS =
  LOOKS_WORDS + LOOK_NAMES.length * (40 * LOOK_TAIL.per_unit + 2) + BITS_MAX * NEWS_TAIL.per_unit + 2 + 2;

/** Rows whose surprises are those of a beginner, and teach nothing about surprises. */
const BEGINNING = 64;
/** Bits above which a surprise makes the next ones old news, and what remains of that after a row. */
const TOLD_MIN = 9;
const TOLD_REMAINS = 0.98;
/** Beyond, squares and differences would overflow. */
const VALUE_MAX = 1e150;

export function createSeries(): Series {
  return {
    looks: createLooks(),
    tables: LOOK_NAMES.map(() => createTailTable(LOOK_TAIL)),
    news: createTailTable(NEWS_TAIL),
    rows: 0,
    told: 0,
  };
}

/**
 * Scores a row; the series stays as it is.
 * @param at_ms epoch milliseconds, UTC, for the rhythm of day and week
 * @param value any finite number
 */
export function scoreSeries(series: Series, at_ms: number, value: number): Assessment {
  const bounded = Math.max(-VALUE_MAX, Math.min(VALUE_MAX, value));
  const sight = see(series.looks, at_ms, bounded, (step) => surpriseOf(series, 0, step));
  let pattern = 0;
  let largest = sight.step_bits;
  for (let i = 1; i < LOOK_NAMES.length; i++) {
    const bits = surpriseOf(series, i, sight.numbers[i] as number);
    if (bits <= largest) continue;
    largest = bits;
    pattern = i;
  }
  largest = Math.min(largest, BITS_MAX);
  const news = series.told > TOLD_MIN ? Math.max(0, largest - series.told) : largest;
  const score = Math.min(tailBits(series.news, news, 1), BITS_MAX);
  const name = LOOK_NAMES[pattern] as LookName;
  return { at_ms, value: bounded, score, pattern: name, expected: sight.next, sight, largest, news };
}

/** Two-sided: twice the smaller tail. */
function surpriseOf(series: Series, look: number, value: number): number {
  const table = series.tables[look] as TailTable;
  return Math.max(0, Math.max(tailBits(table, value, 1), tailBits(table, value, -1)) - 1);
}

/** Takes in the row that was scored last. */
export function learnSeries(series: Series, { at_ms, value, sight, largest, news }: Assessment): void {
  for (const [i, table] of series.tables.entries()) learnTail(table, sight.numbers[i] as number);
  series.rows++;
  if (series.rows > BEGINNING) learnTail(series.news, news);
  series.told = Math.max(series.told * TOLD_REMAINS, largest);
  learnLooks(series.looks, at_ms, value, sight);
}
