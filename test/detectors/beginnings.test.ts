import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AT, upgradeWords } from '../../detectors/layout.ts';
import { RECORDS_AT, TRACE, type Trace } from '../../detectors/trace.ts';
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

for (const [layout, length] of [
  [1, AT.new_tools],
  [2, AT.access],
  [3, AT.peer_label],
] as const) {
  test(`words of layout ${layout} keep what they hold, and what came later begins at nothing`, () => {
    const fleet = workedFleet({ days: 1 });
    const words = fleet.words('agent-0');
    const upgraded = upgradeWords(words.slice(0, length), layout);
    assert.equal(upgraded.length, words.length);
    assert.deepEqual(upgraded.subarray(0, length), words.subarray(0, length));
    assert.ok(upgraded.subarray(length).every((word) => word === 0));
    assert.throws(() => upgradeWords(words, layout), RangeError);
  });
}

test('a session stored with layout 2 goes on, and teaches what it recorded', () => {
  const fleet = workedFleet({ days: 1 });
  const trace = fleet.model.newSession();
  const events = ordinarySession(seeded(5), fleet.log_ms, 'agent-1');
  for (const one of events) {
    const input = fleet.input(one, trace);
    fleet.model.observe(input, fleet.model.score(input));
  }
  const bytes = fleet.model.encodeSession(trace);
  const words = new Uint32Array(new Uint8Array(bytes).buffer);
  const older = Uint32Array.from([...words.subarray(0, TRACE.accesses), ...words.subarray(RECORDS_AT)]);
  older[TRACE.length] = older.length;
  const restored = fleet.model.decodeSession(new Uint8Array(older.buffer), 2);
  const again = fleet.model.decodeSession(bytes) as Trace;
  again.u32.fill(0, TRACE.accesses, RECORDS_AT);
  assert.deepEqual(fleet.model.encodeSession(restored), fleet.model.encodeSession(again));
  assert.equal(restored.events, events.length);
  assert.throws(() => fleet.model.decodeSession(new Uint8Array(older.buffer.slice(0, 40)), 2), RangeError);
});
