import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { simulateFleet } from '../../services/simulate/simulate.ts';
import { DAY_MS, request, START_MS } from './support.ts';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

function heapAfterCollection(): number {
  assert.ok(typeof collect === 'function');
  collect();
  return process.memoryUsage().heapUsed;
}

describe('a large fleet', () => {
  it('streams 1,000 identities over 30 days in memory that does not grow with the days', () => {
    const { stories: _, ...asked } = request({ identities: 1000, days: 30 });
    const identities = new Set<string>();
    let [events, labels, early, next_day] = [0, 0, 0, 3];
    let largest = 0;
    for (const item of simulateFleet(asked)) {
      if (item.kind === 'label') {
        labels += 1;
        continue;
      }
      events += 1;
      identities.add(item.event.identity.id);
      if (item.time_ms < START_MS + next_day * DAY_MS) continue;
      const heap = heapAfterCollection();
      if (next_day === 3) early = heap;
      largest = Math.max(largest, heap);
      next_day += 9;
    }
    assert.ok(events > 1_000_000, `${events} events`);
    assert.ok(identities.size > 990, `${identities.size} identities`);
    assert.equal(labels, 10);
    assert.ok(largest - early < 8_000_000, `heap ${early} on day 3, at most ${largest}`);
    assert.ok(largest < 200_000_000, `heap ${largest}`);
  });
});
