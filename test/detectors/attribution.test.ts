import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allocate, contributionsFrom } from '../../detectors/attribution.ts';
import { together } from '../../detectors/combine.ts';
import { DETECTORS } from '../../detectors/ensemble.ts';
import { UNITS } from '../../schemas/limits.ts';
import { event, MONDAY, ordinarySession, seeded, workedFleet } from './fleet.ts';

const sumOf = (values: Iterable<number>): number => [...values].reduce((sum, one) => sum + one, 0);
const near = (a: number, b: number): void =>
  assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)), `${a}, ${b}`);

test('the parts of a score add up to it, whatever entered', () => {
  const entered = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 60, noNaN: true })), { minLength: 1 });
  fc.assert(
    fc.property(entered, fc.integer({ min: 2, max: 20 }), (values, first) => {
      // Work, access, and from there on places, each by itself.
      const root = (i: number): number => (i < first ? 0 : i < first + 3 ? 1 : i);
      const of = (number: number): number[] => values.filter((_, i) => root(i) === number);
      const squares = (number: number): number => sumOf(of(number).map((one) => one * one));
      const score = together(squares(0), squares(1), sumOf(values.filter((_, i) => root(i) > 1)));
      const parts = allocate(Float64Array.from(values), root, score);
      near(sumOf(parts), score);
      for (const [i, part] of parts.entries()) {
        assert.equal(part > 0, values[i] !== 0);
        // Nobody made more of the score than it said by itself.
        assert.ok(part <= (values[i] ?? 0) * (1 + 1e-9));
      }
    }),
  );
});

test('twice as loud is four times the part; groups share what each root is', () => {
  const [one = 0, two = 0] = allocate(Float64Array.of(3, 6), () => 0, Math.sqrt(45));
  near(two, 4 * one);
  assert.deepEqual([...allocate(Float64Array.of(3, 4, 7), (i) => Number(i === 2), 12)], [1.8, 3.2, 7]);
  assert.deepEqual([...allocate(Float64Array.of(0, 0), () => 0, 0)], [0, 0]);
});

test('whatever is made of the combination afterwards, the sum is the score that was handed out', () => {
  near(sumOf(allocate(Float64Array.of(3, 4, 7), (i) => Number(i === 2), 30)), 30);
});

test('of a real event the contributions make up its score, and say who spoke loudest', () => {
  const fleet = workedFleet();
  const trace = fleet.model.newSession();
  const later = MONDAY + 8 * UNITS.DAY_MS;
  const strange = { identity: 'agent-1', tool: 'send_money', operation: 'export', resources: ['account-9'] } as const;
  const network = { source: { ip: '203.0.113.9', network: 'internet' } };
  const events = [
    ...ordinarySession(seeded(7), later, 'agent-1'),
    event({ ...strange, ...network, time: later + UNITS.MINUTE_MS, volume: { bytes_out: 9e7 } }),
  ];
  for (const one of events) {
    const input = fleet.input(one, trace);
    const score = fleet.model.score(input);
    const contributions = fleet.model.contributions(input, score);
    assert.ok(Math.abs(sumOf(contributions.map(({ bits }) => bits)) - score.bits) <= 0.005 * DETECTORS.length);
    if (score.bits > 0) near(Math.round(sumOf(contributions.map(({ share }) => share)) * 50), 50);
    const bits = contributions.map((one) => one.bits);
    assert.deepEqual(
      bits,
      bits.toSorted((a, b) => b - a),
    );
    assert.ok(contributions.every(({ detector }) => DETECTORS.some(({ name }) => name === detector)));
    fleet.model.observe(input, score);
  }
});

test('who made nothing of a score is not listed', () => {
  const bits = new Float64Array(DETECTORS.length);
  assert.deepEqual(contributionsFrom(DETECTORS, bits), []);
  bits[2] = 6.004;
  bits[5] = 2;
  assert.deepEqual(contributionsFrom(DETECTORS, bits), [
    { detector: DETECTORS[2]?.name, bits: 6, share: 0.75 },
    { detector: DETECTORS[5]?.name, bits: 2, share: 0.25 },
  ]);
});
