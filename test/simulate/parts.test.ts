import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { task } from '../../services/simulate/catalogue/grammar.ts';
import { POOLS } from '../../services/simulate/catalogue/pools.ts';
import { exp, ln } from '../../services/simulate/fleet/exact.ts';
import { mergeByTime } from '../../services/simulate/fleet/merge.ts';
import { below, logNormal, opaqueId, stream, unit, zipf } from '../../services/simulate/fleet/random.ts';

describe('exact arithmetic', () => {
  it('agrees with the logarithm and exponential of the engine', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1e15, noNaN: true }), (x) => {
        assert.ok(Math.abs(ln(x) - Math.log(x)) < 1e-11 * Math.max(1, Math.abs(Math.log(x))), `ln ${x}`);
      }),
    );
    fc.assert(
      fc.property(fc.double({ min: -30, max: 40, noNaN: true }), (x) => {
        assert.ok(Math.abs(exp(x) / Math.exp(x) - 1) < 1e-11, `exp ${x}`);
      }),
    );
  });
});

describe('seeded randomness', () => {
  it('gives streams that repeat by path and differ between paths', () => {
    const draws = (...path: (string | number)[]): number[] => {
      const random = stream(5, ...path);
      return Array.from({ length: 8 }, () => unit(random));
    };
    assert.deepEqual(draws('lane', 1, 2), draws('lane', 1, 2));
    assert.notDeepEqual(draws('lane', 1, 2), draws('lane', 2, 1));
  });

  it('draws what it promises', () => {
    const random = stream(1, 'moments');
    const sizes = Array.from({ length: 20_000 }, () => logNormal(random, 1000, 1)).sort((a, b) => a - b);
    const median = sizes[10_000] ?? 0;
    const high = sizes[Math.floor(0.8413 * 20_000)] ?? 0;
    assert.ok(median > 950 && median < 1050, `median ${median}`);
    assert.ok(high / median > 2.5 && high / median < 2.95, `one sigma ${high / median}`);
    const ranks = Array.from({ length: 20_000 }, () => zipf(random, 1000));
    assert.ok(ranks.every((rank) => Number.isInteger(rank) && rank >= 0 && rank < 1000));
    const first = ranks.filter((rank) => rank === 0).length / 20_000;
    assert.ok(first > 0.08 && first < 0.12, `first rank ${first}`);
    assert.ok(Array.from({ length: 1000 }, () => below(random, 3)).every((n) => n < 3));
  });

  it('makes ids that are distinct and tell nothing', () => {
    const ids = new Set<string>();
    for (let high = 0; high < 100; high++) for (let low = 0; low < 200; low++) ids.add(opaqueId(9, high, low));
    assert.equal(ids.size, 20_000);
    assert.ok([...ids].every((id) => /^[0-9a-f]{16}$/.test(id)));
  });
});

describe('merge', () => {
  it('is a sort by time, sources of the same time in their order', () => {
    const sources = fc.array(fc.array(fc.nat(50), { maxLength: 12 }), { maxLength: 9 });
    fc.assert(
      fc.property(sources, (lists) => {
        const tagged = lists.map((list, source) =>
          list.toSorted((a, b) => a - b).map((time_ms) => ({ time_ms, source })),
        );
        const expected = tagged.flat().sort((a, b) => a.time_ms - b.time_ms || a.source - b.source);
        assert.deepEqual([...mergeByTime(tagged.map((list) => list[Symbol.iterator]()))], expected);
      }),
    );
  });
});

describe('catalogue', () => {
  it('reads tasks', () => {
    const [first, second, third] = task(
      't',
      'p',
      'git.read_file{2,7} mail.send_message?0.2 cluster.restart_deployment|cluster.scale_deployment?',
    ).steps;
    assert.deepEqual([first?.low, first?.high, first?.probability], [2, 7, 1]);
    assert.equal(second?.probability, 0.2);
    assert.deepEqual([third?.tools.length, third?.probability], [2, 0.5]);
  });

  it('refuses what is no task', () => {
    assert.throws(() => task('t', 'p', 'git.read_file{2'), SyntaxError);
    assert.throws(() => task('t', 'p', 'git.read_fiel'), RangeError);
  });

  it('names the resources of large pools apart', () => {
    for (const pool of Object.values(POOLS)) {
      const size = Math.floor(Math.min(pool.initial, 6000));
      const names = new Set(Array.from({ length: size }, (_, index) => pool.id(index)));
      assert.equal(names.size, size, `${pool.name}: ${names.size} names for ${size} resources`);
    }
  });
});
