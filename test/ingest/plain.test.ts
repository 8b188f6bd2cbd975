import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decideItem } from '../../services/ingest/core.ts';
import { canonicalNormaliser } from '../../services/ingest/normalise-canonical.ts';
import { isEventInput, isPlainEventInput } from '../../services/ingest/validate.ts';
import { context, fullInput, input, itemOf, MONDAY_MS } from './support.ts';

/** Decides by the short way for plain documents, and by the long way that all others go. */
function bothWays(text: string): void {
  const item = itemOf(text);
  const long = { ...canonicalNormaliser };
  assert.deepEqual(decideItem(item, context()), decideItem(item, context({ formats: [long] })), text);
}

/** Values that some field of the schema takes and another refuses, at the edges of what they may be. */
const VALUES: readonly unknown[] = [
  ...['', 'x', 'agent', 'read', 'ok', 'denied', '2025-03-03T09:00:00Z', '2025-13-03T09:00:00Z', '9'.repeat(10), 'a b'],
  ...['x'.repeat(64), 'x'.repeat(65), 'x'.repeat(256), 'x'.repeat(257), 'x'.repeat(1024), 'x'.repeat(1025)],
  ...[0, -0, -1, 0.5, 1, 2 ** 50, 2 ** 50 + 1, 1e300, MONDAY_MS, MONDAY_MS + 0.5, 946_684_800_000, 4_102_444_800_001],
  ...[null, true, [], {}, [{}], [{ id: 'a' }], { id: 'a' }, { name: 'a' }, [null], ['a'], { id: 'a', more: 1 }],
];

type Path = readonly (string | number)[];
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, [...path, name]))];
}
const PATHS = [...pathsOf(fullInput()), ['more'], ['identity', 'more'], ['resources', 0, 'more'], ['__proto__']];

/** The full event with the value at the path replaced, or taken out where it is undefined. */
function changed(document: unknown, [name, ...rest]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  const inside = typeof document === 'object' && document !== null ? document : {};
  const copy: Record<string, unknown> | unknown[] = Array.isArray(inside) ? [...inside] : { ...inside };
  const inner = changed(Reflect.get(copy, name), rest, value);
  if (inner === undefined && !Array.isArray(copy)) Reflect.deleteProperty(copy, name);
  else Object.defineProperty(copy, name, { value: inner, enumerable: true, configurable: true, writable: true });
  return copy;
}

describe('plain documents', () => {
  test('every field with every value comes to the same the short way and the long way', () => {
    for (const path of PATHS) {
      for (const value of [...VALUES, undefined]) {
        const document = changed(fullInput(), path, value);
        if (document !== undefined) bothWays(JSON.stringify(document));
      }
    }
  });

  test('so do documents with several changes', () => {
    const change = fc.tuple(fc.constantFrom(...PATHS), fc.constantFrom(...VALUES, undefined));
    fc.assert(
      fc.property(fc.array(change, { minLength: 2, maxLength: 6 }), (changes) => {
        const document = changes.reduce<unknown>((made, [path, value]) => changed(made, path, value), fullInput());
        bothWays(JSON.stringify(document) ?? 'null');
      }),
      { numRuns: 2_000 },
    );
  });

  test('so do texts that are not plain', () => {
    for (const id of ['a\u0000', 'a\u007f', 'a\\u0001', 'ä', '\u{1f600}'.repeat(200), 'a"b']) {
      bothWays(JSON.stringify(input({ id })));
      bothWays(JSON.stringify(input({ model: id })));
    }
  });

  test('a usual event goes the short way', () => {
    assert.ok(isPlainEventInput({ ...fullInput() }));
    assert.ok(isPlainEventInput(input()));
  });

  test('what is more than the schema or less than valid does not', () => {
    assert.ok(isEventInput(input({ more: 1 })) && !isPlainEventInput(input({ more: 1 })));
    assert.ok(!isPlainEventInput(input({ identity: { id: 'a', more: 1 } })));
    assert.ok(!isPlainEventInput(input({ resources: [{ id: 'a', more: 1 }] })));
    assert.ok(!isPlainEventInput(input({ id: '' })));
  });
});
