import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { upgradeWords } from '../../detectors/layout.ts';
import { UNITS } from '../../schemas/limits.ts';
import { event, Fleet, MONDAY, ordinarySession, seeded, workedFleet } from './fleet.ts';

/** What is said while little is known: nothing follows from nothing, and a group believes what several members do. */

describe('a fleet that has learned nothing', () => {
  test('rarity has nothing to say', () => {
    const fleet = new Fleet();
    const strange = event({
      identity: 'a',
      time: MONDAY,
      tool: 'restart_deployment',
      operation: 'execute',
      resources: [{ id: 'prod/billing', store: 'prod', classification: 'restricted' }],
    });
    const { parts } = fleet.model.score(fleet.input(strange));
    for (const [i, bits] of parts.entries()) assert.equal(bits, 0, fleet.model.detectors[i]!.name);
  });

  test('its first day stays below every alert, however new everything is', () => {
    const fleet = new Fleet();
    const random = seeded(4);
    for (let i = 0; i < 40; i++) {
      for (const score of fleet.session(ordinarySession(random, MONDAY + i * 20 * UNITS.MINUTE_MS, `agent-${i % 4}`))) {
        assert.ok(score.bits < fleet.prior.alert_bits / 2, `${score.bits}`);
      }
      if (i % 5 === 0) fleet.adoptPrior();
    }
  });

  test('no sentence argues with nothing', () => {
    const fleet = new Fleet();
    for (let i = 0; i < 40; i++) {
      const trace = fleet.model.newSession();
      for (const one of ordinarySession(seeded(i), MONDAY + i * UNITS.HOUR_MS, `agent-${i % 2}`)) {
        const input = fleet.input(one, trace);
        const score = fleet.model.score(input);
        for (const { sentence } of fleet.model.explain(input, score, 0)) {
          assert.doesNotMatch(sentence, /\b0 of 0\b|(?<![\d.])0(\.0)? %|in 0 (such|learned)/);
        }
        fleet.model.observe(input, score);
      }
      fleet.session(ordinarySession(seeded(i), MONDAY + i * UNITS.HOUR_MS + 1000, `agent-${i % 2}`));
      if (i % 8 === 7) fleet.adoptPrior();
    }
  });
});

test('a new tool surprises less once other members began to use it, though all these sessions were held', () => {
  const use = (identity: string, fleet: Fleet) => [
    event({
      identity,
      time: fleet.log_ms + 1000,
      tool: 'export_segment',
      operation: 'export',
      resources: ['segment-9'],
    }),
  ];
  const bitsAfter = (others: readonly string[]): number => {
    const fleet = workedFleet();
    for (const identity of others) {
      fleet.session(use(identity, fleet), { learn: false });
      fleet.session(ordinarySession(seeded(8), fleet.log_ms + 60_000, identity));
    }
    fleet.adoptPrior();
    return fleet.model.score(fleet.input(use('agent-4', fleet)[0]!)).bits;
  };
  const alone = bitsAfter([]);
  assert.ok(bitsAfter(['agent-0', 'agent-1', 'agent-2']) < alone / 2);
  assert.ok(Math.abs(bitsAfter(['agent-4', 'agent-4', 'agent-4']) - alone) < 2, 'nobody vouches for itself');
});

test('words of the first layout keep what they hold', () => {
  const fleet = workedFleet({ days: 1 });
  const words = fleet.words('agent-0');
  const upgraded = upgradeWords(words.slice(0, words.length - 3), 1);
  assert.deepEqual([...upgraded.slice(0, -3)], [...words.slice(0, -3)]);
  assert.deepEqual([...upgraded.slice(-3)], [0, 0, 0]);
});
