import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Assessment,
  createSeries,
  learnSeries,
  SERIES_WORDS,
  scoreSeries,
} from '../../detectors/volume/series/series.ts';
import { createDraw, MINUTE_MS } from './shapes.ts';

const START_MS = 1_700_000_000_000;
const STEP_MS = 5 * MINUTE_MS;

function assess(values: readonly number[], series = createSeries(), at_ms = START_MS): Assessment[] {
  return values.map((value, i) => {
    const assessment = scoreSeries(series, at_ms + i * STEP_MS, value);
    learnSeries(series, assessment);
    return assessment;
  });
}

const noise = (rows: number, seed: number, level = 0): number[] => {
  const draw = createDraw(seed);
  return Array.from({ length: rows }, () => level + draw.normal());
};

/** Numbers that a state holds, wherever they are. */
function words(value: unknown): number {
  if (typeof value === 'number') return 1;
  if (value instanceof Float64Array) return value.length;
  return Object.values(value as object).reduce((sum: number, part) => sum + words(part), 0);
}

describe('a series', () => {
  test('scoring changes nothing and sees nothing of what follows', () => {
    const series = createSeries();
    const values = noise(600, 1);
    const scores = assess(values, series).map(({ score }) => score);
    const before = structuredClone(series);
    const first = scoreSeries(series, START_MS + 600 * STEP_MS, 17);
    assert.deepEqual(series, before);
    assert.deepEqual(scoreSeries(series, START_MS + 600 * STEP_MS, 17), first);
    const longer = assess([...values, 1e6, -1e6, ...noise(50, 2)]).map(({ score }) => score);
    assert.deepEqual(longer.slice(0, 600), scores);
  });

  test('its state is bounded and plain: a copy goes on as the original would', () => {
    const series = createSeries();
    const size = words(series);
    assess(noise(2000, 3), series);
    assert.equal(words(series), size);
    const constants = 4 * series.tables.length + 4;
    assert.equal(size - constants, SERIES_WORDS, 'the size that is told, without the shapes of the tables');
    const copy = structuredClone(series);
    const more = noise(500, 4);
    const at_ms = START_MS + 2000 * STEP_MS;
    assert.deepEqual(assess(more, copy, at_ms), assess(more, series, at_ms));
  });

  test('any finite numbers at any times give finite scores between 0 and 64 bits', () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, -0, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 1, -1),
    );
    const at = fc.integer({ min: -1e13, max: 1e14 });
    fc.assert(
      fc.property(fc.array(fc.tuple(at, value), { maxLength: 300 }), (rows) => {
        const series = createSeries();
        for (const [at_ms, one] of rows) {
          const assessment = scoreSeries(series, at_ms, one);
          assert.ok(assessment.score >= 0 && assessment.score <= 64, String(assessment.score));
          learnSeries(series, assessment);
        }
        assert.ok(!JSON.stringify(series.looks).includes('null'), 'no number of the state is NaN or infinite');
      }),
      { numRuns: 60 },
    );
  });

  test('scores depend neither on the unit nor, up to rounding, on the zero point', () => {
    const values = noise(1500, 5);
    const plain = assess(values).map(({ score }) => score);
    for (const [factor, shift] of [
      [1024, 0],
      [2 ** -20, 0],
      [1, 4096],
    ] as const) {
      assess(values.map((value) => factor * value + shift)).forEach(({ score }, i) => {
        if (i >= 500)
          assert.ok(Math.abs(score - plain[i]!) < 1.5, `${factor}, ${shift}: row ${i}: ${score}, ${plain[i]}`);
      });
    }
  });

  test('a spike, a dip, calm and a shift surprise at once or soon, each under its name', () => {
    const cases: [string, number, (i: number, value: number) => number][] = [
      ['step', 1, () => 15],
      ['step', 1, () => -15],
      ['unrest', 60, () => 0],
      ['shift', 30, (_, value) => value + 2.5],
    ];
    for (const [pattern, within, change] of cases) {
      const values = noise(2000, 6).map((value, i) => (i >= 1900 ? change(i, value) : value));
      const strongest = assess(values)
        .slice(1900, 1900 + within)
        .reduce((a, b) => (b.score > a.score ? b : a));
      assert.ok(strongest.score > 7.5, `${pattern}: ${strongest.score}`);
      assert.equal(strongest.pattern, pattern);
    }
  });

  test('what a larger deviation is worth grows with it', () => {
    const scores = [6, 10, 30, 1000].map((value) => assess([...noise(2000, 7), value]).at(-1)!.score);
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => a - b),
    );
    assert.ok(scores[0]! > 8 && scores[3]! > scores[0]! + 4, scores.join());
  });

  test('a lasting shift of any size is told once and usual after 400 rows', () => {
    for (const shift of [4, 50, 1e6]) {
      const values = [...noise(2000, 8), ...noise(2000, 9, shift)];
      const assessments = assess(values);
      const onset = Math.max(...assessments.slice(2000, 2030).map(({ score }) => score));
      assert.ok(onset > 9, `${shift}: told with ${onset}`);
      const after = assessments.slice(2400).map(({ score }) => score);
      const loud = after.filter((score) => score >= 7).length;
      assert.ok(loud <= 4 * after.length * 2 ** -7, `${shift}: ${loud} rows above 7 bits afterwards`);
      const level = assessments.at(-1)!.sight.usual;
      assert.ok(Math.abs(level - shift) < 1.5, `${shift}: usual is ${level}`);
    }
  });

  test('the rhythm of day and week is learned: the same value is usual by day and not by night, nor on Sunday', () => {
    const draw = createDraw(10);
    const rate = (at_ms: number): number => {
      const hour = (at_ms / 3_600_000) % 24;
      const weekday = (Math.floor(at_ms / 86_400_000) + 4) % 7;
      const busy = weekday >= 1 && weekday <= 5 && hour >= 8 && hour < 18;
      return busy ? 100 : 20;
    };
    const series = createSeries();
    const half_hour = 30 * MINUTE_MS;
    const from = Date.parse('2024-01-01T00:00:00Z');
    const until = Date.parse('2024-03-04T00:00:00Z');
    for (let at = from; at < until; at += half_hour) {
      learnSeries(series, scoreSeries(series, at, rate(at) + 3 * draw.normal()));
    }
    const usual = (text: string): number => scoreSeries(series, Date.parse(text), 100).sight.usual;
    assert.ok(usual('2024-03-05T12:10:00Z') > 80);
    assert.ok(usual('2024-03-05T02:10:00Z') < 40);
    assert.ok(usual('2024-03-10T12:10:00Z') < 45);
  });

  test('a constant series says nothing until something moves, and the second time less', () => {
    const values = Array.from({ length: 3000 }, (_, i) => (i === 1500 || i === 2200 ? 12 : 10));
    const scores = assess(values).map(({ score }) => score);
    const quiet = scores.slice(0, 1500);
    assert.ok(Math.max(...quiet) < 1, String(Math.max(...quiet)));
    assert.ok(scores[1500]! > 10, String(scores[1500]));
    assert.ok(scores[2200]! > 7 && scores[2200]! < scores[1500]!, String(scores[2200]));
  });
});
