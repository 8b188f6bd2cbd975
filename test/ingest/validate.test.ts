import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventInput } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { explainRefusal, isEventInput } from '../../services/ingest/validate.ts';
import { fullInput, input } from './support.ts';

/** Texts around every bound: empty, control characters, half characters, exactly at and one beyond a length. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\u0000', '\u007f', '\u0085', '\ud800', '😀', 'agent', 'read', 'ok', '2025-03-03T09:00:00Z'),
  fc.nat({ max: 3 }).map((extra) => 'x'.repeat(LIMITS.id_chars_max - 1 + extra)),
  fc.nat({ max: 3 }).map((extra) => '😀'.repeat(LIMITS.id_chars_max / 2 - 1 + extra)),
  fc.nat({ max: 80 }).map((length) => 'y'.repeat(length)),
);
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, -1, 0.5, 2 ** 50, 2 ** 50 + 1, 2 ** 53, 1e308, Number.POSITIVE_INFINITY, Number.NaN),
  fc.constantFrom(LIMITS.time_ms_min - 1, LIMITS.time_ms_min, LIMITS.time_ms_max, LIMITS.time_ms_max + 1, 1.5e12 + 0.5),
);
const junk = fc.oneof(
  text,
  number,
  fc.constantFrom(null, undefined, true, [], {}, [[]], [null], { id: {} }, Object.create(null), new Array(3)),
  fc.anything({ withNullPrototype: true, maxDepth: 3 }),
);

/** A valid event with the value at some path replaced by anything, or removed, or with anything added. */
const paths = ((): (readonly (string | number)[])[] => {
  const found: (readonly (string | number)[])[] = [];
  const visit = (value: unknown, path: readonly (string | number)[]): void => {
    if (path.length > 0) found.push(path);
    if (Array.isArray(value)) value.forEach((inner, index) => void visit(inner, [...path, index]));
    else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) visit(inner, [...path, name]);
      found.push([...path, 'unknown_field'], [...path, '__proto__'], [...path, 'constructor']);
    }
  };
  visit(fullInput(), []);
  return found;
})();

function replaced(value: unknown, path: readonly (string | number)[], put: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return put;
  if (Array.isArray(value)) return value.with(Number(step), replaced(value[Number(step)], rest, put));
  const copy = { ...(value as object) };
  const inner = (value as Record<string, unknown>)[step];
  Object.defineProperty(copy, step, {
    value: replaced(inner, rest, put),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}

function agree(value: unknown): void {
  const byZod = EventInput.safeParse(value).success;
  assert.equal(isEventInput(value), byZod);
  if (!byZod) assert.ok(explainRefusal(value).message.length > 0);
}

test('ajv and zod agree on every single change to a valid event', () => {
  const change = fc.tuple(fc.constantFrom(...paths), junk);
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      agree(
        changes.reduce(
          (value, [path, put]) => replaced(value, path.slice(0, reach(value, path)), put),
          fullInput() as unknown,
        ),
      );
    }),
    { numRuns: 5_000 },
  );
});

/** How far a path still leads after an earlier change. */
function reach(value: unknown, path: readonly (string | number)[]): number {
  let inner = value;
  for (const [index, step] of path.entries()) {
    if (typeof inner !== 'object' || inner === null) return index;
    if (Array.isArray(inner) && !(Number(step) < inner.length)) return index;
    inner = (inner as Record<string | number, unknown>)[step];
  }
  return path.length;
}

test('ajv and zod agree on anything that JSON can spell', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (json) => {
      agree(JSON.parse(json));
    }),
    { numRuns: 2_000 },
  );
  for (const json of [
    '{"__proto__":{"id":"a","time":1740992400000,"identity":{"id":"x"}}}',
    '{"id":"a","time":1e999,"identity":{"id":"x"}}',
    '{"id":"a","time":1740992400000,"identity":{"__proto__":{"id":"x"}}}',
    '{"id":"a","time":1740992400000,"identity":{"id":"x","toString":1},"hasOwnProperty":{}}',
    '{"id":"a","id":"","time":1740992400000,"identity":{"id":"x"}}',
  ]) {
    agree(JSON.parse(json));
  }
});

test('ajv and zod agree on each kind of junk at each path', () => {
  const values = [
    null,
    undefined,
    '',
    'x',
    -0,
    -1,
    1.5,
    1e300,
    Number.NaN,
    true,
    [],
    {},
    [{}],
    { id: '' },
    { id: 'x' },
  ];
  for (const path of paths) for (const value of values) agree(replaced(fullInput(), path, value));
  agree(input());
  agree(fullInput());
});
