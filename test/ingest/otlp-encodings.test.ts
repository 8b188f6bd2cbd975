import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { LIMITS } from '../../schemas/limits.ts';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import type { BundleItem } from '../../services/ingest/otlp/bundle.ts';
import { itemsOfJson } from '../../services/ingest/otlp/json-envelope.ts';
import { itemsOfProto } from '../../services/ingest/otlp/proto-envelope.ts';
import { toProto } from '../support/otlp-proto.ts';
import { context } from './support.ts';

type Json = Readonly<Record<string, unknown>>;

const decodedOf = (items: ReturnType<typeof itemsOfProto>): unknown =>
  'reason' in items ? items : items.map((item: BundleItem) => item.decode());
const fromJsonText = (request: Json): unknown => {
  const bytes = Buffer.from(JSON.stringify(request));
  return decodedOf(itemsOfJson(JSON.parse(bytes.toString()) as Json, bytes));
};
const fromProtoBytes = (request: Json): unknown => decodedOf(itemsOfProto(toProto(request)));

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((id) => id.some((byte) => byte !== 0))
    .map((id) => Buffer.from(id).toString('hex'));
const nanos = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constant({}),
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) }),
    fc.record({ intValue: fc.maxSafeInteger() }),
    fc.record({ doubleValue: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
    fc.record({ doubleValue: fc.constantFrom('NaN', 'Infinity', '-Infinity') }),
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64')) }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('value'), { maxLength: 3 }) }) }),
    fc.record({
      kvlistValue: fc.record({ values: fc.array(fc.record({ key: text, value: tie('value') }), { maxLength: 3 }) }),
    }),
  ),
}));
const attributes = fc.array(fc.record({ key: text, value }, { requiredKeys: [] }), { maxLength: 4 });
const event = fc.record({ name: text, timeUnixNano: nanos, attributes }, { requiredKeys: [] });
const span = fc.record(
  {
    traceId: hex(16),
    spanId: hex(8),
    parentSpanId: hex(8),
    traceState: text,
    name: text,
    kind: fc.integer({ min: 0, max: 5 }),
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes,
    droppedAttributesCount: fc.nat(),
    events: fc.array(event, { maxLength: 2 }),
    status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: text }, { requiredKeys: [] }),
    flags: fc.nat(),
  },
  { requiredKeys: ['traceId', 'spanId', 'kind'] },
);
const log = fc.record(
  {
    timeUnixNano: nanos,
    observedTimeUnixNano: nanos,
    severityNumber: fc.integer({ min: 1, max: 24 }),
    severityText: text,
    body: value,
    attributes,
    flags: fc.nat(),
    traceId: hex(16),
    spanId: hex(8),
    eventName: text,
  },
  { requiredKeys: ['severityNumber'] },
);
const resource = fc.record({ attributes }, { requiredKeys: [] });
const scope = fc.record({ name: text, version: text, attributes }, { requiredKeys: [] });
const requests = (signal: 'Spans' | 'Logs', name: string, item: fc.Arbitrary<Json>) => {
  const scoped = fc.record({ scope, [name]: fc.array(item, { maxLength: 3 }), schemaUrl: text }, { requiredKeys: [] });
  const grouped = fc.record({ resource, [`scope${signal}`]: fc.array(scoped, { maxLength: 2 }) }, { requiredKeys: [] });
  return fc.record({ [`resource${signal}`]: fc.array(grouped, { maxLength: 2 }) });
};
const traces = requests('Spans', 'spans', span);
const logs = requests('Logs', 'logRecords', log);

describe('both encodings of OTLP', () => {
  test('give the same spans and log records', () => {
    fc.assert(
      fc.property(fc.oneof(traces, logs), (request) => {
        assert.deepEqual(fromProtoBytes(request), fromJsonText(request));
      }),
      { numRuns: 1_000 },
    );
  });

  test('names as in the proto files, and null for absent, mean the same', () => {
    const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const renamed = (inner: unknown): unknown => {
      if (Array.isArray(inner)) return inner.map(renamed);
      if (typeof inner !== 'object' || inner === null) return inner;
      return {
        unknown_field: null,
        ...Object.fromEntries(Object.entries(inner).map(([k, v]) => [snake(k), renamed(v)])),
      };
    };
    fc.assert(
      fc.property(fc.oneof(traces, logs), (request) => {
        assert.deepEqual(fromJsonText(renamed(request) as Json), fromJsonText(request));
      }),
      { numRuns: 300 },
    );
  });

  test('are told apart without being told which, and come to the same decisions', () => {
    const formats = normalisersOf('auto', []);
    fc.assert(
      fc.property(fc.oneof(traces, logs), (request) => {
        const json = decideItem({ bytes: Buffer.from(JSON.stringify(request)), position: 'p' }, context({ formats }));
        const bytes = toProto(request);
        if (bytes.length === 0) return;
        const proto = decideItem({ bytes, position: 'p' }, context({ formats }));
        const bare = (decided: typeof json) =>
          decided.map((one) =>
            one.kind === 'dead_letter' ? { ...one, letter: { ...one.letter, bytes: '', length: 0 } } : one,
          );
        assert.deepEqual(bare(proto), bare(json));
      }),
      { numRuns: 500 },
    );
  });

  test('values nest equally deep in both', () => {
    const nested = (levels: number): Json => {
      let inner: Json = { stringValue: 'x' };
      for (let level = 1; level < levels; level++) {
        inner =
          level % 2 === 0
            ? { arrayValue: { values: [inner] } }
            : { kvlistValue: { values: [{ key: 'k', value: inner }] } };
      }
      const events = [{ name: 'e', attributes: [{ key: 'deep', value: inner }] }];
      return {
        resourceSpans: [
          { scopeSpans: [{ spans: [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), kind: 1, events }] }] },
        ],
      };
    };
    for (const [levels, fits] of [
      [LIMITS.otlp_value_depth_max, true],
      [LIMITS.otlp_value_depth_max + 1, false],
      [400, false],
    ] as const) {
      const formats = normalisersOf('otlp', []);
      for (const bytes of [toProto(nested(levels)), Buffer.from(JSON.stringify(nested(levels)))]) {
        const [one, ...more] = decideItem({ bytes, position: 'p' }, context({ formats }));
        assert.equal(more.length, 0);
        const reason = one?.kind === 'dead_letter' ? one.letter.reason : undefined;
        assert.equal(reason === 'too_deep', !fits, `${levels} levels: ${reason}`);
      }
    }
  });
});

const stream = new URL('../../../shared/data/agent-traces/dev.otlp.ndjson.gz', import.meta.url);
/** Every so many of the recorded requests; 1 takes a minute. */
const STEP = Number(process.env.COUNTERSIGN_OTLP_STEP ?? 25);

test('recorded requests give the same in both encodings', { skip: !existsSync(stream) && 'no recorded data' }, () => {
  const lines = gunzipSync(readFileSync(stream)).toString('utf8').trimEnd().split('\n');
  const formats = normalisersOf('otlp', []);
  const counts: Record<string, number> = {};
  for (let at = 0; at < lines.length; at += STEP) {
    const line = lines[at] as string;
    const proto = toProto(JSON.parse(line) as Json);
    const decided = decideItem({ bytes: proto, position: 'p' }, context({ formats }));
    assert.deepEqual(decided, decideItem({ bytes: Buffer.from(line), position: 'p' }, context({ formats })));
    for (const { kind } of decided) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  assert.equal(counts.dead_letter, undefined);
  assert.ok((counts.absorbed ?? 0) > 0 && (counts.accepted ?? 0) + (counts.held ?? 0) > 0);
});
