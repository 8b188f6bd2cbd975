import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideItem } from '../../services/ingest/core.ts';
import type { Normaliser } from '../../services/ingest/normaliser.ts';
import { eventRecord } from '../../services/ingest/record.ts';
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

/** What no text may be left as it is in: unsafe and half characters, a name to be cut, fields without a place. */
function hostileInput(): Record<string, unknown> {
  return input({
    id: 'e-ü',
    tenant: 'acme "é"',
    purpose: 'a\u0000b\ud800😀',
    tool: { name: 'x'.repeat(1_100) },
    extra: { deep: [1, 'ß'] },
    volume: { bytes_in: 1e15, bytes_out: -0, records: 3 },
  });
}

/** Key of the event, and SHA-256 over its log record, live and at a recorded clock: as written since the first version. */
const KNOWN_RECORDS = [
  {
    value: fullInput(),
    key: '40370c301d9a339f72039e6f77201e88',
    live: '93d1b0de53a574b27b496a008c34a71c',
    recorded: '7f64547e3a3e54f856b1a74640a9e584',
  },
  {
    value: input(),
    key: '81f6e86e14d2453f92d06a5f5aab7772',
    live: '9fb647d65610cc3a77aa4cf5f418c01a',
    recorded: '2a8a1e0b7060f463581a4cbba4d57a6e',
  },
  {
    value: hostileInput(),
    key: '263e30af72fae9e5cd502f9387e5f359',
    live: 'c7955020e387cb11abfadf063812d7f8',
    recorded: '2f7b16cf2395cad10b34015ace482aa1',
  },
];

test('the record of a known event stays what it is to the byte', () => {
  for (const { value: item, ...known } of KNOWN_RECORDS) {
    const decided = decideOne(item, { origin: 'o"ü' });
    assert.ok(decided.kind === 'accepted');
    const digest = (at_ms: number | undefined): string => {
      const { key, value } = eventRecord(decided.event, decided.json, at_ms);
      return createHash('sha256').update(`${key}\n`).update(value).digest('hex').slice(0, 32);
    };
    assert.deepEqual({ key: decided.event.key, live: digest(undefined), recorded: digest(1_740_992_400_123) }, known);
  }
});

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
    format: 'mapped',
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
