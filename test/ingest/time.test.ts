import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRfc3339 } from '../../services/ingest/time.ts';
import { accepted, input, MONDAY_MS, refused } from './support.ts';

test('every instant that toISOString writes is read back', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('2199-12-31T23:59:59.999Z'), noInvalidDate: true }),
      (date) => {
        assert.equal(parseRfc3339(date.toISOString()), date.getTime());
      },
    ),
    { numRuns: 2_000 },
  );
});

test('offsets, fractions and lower case count as RFC 3339 says', () => {
  const nine = MONDAY_MS;
  for (const [text, expected] of [
    ['2025-03-03T09:00:00Z', nine],
    ['2025-03-03t09:00:00z', nine],
    ['2025-03-03T09:00:00.5Z', nine + 500],
    ['2025-03-03T09:00:00.123456789Z', nine + 123],
    ['2025-03-03T10:30:00+01:30', nine],
    ['2025-03-02T23:00:00-10:00', nine],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['2017-01-01T00:59:60+01:00', Date.UTC(2017, 0, 1)],
  ] as const) {
    assert.equal(parseRfc3339(text), expected, text);
  }
});

test('what Date.parse would let pass is no time', () => {
  for (const text of [
    '2025-03-03',
    '2025-03-03T09:00:00',
    '2025-03-03 09:00:00Z',
    '2025-3-3T9:00:00Z',
    '2025-02-29T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-00-01T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T00:60:00Z',
    '2025-01-01T00:00:61Z',
    '2025-01-01T12:00:60Z',
    '2025-01-01T00:00:00.Z',
    '2025-01-01T00:00:00+0100',
    '2025-01-01T00:00:00+24:00',
    '2025-01-01T00:00:00Z ',
    '2025-01-01T00:00:00ZZ',
    'Mon, 03 Mar 2025 09:00:00 GMT',
    '+02025-01-01T00:00:00Z',
    '٢٠٢٥-01-01T00:00:00Z',
  ]) {
    assert.ok(Number.isNaN(parseRfc3339(text)), text);
  }
});

test('milliseconds since 1970 are taken as they are', () => {
  assert.equal(accepted(input({ time: MONDAY_MS })).time, MONDAY_MS);
});

const bad = (time: unknown): [string, string] => {
  const letter = refused(input({ time }));
  return [letter.reason, letter.message];
};

test('a time in another unit is refused with the remedy', () => {
  for (const [time, unit] of [
    [MONDAY_MS / 1000, 'seconds'],
    [MONDAY_MS * 1000, 'microseconds'],
    [MONDAY_MS * 1_000_000, 'nanoseconds'],
  ] as const) {
    const [reason, message] = bad(time);
    assert.equal(reason, 'time_out_of_range');
    assert.match(message, new RegExp(`^time: ${time} looks like ${unit} \\(`));
  }
});

test('1970 and 2100 are out of range, in both forms', () => {
  for (const time of [0, 1, '1970-01-01T00:00:00Z', '1999-12-31T23:59:59.999Z', '2100-01-01T00:00:00.001Z', 9e15, -1]) {
    const [reason, message] = bad(time);
    assert.equal(reason, 'time_out_of_range', String(time));
    assert.match(message, /correct the clock|looks like/);
  }
  assert.equal(accepted(input({ time: '2100-01-01T00:00:00Z' })).time, Date.UTC(2100, 0, 1));
});

test('what is no time at all is invalid', () => {
  for (const time of ['yesterday noon', 'x', '', true, [], {}, 1.5, MONDAY_MS + 0.5]) {
    const [reason] = bad(time);
    assert.equal(reason, time === 1.5 ? 'time_out_of_range' : 'time_invalid', JSON.stringify(time));
  }
  assert.equal(refused({ ...input(), time: undefined }).reason, 'schema_mismatch');
});

test('the observed time is held to the same rules and named', () => {
  const letter = refused(input({ observed_time: '2025-03-03' }));
  assert.deepEqual([letter.reason, letter.field], ['time_invalid', 'observed_time']);
});
