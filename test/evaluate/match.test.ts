import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hitOf, ownerOf, ownerOfTime, peaksOf, truthOf } from './fleet/match.ts';
import { alert, DAY, finding, label, MINUTE, START } from './support.ts';

const truth = truthOf(label());
const row = (id: string, minute: number, bits: number) => ({ id, time: START + minute * MINUTE, bits, bytes: 0 });

describe('what catches a story', () => {
  test('an alert that rests on one of its events, counted in events and minutes', () => {
    const hit = hitOf(truth, [alert([finding(['x', 'c', 'b'], START + 3 * MINUTE)])]);
    assert.equal(hit?.events, 1);
    assert.equal(hit?.minutes, 3);
    assert.equal(hit?.family, 'data_volume');
  });

  test('not an alert on its identity that rests on something else, nor one on somebody else', () => {
    assert.equal(hitOf(truth, [alert([finding(['x'], START + MINUTE)])]), undefined);
    assert.equal(hitOf(truth, [alert([finding(['a'], START)], { identity: 'other' })]), undefined);
    assert.equal(hitOf(truth, []), undefined);
  });

  test('the earliest finding of all alerts, also where the alert began before the story', () => {
    const late = alert([finding(['c'], START + 9 * MINUTE)]);
    const early = alert([finding(['x'], START - MINUTE), finding(['b'], START + 4 * MINUTE)]);
    const hit = hitOf(truth, [late, early]);
    assert.deepEqual([hit?.events, hit?.minutes], [1, 4]);
  });

  test('explained by the strongest of the findings about the first event', () => {
    const at = START + MINUTE;
    const hit = hitOf(truth, [
      alert([
        finding(['a'], at, { bits: 11, family: 'tool_usage' }),
        finding(['a'], at, { bits: 17, family: 'retrieval_pattern', pattern: 'resource_sweep' }),
        finding(['c'], at + MINUTE, { bits: 30 }),
      ]),
    ]);
    assert.deepEqual([hit?.family, hit?.pattern, hit?.bits], ['retrieval_pattern', 'resource_sweep', 17]);
  });

  test('any of its identities will do', () => {
    const both = truthOf(label({ identities: ['agent', 'second'] }));
    assert.equal(hitOf(both, [alert([finding(['b'], START)], { identity: 'second' })])?.events, 1);
  });

  test('a story without events is caught within its time span, by the clock of the log', () => {
    const silence = truthOf(label({ event_ids: [], events: 0, last_time: START + DAY }));
    const before = alert([finding(['x'], START - MINUTE)]);
    const within = alert([finding(['x'], START - MINUTE, { log_time: START + 90 * MINUTE })]);
    assert.equal(hitOf(silence, [before]), undefined);
    assert.deepEqual([hitOf(silence, [within])?.events, hitOf(silence, [within])?.minutes], [0, 90]);
  });
});

describe('peaks', () => {
  test('are the events of the story that outdid all of it before, in the order of the story', () => {
    const rows = [row('b', 1, 9), row('x', 2, 40), row('a', 0, 7), row('c', 2, 8), row('c', 3, 12)];
    assert.deepEqual(
      peaksOf(truth, rows, []).map(({ events, minutes, bits }) => [events, minutes, bits]),
      [
        [0, 0, 7],
        [1, 1, 9],
        [2, 3, 12],
      ],
    );
  });

  test('of a story without events are its findings', () => {
    const silence = truthOf(label({ event_ids: [], events: 0 }));
    const alerts = [alert([finding(['x'], START + MINUTE, { bits: 14 })]), alert([finding(['x'], START + DAY)])];
    assert.deepEqual(peaksOf(silence, [], alerts), [{ events: 0, minutes: 1, bits: 14 }]);
  });
});

describe('whose an alert is', () => {
  const storm = truthOf(label({ story: 'retry_storm', kind: 'benign', identity: 'busy', event_ids: ['r'], events: 1 }));
  const truths = [truth, storm];
  const owner = (one: Parameters<typeof ownerOf>[0]) => ownerOf(one, truths).owner;

  test("an attack's when it rests on it, beside it in its time, else nobody's", () => {
    assert.equal(owner(alert([finding(['a'], START)])), 'attack');
    assert.equal(owner(alert([finding(['x'], START + MINUTE)])), 'beside');
    assert.equal(owner(alert([finding(['x'], START + 2 * DAY)])), 'nobody');
    assert.equal(owner(alert([finding(['x'], START - MINUTE)])), 'nobody');
  });

  test("a look-alike's by either rule", () => {
    const on = { identity: 'busy' };
    assert.deepEqual(ownerOf(alert([finding(['r'], START)], on), truths), {
      owner: 'look_alike',
      story: 'retry_storm',
    });
    assert.equal(owner(alert([finding(['x'], START + MINUTE)], on)), 'look_alike');
    assert.equal(owner(alert([finding(['x'], START + MINUTE)], { identity: 'other' })), 'nobody');
  });

  test('a day of an identity is judged by its span', () => {
    assert.equal(ownerOfTime(truths, 'agent', START - DAY, START - 1).owner, 'nobody');
    assert.equal(ownerOfTime(truths, 'agent', START - DAY, START).owner, 'beside');
    assert.equal(ownerOfTime(truths, 'busy', START, START + DAY).owner, 'look_alike');
  });
});
