import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LIMITS } from '../../schemas/limits.ts';
import { itemsOfRecord } from '../../services/ingest/raw-items.ts';

const itemsOf = (value: string | Buffer) =>
  itemsOfRecord({ value: Buffer.from(value) }, 't/0/7', []).map(({ bytes, position, broken }) => {
    return broken === undefined ? [position, bytes.toString()] : [position, broken.refusal.reason];
  });

describe('the items of a record', () => {
  test('one object, with whatever stands around it', () => {
    for (const text of ['{"a":1}', '{"a":1}\n', ' {"a":1}', '\n\n{"a":1}\r\n']) {
      assert.deepEqual(
        itemsOf(text).map(([, item]) => JSON.parse(item ?? '')),
        [{ a: 1 }],
        JSON.stringify(text),
      );
    }
    assert.deepEqual(itemsOf('\ufeff{"a":1}'), [['t/0/7:1', '{"a":1}']]);
  });

  test('one object that stands on several lines', () => {
    const text = JSON.stringify({ a: { b: [{ c: 1 }, {}] }, d: {} }, null, 2);
    assert.deepEqual(itemsOf(text), [['t/0/7', text]]);
    assert.deepEqual(itemsOf(text.slice(0, -1)), [['t/0/7', text.slice(0, -1)]], 'also when it breaks off');
  });

  test('NDJSON, whatever its first line is', () => {
    const lines = [
      ['t/0/7:1', '{"a":1}'],
      ['t/0/7:2', '{"b":2}'],
    ];
    assert.deepEqual(itemsOf('{"a":1}\n{"b":2}'), lines);
    assert.deepEqual(
      itemsOf('{"a":1}\r\n{"b":2}\r\n').map(([position, text]) => [position, text?.trim()]),
      lines,
    );
    assert.deepEqual(itemsOf('{"a":\n{"b":2}\n'), [
      ['t/0/7:1', '{"a":'],
      ['t/0/7:2', '{"b":2}'],
    ]);
    assert.deepEqual(itemsOf('nonsense\n{"b":2}'), [
      ['t/0/7:1', 'nonsense'],
      ['t/0/7:2', '{"b":2}'],
    ]);
  });

  test('a list', () => {
    assert.deepEqual(itemsOf(' [{"a":1},\n 7]'), [
      ['t/0/7[0]', '{"a":1}'],
      ['t/0/7[1]', '7'],
    ]);
    assert.deepEqual(itemsOf('[{"a":1}'), [
      ['t/0/7[0]', '{"a":1}'],
      ['t/0/7[1]', 'truncated_input'],
    ]);
  });

  test('nothing in it is told, and so is too much', () => {
    for (const text of ['', ' \n\n', '[]', '\ufeff'])
      assert.deepEqual(itemsOf(text), [['t/0/7', 'empty_record']], text);
    assert.deepEqual(
      itemsOfRecord({ value: Buffer.alloc(0), tombstone: true }, 't/0/7', [])[0]?.broken?.refusal.message.includes(
        'tombstone',
      ),
      true,
    );
    const most = LIMITS.raw_record_items_max;
    assert.equal(itemsOf(`[${'1,'.repeat(most - 1)}1]`).length, most);
    assert.deepEqual(itemsOf(`[${'1,'.repeat(most)}1]`), [['t/0/7', 'too_many_items']]);
    assert.deepEqual(itemsOf('x\n'.repeat(most + 1)), [['t/0/7', 'too_many_items']]);
    assert.deepEqual(itemsOf(gzipSync('{"a":1}')), [['t/0/7', 'invalid_utf8']]);
  });

  test('a broken record keeps its first bytes and its length', () => {
    const value = Buffer.from(`[${'1,'.repeat(500_000)}1]`);
    const [item] = itemsOfRecord({ value }, 't/0/7', []);
    assert.equal(item?.broken?.length, value.length);
    assert.equal(item?.bytes.length, LIMITS.dead_letter_bytes_max);
  });
});
