import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScoredEvent } from '../../schemas/outputs.ts';
import { createEventPacker } from '../../services/platform/clickhouse/event-packer.ts';
import { RowBinaryWriter } from '../../services/platform/clickhouse/row-binary.ts';
import { EVENTS } from '../../services/platform/clickhouse/tables/events.ts';
import { canonical, HOSTILE, NOON, scored } from '../support/store-fixtures.ts';

const bytesOf = (rows: readonly ScoredEvent[]): Buffer => {
  const writer = new RowBinaryWriter();
  for (const row of rows) EVENTS.write(writer, row);
  return Buffer.from(writer.bytes());
};

/** Every text that breaks what is put together carelessly, and more than one chunk of them. */
const ROWS = Array.from({ length: 400 }, (_, i) => {
  const odd = HOSTILE[i % HOSTILE.length] as string;
  const event = canonical('tenant', `event-${i}`, {
    purpose: odd,
    observed_time: NOON + i,
    resources: [
      { id: odd, classification: 'pii' },
      { id: `r${i}`, store: odd },
    ],
    volume: { bytes_out: i + 0.5, records: i },
    flags: ['escaped', 'truncated'],
    unmapped: { odd },
  });
  return scored(event, { offset: i, partition: i % 7, flags: 3, parts: [i, 0, 0.25] });
});

test('packed rows are written with the same bytes, in any order and together with others', () => {
  const pack = createEventPacker();
  const packed = ROWS.map(pack);
  assert.deepEqual(bytesOf(packed), bytesOf(ROWS));
  assert.deepEqual(bytesOf(packed.toReversed()), bytesOf(ROWS.toReversed()));
  const mixed = ROWS.map((row, i) => (i % 2 === 0 ? row : (packed[i] as ScoredEvent)));
  assert.deepEqual(bytesOf(mixed), bytesOf(ROWS));
});

test('a packed row still tells what it is made of', () => {
  const pack = createEventPacker();
  for (const row of ROWS.map(pack).map((packed, i) => ({ packed, was: ROWS[i] as ScoredEvent }))) {
    const { packed, was } = row;
    const { event, partition, offset, log_time, bits, parts, flags } = packed;
    assert.deepEqual({ event, partition, offset, log_time, bits, parts, flags }, was);
  }
});

test('a row that no column can hold stays as it is, and its neighbours are whole', () => {
  const pack = createEventPacker();
  const [first, second] = ROWS as [ScoredEvent, ScoredEvent];
  const impossible = { ...first, event: { ...first.event, volume: { records: 0.5 } } };
  const packed = [first, impossible, second].map(pack);
  assert.equal(packed[1], impossible);
  assert.deepEqual(bytesOf([packed[0], packed[2]] as ScoredEvent[]), bytesOf([first, second]));
});
