import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DedupMemory, type Seen } from '../../services/detect/dedup.ts';

const keyOf = (n: number): string => n.toString(16).padStart(8, '0').repeat(4);

/** The last `most` accepted events in a list: what the ring and its indexes have to equal. */
class Referee {
  readonly most: number;
  entries: { key: string; id: string; offset: number }[] = [];

  constructor(most: number) {
    this.most = most;
  }

  check(key: string, id: string, offset: number): Seen {
    if (this.entries.some((entry) => entry.key === key)) return 'duplicate';
    // A new entry takes the oldest one's place only after it was looked up.
    const reused = this.entries.some((entry) => entry.id === id);
    this.entries.push({ key, id, offset });
    if (this.entries.length > this.most) this.entries.shift();
    return reused ? 'id_reused' : 'new';
  }
}

test('the memory equals a list of the last events, through growth and wrap-around', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.record({ key: fc.nat(80), id: fc.nat(12) }), { minLength: 1, maxLength: 400 }),
      (most, events) => {
        const memory = new DedupMemory(most);
        const referee = new Referee(most);
        for (const [offset, { key, id }] of events.entries()) {
          const expected = referee.check(keyOf(key), `id${id}`, offset);
          assert.equal(memory.check(keyOf(key), 'origin', `id${id}`, offset), expected);
          assert.equal(memory.size, referee.entries.length);
          assert.equal(memory.from(-1), referee.entries[0]?.offset);
        }
      },
    ),
  );
});

test('keys that begin alike stay apart, and survive doubling', () => {
  const memory = new DedupMemory(10_000);
  const alike = (n: number): string => `00000001${n.toString(16).padStart(24, '0')}`;
  for (let n = 0; n < 3_000; n++) assert.equal(memory.check(alike(n), 'o', `e${n}`, n), 'new');
  for (let n = 0; n < 3_000; n++) assert.equal(memory.check(alike(n), 'o', `e${n}`, 3_000 + n), 'duplicate');
  assert.equal(memory.from(-1), 0);
});

test('an id belongs to its origin', () => {
  const memory = new DedupMemory();
  assert.equal(memory.check(keyOf(1), 'ab', 'c', 0), 'new');
  assert.equal(memory.check(keyOf(2), 'a', 'bc', 1), 'new');
  assert.equal(memory.check(keyOf(3), 'ab', 'c', 2), 'id_reused');
});

test('a memory rebuilt from what it held answers the same', () => {
  const seen = Array.from({ length: 100 }, (_, n) => ({ key: keyOf(n), id: `e${n % 7}`, offset: n * 3 }));
  const lived = new DedupMemory(16);
  for (const { key, id, offset } of seen) lived.check(key, 'o', id, offset);
  const rebuilt = new DedupMemory(16);
  for (const { key, id, offset } of seen) if (offset >= lived.from(0)) rebuilt.check(key, 'o', id, offset);
  assert.equal(rebuilt.from(0), lived.from(0));
  for (let n = 0; n < 120; n++) {
    assert.equal(
      rebuilt.check(keyOf(n), 'o', `e${n % 9}`, 1000 + n),
      lived.check(keyOf(n), 'o', `e${n % 9}`, 1000 + n),
    );
  }
});
