import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newPulse } from '../../detectors/silence/source.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { NamedPulse, Tallies } from '../../schemas/pulse.ts';
import { COVERAGE_CODES, coverageWarnings, sumPulses } from '../../services/api/coverage.ts';

const HOUR = Date.UTC(2026, 0, 5, 9) / 3_600_000 + 1;

function pulse(change: Partial<NamedPulse> = {}, silent = false, tallies: Partial<Tallies> = {}): NamedPulse {
  const made = newPulse();
  Object.assign(made.tallies, tallies);
  if (silent) Object.assign(made, { sum: 8, since: HOUR, hour: HOUR + 3 });
  return { of: 'source', name: 'gateway', recorded: false, pulse: made, ...change };
}

const warnings = (...partitions: NamedPulse[][]) =>
  coverageWarnings(sumPulses(partitions.map((pulses) => ({ pulses }))));

test('all is well where sources are heard of and say what they should', () => {
  assert.deepEqual(warnings(), []);
  assert.deepEqual(warnings([pulse({}, false, { events: 1_000, late: 99, unresolved: 99, unsized: 499 })]), []);
  const few = LIMITS.coverage_events_min - 1;
  assert.deepEqual(warnings([pulse({}, false, { events: few, late: few, unresolved: few, unsized: few })]), []);
});

test('a source and a peer group that fell silent are named, with since when and how far', () => {
  const group = { of: 'peer_group', name: 'default\u0000billing' } as const;
  const found = warnings([pulse({}, true), pulse(group)], [pulse(), pulse(group, true)]);
  assert.deepEqual(
    found.map(({ code }) => code),
    ['source_silent', 'peer_group_silent'],
  );
  assert.match(
    found[0]?.message ?? '',
    /of source gateway fell silent together, since 2026-01-05T09:00:00.000Z, in 1 of 2/,
  );
  assert.match(found[1]?.message ?? '', /of peer group billing fell silent/);
  const [recorded] = warnings([pulse({ recorded: true }, true)]);
  assert.match(recorded?.message ?? '', /gateway \(recorded\) fell silent together, since [^,]+Z: /);
});

test('late, unresolved and size-less events are warned of by their share over all partitions', () => {
  const bad = pulse({}, false, { events: 200, late: 40, unresolved: 40, unsized: 200 });
  const found = warnings([bad], [pulse({}, false, { events: 200 })]);
  assert.deepEqual(
    found.map(({ code }) => code),
    ['events_late', 'events_unresolved', 'sizes_unknown'],
  );
  assert.match(found[0]?.message ?? '', /^source gateway: 10 % of the events of the last day/);
  assert.ok(found.every(({ code }) => COVERAGE_CODES.includes(code)));
});
