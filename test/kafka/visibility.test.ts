import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type LogRecord, OffsetOutOfRange } from '../../services/platform/event-log.ts';
import { createVisibility } from '../../services/platform/kafka/visibility.ts';

const MOST = { records: 10, bytes: 1_000 };
const written: LogRecord = { offset: 4, append_ms: 1, key: 'k', value: Buffer.from('ours') };

/** A partition with a record of ours at 4 and its marker at 5, which stands there once somebody has waited. */
function partition() {
  const offsets = { start: 4, stable: 4, end: 5 };
  const reader = {
    offsets: async () => ({ ...offsets }),
    read: async (topic: string, number: number, offset: number) => {
      if (offset > offsets.stable) {
        throw new OffsetOutOfRange(`source:${topic}`, number, offset, { start: 4, end: offsets.stable });
      }
      const records = offset <= 4 && offsets.stable > 4 ? [written] : [];
      return { records, next: offsets.stable };
    },
  };
  const clock = {
    now: () => 0,
    elapsed: () => 0,
    sleep: async () => {
      offsets.stable = 6;
      offsets.end = 6;
    },
  };
  return { offsets, visibility: createVisibility({ clock, reader }) };
}

describe('what a handle has written', () => {
  test('it reads, however late the marker', async () => {
    const { visibility } = partition();
    visibility.wrote('t', 0, 5);
    assert.deepEqual(await visibility.read('t', 0, 4, MOST), { records: [written], next: 6 });
  });

  test('is within the bounds that it is told', async () => {
    const { visibility } = partition();
    visibility.wrote('t', 0, 5);
    assert.deepEqual(await visibility.bounds('t', 0), { start: 4, end: 6 });
  });

  test('is not out of range for who goes on behind it', async () => {
    const { visibility } = partition();
    visibility.wrote('t', 0, 5);
    assert.deepEqual(await visibility.read('t', 0, 5, MOST), { records: [], next: 6 });
  });

  test('is waited for in its partition only, and not in a topic that was made anew', async () => {
    const other = partition();
    other.visibility.wrote('t', 1, 5);
    assert.deepEqual(await other.visibility.read('t', 0, 4, MOST), { records: [], next: 4 });
    const anew = partition();
    anew.visibility.wrote('t', 0, 100);
    assert.deepEqual(await anew.visibility.bounds('t', 0), { start: 4, end: 4 });
  });
});
