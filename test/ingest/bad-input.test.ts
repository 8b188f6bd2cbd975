import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { accepted, decideOne, input, refused } from './support.ts';

const reasonOf = (value: unknown): string => refused(value).reason;

test('what is no JSON object is refused by kind', () => {
  assert.equal(reasonOf(''), 'not_json');
  assert.match(refused('').message, /empty/);
  assert.equal(reasonOf('   \r'), 'not_json');
  assert.equal(reasonOf('{"id":'), 'not_json');
  assert.equal(reasonOf("{'id':1}"), 'not_json');
  assert.equal(reasonOf(`${JSON.stringify(input())} x`), 'not_json');
  for (const value of ['null', '1', '"text"', '[]', 'true']) assert.equal(reasonOf(value), 'not_an_object', value);
});

test('a byte order mark does no harm', () => {
  assert.equal(accepted(`\ufeff${JSON.stringify(input())}`).id, 'e-1');
});

test('the dead letter keeps the original bytes, bounded, and their true length', () => {
  const small = refused('{"id":');
  assert.equal(Buffer.from(small.bytes, 'base64').toString(), '{"id":');
  assert.equal(small.length, 6);
  const large = refused(Buffer.alloc(5 * 1024 * 1024, 'x'));
  assert.equal(large.reason, 'item_too_large');
  assert.equal(large.length, 5 * 1024 * 1024);
  assert.equal(Buffer.from(large.bytes, 'base64').length, LIMITS.dead_letter_bytes_max);
});

test('invalid UTF-8 is found and its place named', () => {
  const bytes = Buffer.concat([Buffer.from('{"id":"a'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
  const letter = refused(bytes);
  assert.equal(letter.reason, 'invalid_utf8');
  assert.match(letter.message, /^byte 8 \(0xc328227d\)/);
  for (const broken of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    assert.equal(reasonOf(Buffer.concat([Buffer.from('{"a":"ä'), Buffer.from(broken)])), 'invalid_utf8');
  }
});

test('deep nesting is refused before it is parsed; many brackets side by side are not deep', () => {
  const nested = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
  const event = (inner: string): string => `${JSON.stringify(input()).slice(0, -1)},"x":${inner}}`;
  assert.equal(decideOne(event(nested(LIMITS.item_depth_max - 1))).kind, 'accepted');
  assert.equal(reasonOf(event(nested(LIMITS.item_depth_max))), 'too_deep');
  assert.equal(reasonOf('['.repeat(500_000)), 'too_deep');
  assert.equal(decideOne(event(`[${'{},'.repeat(100)}[]]`)).kind, 'accepted');
  assert.equal(accepted(event(JSON.stringify('[{'.repeat(100)))).unmapped?.x, '[{'.repeat(100));
  assert.equal(accepted(event(JSON.stringify('\\"['.repeat(100)))).unmapped?.x, '\\"['.repeat(100));
});

test('a missing identity is named', () => {
  const { identity: _, ...without } = input();
  const letter = refused(without);
  assert.deepEqual([letter.reason, letter.field], ['schema_mismatch', 'identity']);
  assert.equal(letter.message, 'identity: is missing; it is required');
});

test('a known field of a wrong type is refused: field, value and remedy', () => {
  for (const [field, value, message] of [
    ['identity', 'bob', 'identity: "bob" must be an object'],
    ['id', 17, 'id: 17 must be a string'],
    ['session', ['s'], 'session: a list of 1 must be a string'],
    ['volume', { bytes_out: -5 }, 'volume.bytes_out: -5 must be at least 0'],
    ['volume', { bytes_out: 1e300 }, 'volume.bytes_out: 1e+300 must be at most 1125899906842624'],
    ['volume', { records: 1.5 }, 'volume.records: 1.5 must be a whole number'],
    [
      'volume',
      { bytes_in: null },
      'volume.bytes_in: is null; send a value, or leave the field out where it is unknown',
    ],
    ['volume', { tokens_in: '12' }, 'volume.tokens_in: "12" must be a number'],
    ['outcome', { status: 'fine' }, 'outcome.status: "fine" must be one of ok, error, denied, unknown'],
    ['resources', [{ id: 'a' }, {}], 'resources[1].id: is missing; it is required'],
    ['tool', { server: 's' }, 'tool.name: is missing; it is required'],
  ] as const) {
    const letter = refused(input({ [field]: value }));
    assert.equal(letter.reason, 'schema_mismatch');
    assert.equal(letter.message, message);
  }
});

test('sizes that JSON can spell and no machine can move are refused', () => {
  assert.equal(reasonOf(`${JSON.stringify(input()).slice(0, -1)},"volume":{"bytes_out":1e999}}`), 'schema_mismatch');
  const zero = decideOne(`${JSON.stringify(input()).slice(0, -1)},"volume":{"bytes_out":-0}}`);
  assert.ok(zero.kind === 'accepted' && Object.is(zero.event.volume.bytes_out, 0));
});

test('identifiers with control characters or half characters are refused', () => {
  for (const id of ['a\u0000b', 'a\nb', '\u007f', 'a\u0085']) {
    assert.equal(refused(input({ id })).field, 'id');
    assert.equal(refused(input({ identity: { id } })).field, 'identity.id');
    assert.equal(refused(input({ session: id })).field, 'session');
  }
  const letter = refused('{"id":"a\\ud800","time":"2025-03-03T09:00:00Z","identity":{"id":"x"}}');
  assert.deepEqual([letter.reason, letter.field], ['schema_mismatch', 'id']);
  assert.ok(letter.message.isWellFormed());
  assert.equal(accepted(input({ id: 'ünï-😀' })).id, 'ünï-😀');
});

test('control characters in free names are made visible and flagged', () => {
  const event = accepted(input({ tool: { name: 'rm\u0000\u001b[2J' }, resource: { id: 'a\u202eb\u007f' } }));
  assert.equal(event.tool?.name, 'rm\\u0000\\u001b[2J');
  assert.equal(event.resources[0]?.id, 'a\\u202eb\\u007f');
  assert.deepEqual(event.flags, ['escaped']);
  assert.equal(
    accepted(Buffer.from(JSON.stringify(input({ model: 'raw' })).replace('raw', 'a\u007fb'))).model,
    'a\\u007fb',
  );
});

test('lone surrogates are made visible, so that different names stay different', () => {
  const named = (unit: string) =>
    accepted(`{"id":"a","time":"2025-03-03T09:00:00Z","identity":{"id":"x"},"model":"m${unit}"}`);
  assert.equal(named('\\ud800').model, 'm\\ud800');
  assert.equal(named('\\udfff').model, 'm\\udfff');
  assert.equal(named('\\ud83d\\ude00').model, 'm😀');
  assert.deepEqual(named('\\ud800').flags, ['escaped']);
  assert.equal(named('\\ud83d\\ude00').flags, undefined);
});

test('over-long names are cut, flagged, and stay apart', () => {
  const one = accepted(input({ tool: { name: `${'x'.repeat(5_000)}1` } }));
  const two = accepted(input({ tool: { name: `${'x'.repeat(5_000)}2` } }));
  assert.equal(one.tool?.name.length, LIMITS.name_chars_max);
  assert.match(one.tool?.name ?? '', /^x+~[0-9a-f]{12}$/);
  assert.notEqual(one.tool?.name, two.tool?.name);
  assert.deepEqual(one.flags, ['truncated']);
  const astral = accepted(input({ model: '😀'.repeat(400) }));
  assert.ok(astral.model?.isWellFormed());
  assert.ok((astral.model?.length ?? 0) <= LIMITS.name_chars_max);
});

test('more resources than an event holds are cut and flagged, however many they are', () => {
  const event = accepted(input({ resources: Array.from({ length: 1_000 }, (_, index) => ({ id: `r${index}` })) }));
  assert.equal(event.resources.length, LIMITS.resources_per_event_max);
  assert.deepEqual(event.flags, ['resources_cut']);
});

test('of many wrong resources the first is named, and few are looked at', () => {
  const good = { id: 'r' };
  const letter = refused(
    input({ resources: [...Array(5_000).fill(good), { id: 7 }, good, ...Array(50_000).fill({})] }),
  );
  assert.equal(letter.field, 'resources[5000].id');
  assert.equal(letter.message, 'resources[5000].id: 7 must be a string (and 62 more)');
  const elsewhere = refused(input({ session: 7, resources: Array(5_000).fill(good) }));
  assert.equal(elsewhere.field, 'session');
});

test('the primary resource comes first, and once', () => {
  const event = accepted(
    input({ resource: { id: 'b' }, resources: [{ id: 'a' }, { id: 'b' }, { id: 'b', store: 's' }] }),
  );
  assert.deepEqual(event.resources, [{ id: 'b' }, { id: 'a' }, { id: 'b', store: 's' }]);
});

test('prototype-polluting keys do nothing', () => {
  const text =
    '{"id":"a","time":"2025-03-03T09:00:00Z","identity":{"id":"x","__proto__":{"owner":"root"},"constructor":1},' +
    '"__proto__":{"polluted":true,"session":"s"},"constructor":{"prototype":{"polluted":true}},"extra":{"__proto__":1,"ok":2}}';
  const decided = decideOne(text);
  assert.ok(decided.kind === 'accepted');
  assert.equal(decided.event.session, undefined);
  assert.equal(decided.event.identity.owner, undefined);
  assert.equal(Object.getPrototypeOf(decided.event), Object.prototype);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.deepEqual(decided.event.unmapped, { extra: { ok: 2 } });
  assert.deepEqual(decided.event.flags, ['unmapped_cut']);
  assert.ok(!decided.json.includes('__proto__'));
});

test('unknown fields are kept aside by path, sorted', () => {
  const event = accepted(
    input({
      zeta: 1,
      alpha: [{ b: 1, a: 2 }],
      identity: { id: 'x', team: 'blue' },
      resources: [{ id: 'r', etag: 'e' }],
    }),
  );
  assert.deepEqual(event.unmapped, {
    alpha: [{ a: 2, b: 1 }],
    'identity.team': 'blue',
    'resources[0].etag': 'e',
    zeta: 1,
  });
  assert.deepEqual(Object.keys(event.unmapped ?? {}), ['alpha', 'identity.team', 'resources[0].etag', 'zeta']);
  assert.equal(event.flags, undefined);
});

test('unknown fields are bounded, in bytes and in number', () => {
  const big = accepted(input({ a: 'x'.repeat(LIMITS.unmapped_bytes_max), b: 1 }));
  assert.deepEqual(big.unmapped, { b: 1 });
  assert.deepEqual(big.flags, ['unmapped_cut']);
  const exact = accepted(input({ a: 'x'.repeat(LIMITS.unmapped_bytes_max - '{"a":"",}'.length) }));
  assert.equal(exact.flags, undefined);
  const many = accepted(input(Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, index]))));
  assert.ok(Buffer.byteLength(JSON.stringify(many.unmapped)) <= LIMITS.unmapped_bytes_max);
  assert.deepEqual(many.flags, ['unmapped_cut']);
});

test('unknown fields too large to keep are not copied first', () => {
  const event = accepted(
    input({
      x: Array(300_000).fill([]),
      y: Object.fromEntries(Array(5_000).fill(1).entries()),
      z: { a: [{ b: 'c' }] },
    }),
  );
  assert.deepEqual([event.unmapped, event.flags], [{ z: { a: [{ b: 'c' }] } }, ['unmapped_cut']]);
});

test('what is accepted is a canonical event, and its JSON says the same', () => {
  const decided = decideOne(input({ volume: {}, outcome: {}, extra: 'ü', tool: { name: 'a\u0001' } }));
  assert.ok(decided.kind === 'accepted');
  assert.deepEqual(CanonicalEvent.parse(decided.event), decided.event);
  assert.deepEqual(JSON.parse(decided.json), decided.event);
});
