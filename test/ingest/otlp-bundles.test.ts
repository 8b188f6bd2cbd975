import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { assertLimits } from '../../schemas/limits-agree.ts';
import { cutDepth, decodeBundle } from '../../services/ingest/decode.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { fitsProto } from '../../services/ingest/otlp/proto-fits.ts';
import { itemsOfRecord } from '../../services/ingest/raw-items.ts';
import { splitBody } from '../../services/ingest/split.ts';
import { toProto } from '../support/otlp-proto.ts';
import { attribute, auto, bytesOf, decide, json, kindsOf, lettersOf, span, traces } from './otlp-support.ts';
import { FLAT_MAPPING, input, mappingOf } from './support.ts';

describe('bounds of a bundle', () => {
  test('more bytes than an item may have, when it is a bundle', () => {
    const padded = traces([span(1, { attributes: [attribute('x', 'y'.repeat(LIMITS.item_bytes_max))] }), span(2)]);
    for (const bytes of [json(padded), toProto(padded)]) assert.equal(decide(bytes).length, 2);
    const other = Buffer.from(JSON.stringify({ ...input(), purpose: 'y'.repeat(LIMITS.item_bytes_max) }));
    assert.deepEqual(
      lettersOf(decide(other)).map(({ reason, message }) => [
        reason,
        message.includes(`more than ${LIMITS.item_bytes_max};`),
      ]),
      [['item_too_large', true]],
    );
    const mapped = normalisersOf('auto', [mappingOf(FLAT_MAPPING)]);
    const flat = Buffer.from(JSON.stringify({ event_id: 'e', ts: 1, who: 'w', x: 'y'.repeat(LIMITS.item_bytes_max) }));
    assert.equal(lettersOf(decide(flat, mapped))[0]?.reason, 'item_too_large');
  });

  test('and no more than a bundle may have', () => {
    for (const make of [json, toProto]) {
      const bytes = make(traces([span(1, { attributes: [attribute('x', 'y'.repeat(LIMITS.bundle_bytes_max))] })]));
      const [letter, ...more] = lettersOf(decide(bytes));
      assert.deepEqual([letter?.reason, letter?.length, more.length], ['item_too_large', bytes.length, 0]);
      assert.ok(letter?.message.includes(`more than ${LIMITS.bundle_bytes_max};`));
    }
  });

  test('more items than a bundle may have are refused as one', () => {
    const spans = (count: number) => Array.from({ length: count }, (_, n) => span(n));
    for (const make of [json, toProto]) {
      assert.equal(decide(make(traces(spans(LIMITS.bundle_items_max)))).length, LIMITS.bundle_items_max);
      const letters = lettersOf(decide(make(traces(spans(LIMITS.bundle_items_max + 1)))));
      assert.deepEqual(
        letters.map(({ reason, position }) => [reason, position]),
        [['too_many_items', 'p']],
      );
    }
  });

  test('a value that is too deep is its span’s affair, however deep', () => {
    for (const levels of [40, 200, 100_000]) {
      const deep = `${'{"arrayValue":{"values":['.repeat(levels)}{}${']}}'.repeat(levels)}`;
      const text = json(traces([span(1), span(2, { attributes: [{ key: 'k', value: 'HERE' }] }), span(3)]))
        .toString()
        .replace('"HERE"', deep);
      const decided = decide(text);
      assert.deepEqual(kindsOf(decided), ['accepted', 'dead_letter', 'accepted'], `${levels}`);
      const [letter] = lettersOf(decided) as [DeadLetter];
      assert.equal(letter.reason, 'too_deep');
      assert.ok(bytesOf(letter).toString().includes(deep.slice(0, 30_000)), 'its bytes are those it came as');
      const unknown = text.replace('"attributes":[{"key":"k"', '"unknown":[{"key":"k"');
      assert.deepEqual(kindsOf(decide(unknown)).length, 3);
    }
  });

  test('what is deeper than the bound becomes null, and nothing else changes', () => {
    assert.equal(cutDepth('{"a":[1,{"b":[2]},[]],"c":"[[["}', 2), '{"a":[1,null,null],"c":"[[["}');
    assert.equal(cutDepth('{"a":"\\"[[[[","b":[[[3]]]}', 3), '{"a":"\\"[[[[","b":[[null]]}');
    assert.equal(cutDepth('[[[[', 2), '[[');
    const text = `{"x":${'['.repeat(500)}${']'.repeat(500)}}`;
    assert.equal(decodeBundle(Buffer.from(text)).kind, 'document');
    assert.equal(lettersOf(decide(text))[0]?.reason, 'too_deep', 'no bundle keeps the bound of items');
    assert.equal(lettersOf(decide(text.slice(0, -1)))[0]?.reason, 'not_json');
  });

  test('the limits agree', () => {
    assert.doesNotThrow(() => assertLimits());
    for (const wrong of [{ bundle_bytes_max: 1 }, { bundle_depth_max: 1 }, { otlp_value_depth_max: 38 }]) {
      assert.throws(() => assertLimits({ ...LIMITS, ...wrong } as unknown as typeof LIMITS), JSON.stringify(wrong));
    }
  });
});

describe('protobuf among text', () => {
  /** A request whose first group has so many bytes. */
  const ofSize = (size: number): Buffer => {
    const probe = (chars: number): Buffer => toProto({ resourceSpans: [{ schemaUrl: 'x'.repeat(chars) }] });
    for (let chars = 0; chars < 200; chars++) if (probe(chars)[1] === size) return probe(chars);
    return assert.fail(`no request of ${size} bytes`);
  };

  test('is told by its first bytes, whatever length those say', () => {
    for (let size = 3; size < 128; size++) {
      const bytes = ofSize(size);
      assert.equal(fitsProto(bytes), true, `${size} bytes`);
      const more = Buffer.concat([bytes, toProto(traces([span(1)]))]);
      assert.equal(fitsProto(more), true, `${size} bytes and more`);
      assert.deepEqual(kindsOf(decide(more)), ['accepted'], `${size} bytes and more`);
      assert.deepEqual(
        itemsOfRecord({ value: more }, 't/0/7', auto).map(({ position }) => position),
        ['t/0/7'],
      );
    }
  });

  test('is never JSON, also not behind line feeds', () => {
    const texts = [
      '{"a":1}',
      '\n{"a":1}',
      '\n\n{"a":1}',
      '\n\n\n{"a":1}',
      '\n[1]',
      '\n \n{\n "a": 1}',
      '\n{\n}',
      '\n',
      '',
      '\n\n\n',
      '\r\n{}',
      '\n{\n  "resourceSpans": []\n}',
    ];
    for (const text of texts) assert.equal(fitsProto(Buffer.from(text)), false, JSON.stringify(text));
    // Its lengths and tags are right to the last byte.
    const crafted = `\n{${`\n"k":"${'x'.repeat(28)}",`.repeat(3)}\n\r"k":"xxxxxx"}`;
    assert.doesNotThrow(() => JSON.parse(crafted));
    assert.equal(fitsProto(Buffer.from(crafted)), false);
    assert.equal(fitsProto(Buffer.from(crafted.replace('"}', '"]'))), true, 'its outline is one of protobuf');
    const pretty = `\n${JSON.stringify(traces([span(1)]), null, 2)}`;
    assert.deepEqual(kindsOf(decide(pretty)), ['accepted']);
    assert.deepEqual(itemsOfRecord({ value: Buffer.from('\n\n\nnonsense\n{"a":1}') }, 't/0/7', auto).length, 2);
  });

  test('a record of a raw topic is not cut at the line feeds in it', () => {
    const request = toProto(traces([span(1, { name: 'a\nb\n\n{"c":1}\n' }), span(2)]));
    const [item, ...more] = itemsOfRecord({ value: request }, 't/0/7', auto);
    assert.equal(more.length, 0);
    assert.deepEqual(kindsOf(decide(item?.bytes ?? '')), ['accepted', 'accepted']);
    assert.ok(itemsOfRecord({ value: request }, 't/0/7', []).length > 1, 'without a format for it, it is');
  });

  test('lines of OTLP/JSON are one request each, and may be as large as a bundle', () => {
    const line = json(traces([span(1, { name: 'y'.repeat(LIMITS.item_bytes_max) })]));
    const items = splitBody(Buffer.concat([line, Buffer.from('\n'), line]), 'body');
    assert.deepEqual(
      items.flatMap(({ bytes }) => kindsOf(decide(bytes))),
      ['accepted', 'accepted'],
    );
  });
});
