import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interrupted, storyLog, traceOf, uninterrupted } from './chaos.ts';

/** Set by hand for a long search. */
const SEEDS = Number(process.env.STORY_SEEDS ?? 60);

test('whatever dies wherever, the stories and their alerts are those of one uninterrupted run', async () => {
  let [deaths, alerts] = [0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const log = await storyLog(seed);
    const reference = await uninterrupted(log);
    const outcome = await interrupted(log, seed);
    assert.deepEqual(outcome.store.conflicts, [], `seed ${seed}`);
    const [expected, actual] = [await traceOf(reference), await traceOf(outcome)];
    for (const [key, text] of expected) assert.equal(actual.get(key), text, `seed ${seed}: ${key}`);
    assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort(), `seed ${seed}`);
    deaths += outcome.deaths;
    alerts += reference.store.alerts.size;
  }
  assert.ok(
    deaths > SEEDS && alerts > SEEDS,
    `${deaths} deaths, ${alerts} alert revisions: too little to mean anything`,
  );
});
