import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideItem } from '../../services/ingest/core.ts';
import type { Normaliser } from '../../services/ingest/normaliser.ts';
import { accepted, context, decideOne, fullInput, input, itemOf } from './support.ts';

const keyOf = (value: unknown, origin = 'test'): string => accepted(value, { origin }).key;

test('the key is 128 bits of SHA-256 over the content as it stands in the log', () => {
  const decided = decideOne(fullInput());
  assert.ok(decided.kind === 'accepted');
  const { key, flags: _flags, observed_time: _observed, ...content } = JSON.parse(decided.json);
  assert.equal(key, createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32));
});

test('the key of a known event stays what it is: a change would make every stored event new', () => {
  assert.equal(keyOf(input()), keyOf(input()));
  assert.equal(keyOf(input()), KNOWN_KEY);
});

/**
 * First half of the SHA-256 of
 * {"id":"e-1","origin":"test","tenant":"default","time":1740992400000,"identity":{"id":"agent-1","kind":"unknown"},
 * "action":{"operation":"unknown"},"resources":[],"volume":{},"outcome":{"status":"unknown"}}
 * in one line, by sha256sum.
 */
const KNOWN_KEY = '6d66b021e859317a3622ff6a271aaed2';

test('neither the order of fields nor the form of the time nor when it was seen changes the key', () => {
  const full = fullInput();
  const shuffled = fc.shuffledSubarray(Object.entries(full), { minLength: Object.keys(full).length });
  fc.assert(
    fc.property(shuffled, fc.integer({ min: 0, max: 1_000 }), (entries, delay) => {
      const other = { ...Object.fromEntries(entries), time: new Date(full.time).toISOString() };
      assert.equal(keyOf({ ...other, observed_time: (full.time as number) + delay }), keyOf(full));
    }),
  );
});

test('every field changes the key', () => {
  const full = fullInput();
  const keys = new Set([keyOf(full), keyOf(full, 'other')]);
  let variants = 2;
  const change = (value: unknown): unknown => {
    if (typeof value === 'number') return value + 1;
    if (typeof value === 'string') return `${value}x`;
    return value;
  };
  const enumerated: Record<string, unknown> = { kind: 'human', operation: 'read', status: 'error' };
  const visit = (value: unknown, rebuild: (changed: unknown) => unknown): void => {
    for (const [name, inner] of Object.entries(value as object)) {
      const put = (changed: unknown): unknown =>
        rebuild(Array.isArray(value) ? value.with(Number(name), changed) : { ...(value as object), [name]: changed });
      if (name === 'observed_time') continue;
      if (typeof inner === 'object') visit(inner, put);
      else {
        const closed = name === 'kind' ? typeof inner === 'string' && inner === 'agent' : name in enumerated;
        keys.add(keyOf(put(closed ? enumerated[name] : change(inner))));
        variants++;
      }
    }
  };
  visit(full, (changed) => changed);
  keys.add(keyOf({ ...full, extra: 1 }));
  keys.add(keyOf({ ...full, resources: [...(full.resources ?? []), { id: 'more' }] }));
  assert.equal(keys.size, variants + 2);
});

test('fields do not run into each other', () => {
  assert.notEqual(
    keyOf(input({ tool: { name: 'a","server":"b' } })),
    keyOf(input({ tool: { name: 'a', server: 'b' } })),
  );
});

test('one record may hold many items, and each is decided', () => {
  const bundle: Normaliser = {
    name: 'bundle',
    mismatch: () => undefined,
    normalise: (document) =>
      (document.items as unknown[]).map((item) =>
        item === null
          ? { kind: 'absorbed' }
          : {
              kind: 'candidate',
              input: item,
              origin: undefined,
              leftovers: undefined,
              tool_arguments: undefined,
              explain: undefined,
            },
      ),
  };
  const decideBundle = (value: unknown, format: Normaliser): string[] =>
    decideItem(itemOf(value), context({ formats: [format] })).map(({ kind }) => kind);
  const decided = decideBundle({ items: [input(), null, { id: 'broken' }] }, bundle);
  assert.deepEqual(decided, ['accepted', 'absorbed', 'dead_letter']);
  assert.throws(() => decideBundle({ items: [] }, bundle), /made nothing/);
});
