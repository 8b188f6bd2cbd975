import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coverageOf, type StateFacts, stateFactsOf } from '../../detectors/coverage.ts';
import { AT, WORDS } from '../../detectors/layout.ts';
import { hear, lookAtSilence } from '../../detectors/silence/silence.ts';
import { StateSlab } from '../../detectors/state.ts';
import { UNITS } from '../../schemas/limits.ts';
import { MONDAY } from './fleet.ts';

const { DAY_MS, HOUR_MS } = UNITS;

const state: StateFacts = {
  maturity: 'mature',
  sessions: 1_234,
  now_ms: MONDAY,
  heard_ms: MONDAY,
  silent_ms: undefined,
  silence_bits: 0,
  drift_bits: 0,
};
const counted = { events: 100, late: 0, unsized: 0 };

const statuses = (facts: Parameters<typeof coverageOf>[0]): string[] => coverageOf(facts).map(({ status }) => status);

test('an identity of which all is well is mature, and nothing else', () => {
  assert.deepEqual(coverageOf({ state, counted, unresolved: false }), [
    { status: 'mature', detail: '1,234 sessions learned' },
  ]);
});

test('each status has its cause', () => {
  const of = (change: Partial<StateFacts>): string[] => statuses({ state: { ...state, ...change }, unresolved: false });
  assert.deepEqual(of({ maturity: 'learning' }), ['learning']);
  assert.deepEqual(of({ silent_ms: MONDAY - DAY_MS, silence_bits: 14 }), ['mature', 'silent']);
  assert.deepEqual(of({ silence_bits: 5.9 }), ['mature']);
  assert.deepEqual(of({ silence_bits: 6 }), ['mature', 'stale']);
  assert.deepEqual(of({ heard_ms: MONDAY - 30 * DAY_MS }), ['mature', 'stale']);
  assert.deepEqual(of({ heard_ms: undefined, silence_bits: 9 }), ['mature']);
  assert.deepEqual(of({ drift_bits: 12 }), ['mature', 'drifted']);
  const counts = (change: Partial<typeof counted>): string[] =>
    statuses({ state, counted: { ...counted, ...change }, unresolved: false });
  assert.deepEqual(counts({ late: 4 }), ['mature']);
  assert.deepEqual(counts({ late: 5 }), ['mature', 'late_data']);
  assert.deepEqual(counts({ unsized: 50 }), ['mature', 'unknown_sizes']);
  assert.deepEqual(counts({ events: 0 }), ['mature']);
  assert.deepEqual(statuses({ unresolved: true, muted: 'suppressed by ana until Friday' }), [
    'learning',
    'muted',
    'unresolved',
  ]);
});

test('what it says names the number behind it', () => {
  const facts = {
    state: { ...state, silent_ms: MONDAY },
    counted: { events: 8, late: 1, unsized: 8 },
    unresolved: false,
  };
  assert.deepEqual(
    coverageOf(facts).map(({ detail }) => detail),
    [
      '1,234 sessions learned',
      'silent since 2026-01-05 09:00 UTC',
      '13 % of its events came too late or too early',
      '100 % of its events tell no size',
    ],
  );
});

test('the words of a state tell when it was heard of, how silent it is and how far it drifted', () => {
  const words = new StateSlab(WORDS).take();
  assert.deepEqual(stateFactsOf(words, 'learning', MONDAY), {
    ...state,
    maturity: 'learning',
    sessions: 0,
    heard_ms: undefined,
  });
  words.u32[words.at + AT.sessions] = 60;
  words.f32[words.at + AT.drift + 1] = 10;
  const last = MONDAY + 20 * DAY_MS;
  for (let at = MONDAY; at <= last; at += HOUR_MS) hear(words, at);
  const overdue = stateFactsOf(words, 'mature', last + 6 * HOUR_MS);
  assert.deepEqual([overdue.heard_ms, overdue.silent_ms, overdue.sessions], [last, undefined, 60]);
  assert.ok(overdue.silence_bits > 6 && overdue.drift_bits > 10);
  assert.ok(lookAtSilence(words, last + 2 * DAY_MS, 10).found !== undefined);
  assert.equal(stateFactsOf(words, 'mature', last + 2 * DAY_MS).silent_ms, last + HOUR_MS);
});
