import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare } from './compare.ts';
import { judge, judgeAt } from './judge.ts';
import { KINDS, type Labelled, labelledSeries, labelledSuite } from './labelled.ts';
import { BASES } from './shapes.ts';

const ROWS = 1000;
const series: Labelled = {
  name: 'one',
  base: 'flat',
  kind: 'spike',
  times: new Float64Array(ROWS),
  values: new Float64Array(ROWS),
  windows: [{ from: 500, onset: 510, to: 600 }],
};
const scored = (rows: Readonly<Record<number, number>>) => {
  const scores = new Float64Array(ROWS);
  for (const [row, score] of Object.entries(rows)) scores[Number(row)] = score;
  return [{ series, scores }];
};

describe('the judge of scores', () => {
  test('silence is 0, everything found at once is 100, the threshold is the one that is best', () => {
    assert.equal(judge(scored({})).score, 0);
    assert.equal(judge(scored({ 500: 9 })).score, 100);
    const { threshold, recall, wrong } = judge(scored({ 500: 9, 300: 5, 800: 5 }));
    assert.deepEqual({ threshold, recall, wrong }, { threshold: 9, recall: 1, wrong: 0 });
  });

  test('earlier within a window is worth more, only its first row counts', () => {
    const early = judge(scored({ 520: 9 })).score;
    const late = judge(scored({ 590: 9 })).score;
    assert.ok(100 > early && early > late && late > 50);
    assert.equal(judge(scored({ 520: 9, 590: 12 })).score, early);
  });

  test('rows outside cost, less shortly after a window, and the beginning is not judged', () => {
    const alone = judgeAt(scored({ 500: 9 }), 9);
    assert.ok(judgeAt(scored({ 500: 9, 400: 9 }), 9) < alone);
    assert.ok(judgeAt(scored({ 500: 9, 605: 9 }), 9) > judgeAt(scored({ 500: 9, 900: 9 }), 9));
    assert.equal(judgeAt(scored({ 500: 9, 100: 9 }), 9), alone);
  });

  test('agrees with a count by hand at every threshold', () => {
    const { scores } = scored({})[0]!;
    scores.forEach((_, i) => {
      scores[i] = (i * 7919) % 101;
    });
    const totals = [...new Set(scores)].map((threshold) => judgeAt([{ series, scores }], threshold));
    assert.ok(Math.abs(judge([{ series, scores }]).score - Math.max(0, ...totals)) < 1e-9);
  });
});

describe('the suite of labelled series', () => {
  test('is the same for a seed, of every shape with every kind, and the change begins at the onset', () => {
    assert.equal(labelledSuite(4).length, Object.keys(BASES).length * Object.keys(KINDS).length);
    const [a, b] = [labelledSeries('counts', 'level_up', 4), labelledSeries('counts', 'level_up', 4)];
    assert.deepEqual(a, b);
    for (const { from, onset, to } of a.windows) assert.ok(from < onset && onset < to && to <= a.values.length);
    assert.ok(a.times.every((at, i) => i === 0 || at > (a.times[i - 1] as number)));
  });

  test('the detector is ahead of the simple ways over all, and finds some of every kind', () => {
    const [ours, ...simple] = compare(labelledSuite(20));
    assert.ok(ours !== undefined && simple.length === 3);
    assert.ok(ours.judged.score > 58, String(ours.judged.score));
    for (const { name, judged } of simple) {
      assert.ok(ours.judged.score > judged.score + 15, `${name}: ${judged.score}, ours ${ours.judged.score}`);
    }
    for (const [kind, score] of Object.entries(ours.by_kind)) assert.ok(score > 20, `${kind}: ${score}`);
  });
});
