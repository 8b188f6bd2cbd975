import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { tally } from '../../services/ingest/tally.ts';
import { context, fullInput, mappingOf } from './support.ts';

const mapping = mappingOf(`
version: 1
name: fuzzed
origin: fuzzed
fields:
  id: { path: "@", type: hash }
  time: time
  identity.id: { path: identity.id, type: string }
  identity.kind: identity.kind
  tool.name: tool.name
  action.operation: { path: action.operation, map: { a: read } }
  volume.bytes_in: { path: tool, type: bytes_of }
  purpose: { template: "{model}/{session}" }
resources:
  - each: resources
    id: "@.id"
  - each: resources[*]
    id: { path: "@.store", before: ":" }
`);

const base = JSON.stringify({ ...fullInput(), extra: { list: [1, 'two', null], ü: '\u0000' } });

/** Valid events with bytes flipped, cut, doubled or inserted: most of the way to being right. */
const mutated = fc
  .array(fc.tuple(fc.nat({ max: base.length - 1 }), fc.uint8Array({ maxLength: 4 }), fc.nat({ max: 6 })), {
    maxLength: 6,
  })
  .map((edits) => {
    let bytes = Buffer.from(base);
    for (const [at, insert, remove] of edits) {
      bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
    }
    return bytes;
  });
const jsonBytes = fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text));
const valueEdits = fc
  .tuple(fc.constantFrom(...Object.keys(fullInput())), fc.anything({ maxDepth: 3 }))
  .map(([field, value]) => Buffer.from(JSON.stringify({ ...fullInput(), [field]: value }) ?? ''));
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  mutated,
  jsonBytes,
  valueEdits,
);

const contexts = [
  context(),
  context({ formats: normalisersOf('mapped', [mapping]) }),
  context({ formats: normalisersOf('auto', [mapping]) }),
];

test('any bytes end in exactly one well-formed decision, and never in a throw', () => {
  fc.assert(
    fc.property(anyBytes, fc.constantFrom(...contexts), (bytes, used) => {
      const decided = decideItem({ bytes, position: 'p' }, used);
      assert.equal(decided.length, 1);
      for (const one of decided) {
        if (one.kind === 'accepted') {
          assert.deepEqual(JSON.parse(one.json), one.event);
          assert.deepEqual(CanonicalEvent.parse(one.event), one.event);
          assert.ok(one.json.isWellFormed() && Buffer.byteLength(one.json) < 2 * LIMITS.item_bytes_max);
        } else if (one.kind === 'dead_letter') {
          assert.deepEqual(DeadLetter.parse(one.letter), one.letter);
          assert.ok(Buffer.from(one.letter.bytes, 'base64').equals(bytes.subarray(0, LIMITS.dead_letter_bytes_max)));
          assert.match(one.letter.message, /^[^\u0000-\u001f\u007f-\u009f]+$/);
        }
      }
    }),
    { numRuns: 10_000 },
  );
});

test('the sums are exact over any batch', () => {
  fc.assert(
    fc.property(fc.array(anyBytes, { maxLength: 40 }), (batch) => {
      const decided = batch.flatMap((bytes) =>
        decideItem({ bytes, position: 'p' }, contexts[2] as (typeof contexts)[0]),
      );
      const { sums, reasons } = tally(decided);
      assert.equal(sums.received, batch.length);
      assert.equal(sums.accepted + sums.dead_lettered + sums.absorbed, sums.received);
      assert.equal(
        [...reasons.values()].reduce((a, b) => a + b, 0),
        sums.dead_lettered,
      );
    }),
    { numRuns: 200 },
  );
});

test('the same bytes give the same event, whatever came before', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, fc.constantFrom(...contexts), (bytes, other, used) => {
      const first = decideItem({ bytes, position: 'p' }, used);
      decideItem({ bytes: other, position: 'p' }, used);
      assert.deepEqual(decideItem({ bytes, position: 'p' }, used), first);
    }),
    { numRuns: 500 },
  );
});
