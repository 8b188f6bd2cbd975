import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timers } from '../../services/detect/timers.ts';

test('entries come out by time, then key, and none before its time', () => {
  const entry = fc.record({ due: fc.nat(50), key: fc.constantFrom('a', 'b', 'c', 'd') });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 200 }), fc.array(fc.nat(60)), (entries, looks) => {
      const timers = new Timers();
      for (const { due, key } of entries) timers.push(due, key);
      const ordered = entries.toSorted((a, b) => a.due - b.due || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
      for (const now of looks.toSorted((a, b) => a - b)) {
        for (let next = timers.popDue(now); next !== undefined; next = timers.popDue(now)) {
          const expected = ordered.shift();
          assert.deepEqual([next.due, next.key], [expected?.due, expected?.key]);
          assert.ok(next.due <= now);
        }
        assert.ok(ordered[0] === undefined || ordered[0].due > now);
      }
      assert.equal(timers.size, ordered.length);
    }),
  );
});

test('pushing between pops keeps the order', () => {
  const timers = new Timers();
  for (const due of [5, 1, 9]) timers.push(due, 'k');
  assert.equal(timers.popDue(1)?.due, 1);
  timers.push(3, 'k');
  timers.push(3, 'j');
  assert.deepEqual(
    [timers.popDue(9), timers.popDue(9), timers.popDue(9)].map((timer) => `${timer?.due}${timer?.key}`),
    ['3j', '3k', '5k'],
  );
  assert.equal(timers.popDue(8), undefined);
});
