import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as statistics from 'simple-statistics';
import { goOnProbability, learnChain, runBits, startProbability } from '../../detectors/math/chain.ts';
import {
  countOf,
  countTableWords,
  increment,
  tailMass,
  totalOf,
  unseenMass,
} from '../../detectors/math/count-table.ts';
import { distinctOf, markDistinct } from '../../detectors/math/distinct.ts';
import { hashText, mix, mixUnordered } from '../../detectors/math/hash.ts';
import { exp2, log2, surprise, wholeOctaves } from '../../detectors/math/logarithm.ts';
import { deviationsWithin, expect, learnMoment, upperTailBits } from '../../detectors/math/moments.ts';
import { sortPairs } from '../../detectors/math/sort-pairs.ts';

/** Online statistics against a batch computation (simple-statistics as the referee) or against the plain definition. */

const close = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test('log2 and exp2 agree with the runtime within 1e-6', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => close(log2(x), Math.log2(x), 1e-6)),
  );
  fc.assert(fc.property(fc.double({ min: -900, max: 900, noNaN: true }), (x) => close(exp2(x) / 2 ** x, 1, 1e-6)));
  for (const whole of [-3, 0, 1, 10, 52]) assert.equal(log2(2 ** whole), whole);
  assert.equal(surprise(0), 64);
  assert.equal(surprise(1), 0);
});

test('whole octaves bound a logarithm from above by at most one octave', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (total) => {
      const above = wholeOctaves(total) - log2(1 + total);
      assert.ok(above >= 0 && above <= 1 + 1e-6);
    }),
  );
  assert.equal(wholeOctaves(2 ** 40), Number.POSITIVE_INFINITY);
});

test('deviations that outweigh no price are told from those that do, a little too few of them', () => {
  for (const price of [1, 1.585, 2, 3.17]) {
    const quiet = deviationsWithin(price);
    assert.ok(upperTailBits(quiet) < price);
    assert.ok(upperTailBits(quiet + 0.002) > price);
  }
});

test('moments up to their memory are mean and population variance', () => {
  const values = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 2, maxLength: 200 });
  fc.assert(
    fc.property(values, (list) => {
      const words = new Float32Array(3);
      for (const value of list) learnMoment(words, 0, value, 1000);
      assert.equal(words[0], list.length);
      close(words[1]!, statistics.mean(list), 1e-3);
      close(words[2]!, statistics.variance(list), 1e-2);
    }),
  );
});

test('beyond their memory moments follow a change', () => {
  const words = new Float32Array(3);
  for (let i = 0; i < 500; i++) learnMoment(words, 0, 10, 50);
  for (let i = 0; i < 300; i++) learnMoment(words, 0, 20, 50);
  close(words[1]!, 20, 0.1);
  assert.equal(words[0], 50);
});

test('an expectation leans on peers less and less', () => {
  const into = { n: 0, centre: 0, scale: 0 };
  const words = new Float32Array(3);
  const peers = { mean: 10, variance: 1, lean: 3 };
  expect(words, 0, peers, into);
  close(into.centre, 10, 1e-6);
  for (let i = 0; i < 3; i++) learnMoment(words, 0, 20, 100);
  expect(words, 0, peers, into);
  close(into.centre, 15, 1e-4);
  for (let i = 0; i < 97; i++) learnMoment(words, 0, 20, 100);
  expect(words, 0, peers, into);
  close(into.centre, 20, 0.4);
});

test('the upper tail is the logistic survival function in bits, and monotone', () => {
  for (const z of [-2, 0, 0.5, 1, 3, 6]) {
    const survival = 1 / (1 + Math.exp((Math.PI / Math.sqrt(3)) * z));
    close(upperTailBits(z), -Math.log2(survival), 1e-4);
  }
  for (let z = 0; z < 40; z += 0.1) assert.ok(upperTailBits(z + 0.1) >= upperTailBits(z));
  assert.equal(upperTailBits(1e9), 64);
});

test('a count table counts exactly while there is room', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 300 });
  fc.assert(
    fc.property(keys, (list) => {
      const words = new Uint32Array(countTableWords(256));
      const truth = new Map<number, number>();
      for (const key of list) {
        increment(words, 0, 256, hashText(`key ${key}`));
        truth.set(key, (truth.get(key) ?? 0) + 1);
      }
      for (const [key, count] of truth) assert.equal(countOf(words, 0, 256, hashText(`key ${key}`)), count);
      assert.equal(totalOf(words, 0), list.length);
      const singles = [...truth.values()].filter((count) => count === 1).length;
      close(unseenMass(words, 0), (singles + 0.5) / (list.length + 1), 1e-12);
    }),
  );
});

test('tail mass grows with the count and is 1 for the most frequent', () => {
  const words = new Uint32Array(countTableWords(64));
  for (let key = 1; key <= 6; key++) for (let i = 0; i < 4 ** key; i++) increment(words, 0, 64, hashText(`${key}`));
  let before = 0;
  for (const count of [0, 4, 16, 64, 256, 1024]) {
    const mass = tailMass(words, 0, count);
    assert.ok(mass > before, `${count}: ${mass}`);
    before = mass;
  }
  assert.ok(tailMass(words, 0, 4095) > 0.999);
});

test('frequent keys survive a flood of distinct ones', () => {
  const words = new Uint32Array(countTableWords(64));
  const habits = Array.from({ length: 16 }, (_, i) => hashText(`habit ${i}`));
  for (const habit of habits) for (let i = 0; i < 200; i++) increment(words, 0, 64, habit);
  for (let i = 0; i < 100_000; i++) increment(words, 0, 64, hashText(`noise ${i}`));
  const kept = habits.filter((habit) => countOf(words, 0, 64, habit) > 100).length;
  assert.ok(kept >= 14, `${kept} of 16`);
});

test('thirty habits of a small vocabulary seldom wear each other down', () => {
  let lost = 0;
  const tables = 200;
  for (let n = 0; n < tables; n++) {
    const words = new Uint32Array(countTableWords(48));
    const keys = Array.from({ length: 30 }, (_, i) => hashText(`habit ${i} of ${n}`));
    for (let day = 0; day < 40; day++) for (const key of keys) increment(words, 0, 48, key);
    if (keys.some((key) => countOf(words, 0, 48, key) < 40)) lost++;
  }
  assert.ok(lost / tables < 0.1, `${lost} of ${tables}`);
});

test('a small table that was filled in sets of eight is read as it is', () => {
  const keys = Array.from({ length: 20 }, (_, i) => hashText(`kept ${i}`));
  const words = new Uint32Array(countTableWords(48));
  const entries = words.length - 48;
  for (const [i, key] of keys.entries()) {
    let at = entries + 8 * (((key >>> 20) * 6) >>> 12);
    while (words[at] !== 0) at++;
    words[at] = ((key & 0xfffff) << 12) | (i + 1);
  }
  assert.deepEqual(
    keys.map((key) => countOf(words, 0, 48, key)),
    keys.map((_, i) => i + 1),
  );
});

test('counts fade when one reaches its cap', () => {
  const words = new Uint32Array(countTableWords(64));
  for (let i = 0; i < 10_000; i++) increment(words, 0, 64, 12345);
  assert.ok(countOf(words, 0, 64, 12345) < 4095);
  assert.equal(totalOf(words, 0), countOf(words, 0, 64, 12345));
});

test('distinct counts are close, and bounded under a flood', () => {
  for (const true_count of [0, 1, 5, 20, 100]) {
    const words = new Uint32Array(8);
    for (let i = 0; i < true_count; i++) {
      for (let again = 0; again < 3; again++) markDistinct(words, 0, 8, hashText(`r${i}`));
    }
    close(distinctOf(words, 0, 8, 0), true_count, Math.max(0.5, true_count * 0.15));
  }
  const full = new Uint32Array(8).fill(0xffffffff);
  assert.ok(Number.isFinite(distinctOf(full, 0, 8, 16)));
});

test('runs cost the start once and every further step', () => {
  const words = new Uint32Array(4);
  let was = false;
  for (let i = 0; i < 1000; i++) {
    const is = i % 10 === 0 || i % 10 === 1;
    learnChain(words, 0, was, is, 10_000);
    was = is;
  }
  const start = startProbability(words, 0);
  const goOn = goOnProbability(words, 0);
  close(start, 1 / 9, 0.02);
  close(goOn, 1 / 2, 0.02);
  const steps = runBits(words, 0, 4) + Math.log2(start);
  assert.ok(steps < -3 * Math.log2(goOn), 'every step is evidence that runs go on');
  close(steps, -3 * Math.log2(goOn), 0.1);
  const unknown = new Uint32Array(4);
  const gain = (length: number): number => runBits(unknown, 0, length + 1) - runBits(unknown, 0, length);
  close(gain(1), 1, 1e-6);
  assert.ok(gain(40) < 0.3, 'without a history a long run explains itself');
  assert.equal(runBits(words, 0, 0), 0);
  assert.ok(runBits(words, 0, 1e9) <= 64);
});

test('hashes differ and unordered pairs do not care for order', () => {
  const seen = new Set(Array.from({ length: 50_000 }, (_, i) => hashText(`name-${i}`)));
  assert.ok(seen.size >= 49_998);
  assert.equal(mixUnordered(3, 9), mixUnordered(9, 3));
  assert.notEqual(mix(3, 9), mix(9, 3));
});

test('pairs come in the order of their keys, each with what belongs to it, and equal keys as they stood', () => {
  const key = fc.oneof(fc.nat(0xffffffff), fc.nat(5), fc.constantFrom(0x7fffffff, 0x80000000, 0xffffffff));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(0xffffffff))), (pairs) => {
      const expected = pairs.toSorted(([a], [b]) => a - b).flat();
      assert.deepEqual([...sortPairs(Uint32Array.from(pairs.flat()))], expected);
    }),
  );
});
