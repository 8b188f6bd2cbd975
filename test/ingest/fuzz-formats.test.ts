import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { SpanRecord } from '../../schemas/span.ts';
import { type DecideContext, type Decided, decideItem, type Item } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { itemsOfRecord } from '../../services/ingest/raw-items.ts';
import { recordsOf } from '../../services/ingest/record.ts';
import { tally } from '../../services/ingest/tally.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { allFixtures, type Fixture } from './fuzz-fixtures.ts';
import { context } from './support.ts';

/**
 * Fixtures of every format with their bytes mutated, through all of ingest. COUNTERSIGN_FUZZ_CASES says how many cases
 * there are over all fixtures, COUNTERSIGN_FC_SEED draws others.
 */
const CASES = Number(process.env.COUNTERSIGN_FUZZ_CASES ?? 20_000);

const fixtures = allFixtures();

/** Bytes that decoders of JSON, protobuf and text trip over. */
const NASTY: readonly Buffer[] = [
  ...['{', '}', '[', ']', '"', ',', ':', '\\', '\\u0000', '\\ud800', 'null', '1e999', '-0', '{"__proto__":', '\n', ' '],
  ...['true', '99999999999999999999', '"constructor"', '[[[[[[[[', '\u2028', '.', '*', '../', 'eyJhIjoxfQ=='],
].map((text) => Buffer.from(text));
const NASTY_BYTES: readonly Buffer[] = [
  ...[
    '00',
    '0a',
    '12',
    '1a',
    '0a00',
    'ff',
    '80',
    'ffffffff0f',
    'ffffffffffffffffff01',
    '7b',
    '0b',
    '0c',
    'c080',
    'eda080',
  ],
].map((hex) => Buffer.from(hex, 'hex'));

/** Values that no field expects; they keep JSON what it is. */
const NASTY_VALUES: readonly Buffer[] = [
  ...[
    'null',
    'true',
    '-1',
    '0',
    '1e999',
    '9007199254740993',
    '""',
    '"x"',
    '[]',
    '{}',
    '[[1]]',
    '{"__proto__":{"a":1}}',
  ],
  ...[
    '"\\u0000"',
    '"\\ud800"',
    '"2026-02-30T00:00:00Z"',
    '"9999999999999999999999"',
    '{"stringValue":"x","intValue":1}',
  ],
  ...[`"${'y'.repeat(3_000)}"`, '[{"key":"k"}]', '"../../etc/passwd"', '"{\\"a\\":[1]}"', '"AKIA"', '"\\u202e"'],
].map((text) => Buffer.from(text));

/**
 * One change. `cut` takes bytes away and puts others there, `over` writes over bytes, which leaves the lengths of protobuf
 * right, and `value` puts another value in the place of one of the JSON. Places and lengths are shares of the whole.
 */
type Edit =
  | { readonly kind: 'cut'; readonly at: number; readonly remove: number; readonly insert: Buffer }
  | { readonly kind: 'over' | 'value'; readonly at: number; readonly insert: Buffer };
const at = fc.nat({ max: 0xffff });
const insert = fc.oneof(
  { weight: 3, arbitrary: fc.constant(Buffer.alloc(0)) },
  { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 3, arbitrary: fc.constantFrom(...NASTY_BYTES) },
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constant('y'.repeat(3_000)).map((text) => Buffer.from(text)) },
);
const remove = fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 6 }) }, { weight: 1, arbitrary: at });
const cut = fc.record({ kind: fc.constant('cut' as const), at, remove, insert });
const over = fc.record({ kind: fc.constant('over' as const), at, insert });
const value = fc.record({ kind: fc.constant('value' as const), at, insert: fc.constantFrom(...NASTY_VALUES) });
const edits: fc.Arbitrary<Edit[]> = fc.oneof(
  fc.array(value, { minLength: 1, maxLength: 5 }),
  fc.array(over, { minLength: 1, maxLength: 3 }),
  fc.array(fc.oneof(cut, over, value), { minLength: 1, maxLength: 3 }),
);

function mutate(bytes: Buffer, changes: readonly Edit[]): Buffer {
  let mutated = bytes;
  for (const change of changes) {
    const from = Math.floor((change.at / 0x10000) * (mutated.length + 1));
    const [start, end] = rangeOf(mutated, change, from);
    mutated = Buffer.concat([mutated.subarray(0, start), change.insert, mutated.subarray(end)]);
  }
  return mutated;
}

function rangeOf(bytes: Buffer, change: Edit, from: number): [number, number] {
  if (change.kind === 'cut') return [from, from + change.remove];
  if (change.kind === 'over') return [from, from + change.insert.length];
  VALUE.lastIndex = 0;
  const found = VALUE.exec(bytes.toString('latin1', from));
  return found === null ? [from, from] : [from + found.index + 1, from + found.index + found[0].length];
}

/** A value behind a colon, as far as it has no parts of its own. */
const VALUE = /:\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null)/g;

const contexts = new Map<string, DecideContext>();
function contextOf(format: Fixture['format']): DecideContext {
  const made = contexts.get(format) ?? context({ formats: normalisersOf(format, []) });
  contexts.set(format, made);
  return made;
}

test('all fixtures are what their formats take, before anything is changed', () => {
  assert.ok(fixtures.length > 0);
  for (const { name, format, bytes } of fixtures) {
    const decided = decideAll(bytes, contextOf(format));
    assert.ok(decided.some(isTaken), `${name}: ${JSON.stringify(decided).slice(0, 500)}`);
  }
});

test('no bytes make ingest throw or lose an item, whatever they claim to be', () => {
  // Every format is as likely as any other. Fixtures go by their names, so that a counterexample is short.
  const byFormat = Map.groupBy(fixtures, ({ format }) => format);
  const fixture = fc.oneof(...[...byFormat.values()].map((some) => fc.constantFrom(...some.map(({ name }) => name))));
  const byName = new Map(fixtures.map((one) => [one.name, one]));
  assert.equal(byName.size, fixtures.length, 'two fixtures have one name');
  fc.assert(
    fc.property(fc.record({ fixture, changes: edits, named: fc.boolean() }), ({ fixture: name, changes, named }) => {
      const { bytes, format } = byName.get(name) as Fixture;
      decideAll(mutate(bytes, changes), contextOf(named ? format : 'auto'));
    }),
    { numRuns: CASES },
  );
});

/** Decides a record as a raw topic would, and checks all that must hold of any. */
function decideAll(value: Buffer, used: DecideContext): readonly Decided[] {
  const items = itemsOfRecord({ value }, 't/0/1', used.formats);
  assert.ok(items.length >= 1, 'nothing was told of a record');
  const all = items.flatMap((item) => {
    const decided = decideItem(item, used);
    assert.ok(decided.length >= 1, 'nothing was told of an item');
    for (const one of decided) check(one, item);
    return decided;
  });
  const { sums, reasons } = tally(all);
  assert.equal(sums.received, all.length);
  assert.equal(sums.accepted + sums.dead_lettered + sums.absorbed + sums.held, sums.received);
  assert.equal(
    [...reasons.values()].reduce((a, b) => a + b, 0),
    sums.dead_lettered,
  );
  return all;
}

function isTaken({ kind }: Decided): boolean {
  return kind !== 'dead_letter';
}

function check(decided: Decided, item: Item): void {
  if (decided.kind === 'accepted') {
    assert.deepEqual(JSON.parse(decided.json), decided.event);
    assert.deepEqual(CanonicalEvent.parse(decided.event), decided.event);
    assert.ok(decided.json.isWellFormed() && decided.json.length < LIMITS.item_bytes_max);
  }
  if (decided.kind === 'dead_letter') checkLetter(decided.letter, item);
  for (const { topic, value } of recordsOf(decided, undefined)) {
    if (topic === TOPICS.spans) SpanRecord.parse(JSON.parse(value.toString()));
  }
}

function checkLetter(letter: DeadLetter, item: Item): void {
  assert.deepEqual(DeadLetter.parse(letter), letter);
  assert.match(letter.message, /^[^\u0000-\u001f\u007f-\u009f]+$/);
  const kept = Buffer.from(letter.bytes, 'base64');
  assert.ok(item.bytes.includes(kept), 'a dead letter holds bytes that nobody sent');
  if (letter.position === item.position) assert.equal(letter.length, item.broken?.length ?? item.bytes.length);
  else assert.ok(letter.position.startsWith(`${item.position}#`));
}
