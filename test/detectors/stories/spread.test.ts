import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  chainBits,
  chainsLearned,
  learnChain,
  lengthTail,
  newSpread,
  shareTail,
} from '../../../detectors/stories/spread.ts';

const close = (actual: number, expected: number, within: number): void => {
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);
};

describe('how far something spreads', () => {
  test('the tail of the Beta-binomial is the sum of its terms', () => {
    // With a flat Beta every number of hits is as likely as any other.
    for (let n = 1; n < 8; n++) {
      for (let hits = 0; hits <= n; hits++) close(shareTail(n, hits, 1, 1), (n + 1 - hits) / (n + 1), 1e-12);
    }
    close(shareTail(1, 1, 0.1, 3.9), 0.1 / 4, 1e-12);
    close(shareTail(2, 2, 0.1, 3.9), ((0.1 / 4) * 1.1) / 5, 1e-12);
  });

  test('learned chances are those that were seen', () => {
    const spread = newSpread();
    for (let i = 0; i < 2_000; i++) learnChain(spread, { joins: i % 10 === 0 ? 1 : 0, across: 0, linked: 0 });
    assert.equal(chainsLearned(spread), 2_000);
    close(lengthTail(spread, newSpread(), 1), 0.1, 0.01);
    assert.ok(lengthTail(spread, newSpread(), 2) < lengthTail(spread, newSpread(), 1));
  });

  test('of a fleet where nothing spreads, three that take one thing up surprise; where all teams do so, they do not', () => {
    const quiet = newSpread();
    for (let i = 0; i < 500; i++) learnChain(quiet, { joins: 0, across: 0, linked: 0 });
    const lively = newSpread();
    for (let i = 0; i < 500; i++) learnChain(lively, { joins: i % 3 === 0 ? 5 : 0, across: 0, linked: 0 });
    const three = { joins: 2, across: 0, linked: 0 };
    assert.ok(chainBits(quiet, quiet, three) > 5);
    assert.ok(chainBits(lively, lively, three) < 1);
    assert.ok(chainBits(quiet, quiet, { joins: 2, across: 2, linked: 0 }) > 9);
  });

  test('other groups and handed-on work weigh more than neighbours', () => {
    const spread = newSpread();
    for (let i = 0; i < 200; i++) learnChain(spread, { joins: i % 20 === 0 ? 1 : 0, across: 0, linked: 0 });
    const near = chainBits(spread, spread, { joins: 2, across: 0, linked: 0 });
    const far = chainBits(spread, spread, { joins: 2, across: 2, linked: 0 });
    const passed = chainBits(spread, spread, { joins: 2, across: 2, linked: 2 });
    assert.ok(near < far && far < passed, `${near} < ${far} < ${passed}`);
  });

  test('under its own model, chains of so many bits are no more frequent than that', () => {
    // Chances as learned: 8 % are followed, half of those once more; one follower in five is of another group.
    const spread = newSpread();
    const draw = seeded(7);
    const play = () => {
      let joins = 0;
      let across = 0;
      for (let p = 0.08; draw() < p; p = 0.5) {
        joins++;
        if (draw() < 0.2) across++;
      }
      return { joins, across, linked: 0 };
    };
    for (let i = 0; i < 4_000; i++) learnChain(spread, play());
    const bits = Array.from({ length: 40_000 }, () => chainBits(spread, spread, play()));
    for (const level of [3, 5, 7]) {
      const share = bits.filter((b) => b >= level).length / bits.length;
      assert.ok(share <= 1.2 * 2 ** -level, `${share} reach ${level} bits`);
    }
  });

  test('bits are finite and not negative, whatever was learned', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ joins: fc.nat(15), across: fc.nat(15), linked: fc.nat(15) }), { maxLength: 60 }),
        fc.nat(15),
        fc.nat(15),
        (learned, joins, share) => {
          const spread = newSpread();
          for (const { joins, across, linked } of learned) {
            learnChain(spread, { joins, across: Math.min(across, joins), linked: Math.min(linked, joins) });
          }
          const bits = chainBits(spread, spread, { joins, across: Math.min(share, joins), linked: 0 });
          assert.ok(Number.isFinite(bits) && bits >= 0);
        },
      ),
    );
  });
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
