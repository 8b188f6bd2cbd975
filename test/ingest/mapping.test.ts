import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { CANONICAL_FIELDS } from '../../schemas/mapping.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { accepted, FLAT_MAPPING, input, MONDAY_MS, mappingOf, refused } from './support.ts';

const flat = (more: Record<string, unknown> = {}) => ({
  event_id: 'e',
  ts: '2025-03-03T09:00:00Z',
  who: 'agent-1',
  ...more,
});
/** FLAT_MAPPING with more lines, the first of them still under `fields`. */
const through = (lines: string, document: Record<string, unknown>): CanonicalEvent =>
  accepted(document, { formats: normalisersOf('mapped', [mappingOf(FLAT_MAPPING + lines)]) });
const refusedBy = (lines: string, document: unknown) =>
  refused(document, { formats: normalisersOf('mapped', [mappingOf(FLAT_MAPPING + lines)]) });

test('three fields make a mapping; its origin and name are its own', () => {
  const event = through('', flat());
  assert.deepEqual([event.id, event.time, event.identity.id, event.origin], ['e', MONDAY_MS, 'agent-1', 'flat']);
  assert.equal(event.unmapped, undefined);
});

test('paths: nested, by index, with quoted names; null and empty count as absent', () => {
  const lines = `
  tool.name: call.name
  model: models[1]
  purpose: '["a.b"].c'
  session: call.session
  on_behalf_of: call.user
`;
  const call = { name: 'x', session: null, user: '' };
  const event = through(lines, flat({ call, models: ['a', 'b'], 'a.b': { c: 'why' } }));
  assert.deepEqual([event.tool, event.model, event.purpose], [{ name: 'x' }, 'b', 'why']);
  assert.deepEqual([event.session, event.on_behalf_of], [undefined, undefined]);
  assert.deepEqual(through(lines, flat({ call: 'text', models: {} })).unmapped, { call: 'text' });
});

test('constants, templates, defaults, and parts of a text', () => {
  const lines = `
  identity.kind: { const: agent }
  session: { template: "{run.id}/{run.step}" }
  model: { path: model, default: none }
  source.network: { path: host, after: "." }
  source.workload: { path: host, before: "." }
  credential.id: { path: key, after: "key:", before: ":" }
`;
  const event = through(lines, flat({ run: { id: 'r', step: 0 }, host: 'pod.lan.example', key: 'key:k1:x' }));
  assert.equal(event.identity.kind, 'agent');
  assert.equal(event.session, 'r/0');
  assert.equal(event.model, 'none');
  assert.deepEqual(event.source, { network: 'lan.example', workload: 'pod' });
  assert.deepEqual(event.credential, { id: 'k1' });
  const bare = through(lines, flat({ run: { id: 'r' }, host: 'pod' }));
  assert.deepEqual([bare.session, bare.source, bare.credential], [undefined, {}, undefined]);
});

test('types: numbers from text, text from numbers, sizes of content, hashes', () => {
  const lines = `
  volume.bytes_out: { path: size, type: number }
  volume.bytes_in: { path: args, type: bytes_of }
  volume.tokens_out: { path: answer, type: bytes_of }
  session: { path: run, type: string }
  model: { path: config, type: hash }
`;
  const event = through(lines, flat({ size: ' 1.5e3 ', args: { a: 'ü' }, answer: 'ü', run: 7, config: { b: 1 } }));
  assert.deepEqual(event.volume, { bytes_out: 1500, bytes_in: Buffer.byteLength('{"a":"ü"}'), tokens_out: 2 });
  assert.equal(event.session, '7');
  assert.match(event.model ?? '', /^[0-9a-f]{32}$/);
  assert.equal(event.unmapped, undefined, 'measured content is not kept');
});

test('an id can be made of the whole item where the source has none', () => {
  const text = FLAT_MAPPING.replace('id: event_id', 'id: { path: "@", type: hash }');
  const formats = normalisersOf('mapped', [mappingOf(text)]);
  const { event_id: _, ...document } = flat();
  assert.match(accepted(document, { formats }).id, /^[0-9a-f]{32}$/);
  assert.notEqual(accepted(document, { formats }).id, accepted({ ...document, more: 1 }, { formats }).id);
});

test('times in other units', () => {
  const timed = (format: string, ts: unknown) => {
    const text = FLAT_MAPPING.replace('time: ts', `time: { path: ts, format: ${format} }`);
    return accepted(flat({ ts }), { formats: normalisersOf('mapped', [mappingOf(text)]) }).time;
  };
  assert.equal(timed('epoch_s', MONDAY_MS / 1000), MONDAY_MS);
  assert.equal(timed('epoch_s', `${MONDAY_MS / 1000}.25`), MONDAY_MS + 250);
  assert.equal(timed('epoch_ms', String(MONDAY_MS)), MONDAY_MS);
  assert.equal(timed('epoch_us', MONDAY_MS * 1000 + 999), MONDAY_MS);
  assert.equal(timed('epoch_ns', `${MONDAY_MS}000000`), MONDAY_MS);
  assert.equal(timed('rfc3339', '2025-03-03T09:00:00Z'), MONDAY_MS);
});

test('words: a table, the canonical word itself, and unknown for the rest', () => {
  const lines = `
  action.operation: op
  outcome.status: { path: result, map: { success: ok, "403": denied } }
  identity.kind: { path: kind, map: { bot: agent }, default: human }
operation: { send: export, Write: store }
`;
  const words = (op: unknown, result: unknown, kind?: unknown) => {
    const event = through(lines, flat({ op, result, kind }));
    return [event.action.operation, event.outcome.status, event.identity.kind];
  };
  assert.deepEqual(words('send', 'success', 'bot'), ['export', 'ok', 'agent']);
  assert.deepEqual(words('Write', 403, 'service'), ['store', 'denied', 'service']);
  assert.deepEqual(words('READ', 'Error', 'x'), ['read', 'error', 'human']);
  assert.deepEqual(words('auth', 'timeout'), ['unknown', 'unknown', 'human']);
});

test('resources: from a list of texts, a list of objects, a single field, and a table of classes', () => {
  const lines = `
resources:
  - each: touched
    id: "@"
    kind: { path: "@", before: ":" }
    classification: class
  - each: rows[*].cells[*]
    id: "@.id"
    store: table
  - id: bucket
    kind: { const: bucket }
classification: { secret: restricted }
`;
  const document = flat({
    touched: ['file:a', 'b', null, ''],
    rows: [{ cells: [{ id: 'c1' }, { id: 'c2', size: 3 }] }, { cells: [{}] }],
    table: 't',
    bucket: 'bk',
    class: 'secret',
  });
  const event = through(lines, document);
  assert.deepEqual(event.resources, [
    { id: 'file:a', kind: 'file', classification: 'restricted' },
    { id: 'b', classification: 'restricted' },
    { id: 'c1', store: 't' },
    { id: 'c2', store: 't' },
    { id: 'bk', kind: 'bucket' },
  ]);
  assert.deepEqual(event.unmapped, { 'rows[0].cells[1].size': 3 });
  assert.equal(
    through(lines, flat({ touched: 'file:a' })).resources.length,
    1,
    'a single value counts as a list of one',
  );
  const many = through(lines, flat({ touched: Array.from({ length: 5_000 }, (_, index) => `f${index}`) }));
  assert.deepEqual([many.resources.length, many.flags], [16, ['resources_cut']]);
});

test('what nothing maps is kept, unless it is ignored or dropped', () => {
  const document = flat({ a: 1, b: { c: 2, d: 3 } });
  assert.deepEqual(through('', document).unmapped, { a: 1, b: { c: 2, d: 3 } });
  assert.deepEqual(through('ignore: [a, b.c]', document).unmapped, { 'b.d': 3 });
  assert.equal(through('unmapped: drop', document).unmapped, undefined);
});

test('a refused item names the canonical field, the value, the source path and the mapping', () => {
  const lines = '\n  volume.bytes_out: size\n';
  const letter = refusedBy(lines, flat({ size: 'big' }));
  assert.deepEqual([letter.reason, letter.field, letter.origin], ['mapping_failed', 'volume.bytes_out', 'test']);
  assert.equal(
    letter.message,
    'volume.bytes_out: "big" must be a number (mapping flat: volume.bytes_out, which is taken from "size"; correct the source or the rule)',
  );
  assert.equal(refusedBy('', flat({ who: undefined })).reason, 'mapping_failed');
  assert.equal(refusedBy('', flat({ ts: 'noon' })).reason, 'time_invalid');
  assert.equal(refusedBy('', flat({ ts: '1970-01-01T00:00:00Z' })).reason, 'time_out_of_range');
});

test('auto: canonical first, then the first mapping that fits, else a dead letter that says what was tried', () => {
  const other = mappingOf(
    FLAT_MAPPING.replace('name: flat', 'name: other').replace(
      'origin: flat',
      'origin: other\nmatch: [{ path: type, equals: [call, tool] }]',
    ),
  );
  const formats = normalisersOf('auto', [other, mappingOf(FLAT_MAPPING)]);
  assert.equal(accepted(input(), { formats }).origin, 'test');
  assert.equal(accepted(flat({ type: 'tool' }), { formats }).origin, 'other');
  assert.equal(accepted(flat({ type: 'x' }), { formats }).origin, 'flat');
  const letter = refused({ some: 'thing' }, { formats });
  assert.equal(letter.reason, 'format_unknown');
  assert.match(
    letter.message,
    /^no known format; tried canonical \(identity is missing\), mapping other \(type is not "call" or "tool"\), mapping flat \(event_id is missing\), otlp \(/,
  );
  assert.match(letter.message, /\); name the format, or add a mapping for this source$/);
  assert.equal(refused({ id: 'a' }, { formats: normalisersOf('canonical', []) }).reason, 'schema_mismatch');
});

const docs = readFileSync(new URL('../../docs/mapping.md', import.meta.url), 'utf8');

test('every field that docs/mapping.md lists exists, and every field that exists is listed', () => {
  const section = docs.slice(docs.indexOf('## Fields'), docs.indexOf('## Rules'));
  const listed = [...section.matchAll(/^\| `([a-z_.]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(listed.toSorted(), [...CANONICAL_FIELDS.keys()].toSorted());
});

test('the mapping in docs/mapping.md works as it says', () => {
  const [, text] = /```yaml\n([\s\S]*?)```/.exec(docs) ?? [];
  const formats = normalisersOf('mapped', [mappingOf(text ?? '')]);
  const event = accepted(
    {
      type: 'tool_call',
      event_id: 'e1',
      at: MONDAY_MS / 1000,
      actor: { id: 'a', type: 'bot', team: 'sales' },
      run: 5,
      call: {
        function: 'f',
        verb: 'push',
        arguments: { x: 1 },
        raw: 'x',
        touched: [{ name: 'n', database: 'd', label: 'c3' }],
      },
      result: { size: 9, code: '500' },
      debug: {},
    },
    { formats },
  );
  const { key: _, ...content } = event;
  assert.deepEqual(content, {
    id: 'e1',
    origin: 'crm',
    tenant: 'default',
    time: MONDAY_MS,
    identity: { id: 'a', kind: 'agent', peer_group: 'sales-agents' },
    action: { operation: 'export' },
    tool: { name: 'f' },
    session: '5',
    resources: [{ id: 'n', store: 'd', classification: 'restricted' }],
    volume: { bytes_in: 7, bytes_out: 9 },
    outcome: { status: 'error' },
  });
});
