import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { assertLimits, LIMITS } from '../../schemas/limits.ts';
import { type Decided, decideItem } from '../../services/ingest/core.ts';
import { cutDepth, decodeBundle } from '../../services/ingest/decode.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { fitsProto } from '../../services/ingest/otlp/proto-fits.ts';
import { itemsOfRecord } from '../../services/ingest/raw-items.ts';
import { splitBody } from '../../services/ingest/split.ts';
import { toProto } from '../support/otlp-proto.ts';
import { context, FLAT_MAPPING, input, mappingOf } from './support.ts';

type Json = Readonly<Record<string, unknown>>;
const auto = normalisersOf('auto', []);
const decide = (bytes: Buffer | string, formats = auto): readonly Decided[] =>
  decideItem({ bytes: Buffer.from(bytes), position: 'p' }, context({ formats }));
const kindsOf = (decided: readonly Decided[]): string[] => decided.map(({ kind }) => kind);
const lettersOf = (decided: readonly Decided[]): DeadLetter[] =>
  decided.flatMap((one) => (one.kind === 'dead_letter' ? [one.letter] : []));
const bytesOf = ({ bytes }: DeadLetter): Buffer => Buffer.from(bytes, 'base64');

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
/** A tool call of a named agent; `more` overrides. */
const span = (n: number, more: Json = {}): Json => ({
  traceId: '45dc11320fd5699a41c1e05f05333385',
  spanId: (n + 1).toString(16).padStart(16, '0'),
  name: 'execute_tool read_file',
  kind: 1,
  startTimeUnixNano: '1740989153958000000',
  endTimeUnixNano: '1740989154873000000',
  attributes: [attribute('gen_ai.tool.name', 'read_file'), attribute('gen_ai.agent.id', 'agent-1')],
  ...more,
});
const resource = { attributes: [attribute('service.name', 'desk')] };
const traces = (spans: readonly unknown[], more: Json = {}): Json => ({
  resourceSpans: [{ resource, scopeSpans: [{ spans }], ...more }],
});
const logs = (logRecords: readonly unknown[]): Json => ({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] });
const json = (request: Json): Buffer => Buffer.from(JSON.stringify(request));

describe('requests', () => {
  test('each span is an item, and each is decided by itself', () => {
    const good = [span(1), span(2), span(3)];
    for (const bytes of [json(traces(good)), toProto(traces(good))]) {
      assert.deepEqual(kindsOf(decide(bytes)), ['accepted', 'accepted', 'accepted']);
    }
  });

  test('a span that is wrong is refused with its own bytes and its place', () => {
    const wrong = [
      [{ traceId: '' }, 'trace_id'],
      [{ traceId: '00'.repeat(16) }, 'trace_id'],
      [{ spanId: 'abcd' }, 'span_id'],
      [{ parentSpanId: 'abcd' }, 'parent_span_id'],
    ] as const;
    for (const [more, field] of wrong) {
      const request = traces([span(1), span(2, more), span(3)]);
      for (const bytes of [json(request), toProto(request)]) {
        const decided = decide(bytes);
        assert.deepEqual(kindsOf(decided), ['accepted', 'dead_letter', 'accepted']);
        const [letter] = lettersOf(decided) as [DeadLetter];
        assert.deepEqual([letter.reason, letter.field, letter.position], ['schema_mismatch', field, 'p#span 1']);
        assert.equal(letter.length, bytesOf(letter).length);
        assert.ok(letter.length < bytes.length / 2 && bytes.includes(bytesOf(letter)));
      }
    }
  });

  test('what a span holds of a wrong type is refused, in the words of the source', () => {
    const wrong = {
      kind: 'KIND_OF',
      name: 7,
      startTimeUnixNano: 'yesterday',
      endTimeUnixNano: -1,
      attributes: {},
      events: [7],
      status: 'ok',
      traceId: 'Rdwac/'.repeat(4),
    };
    for (const [field, value] of Object.entries(wrong)) {
      const [letter] = lettersOf(decide(json(traces([span(1, { [field]: value })])))) as [DeadLetter];
      assert.equal(letter.reason, 'schema_mismatch', field);
      assert.match(letter.message, /send OTLP\/JSON$/);
    }
    const values = [
      { intValue: 1.5 },
      { intValue: `${2n ** 63n}` },
      { boolValue: 'true' },
      { bytesValue: '%' },
      { doubleValue: 'x' },
      7,
    ];
    for (const value of [
      ...values,
      { stringValue: 'a', intValue: 1 },
      { arrayValue: [] },
      { kvlistValue: { values: 1 } },
    ]) {
      const [letter] = lettersOf(decide(json(traces([span(1, { attributes: [{ key: 'k', value }] })]))));
      assert.equal(letter?.reason, 'schema_mismatch', JSON.stringify(value));
    }
  });

  test('what other writers of ProtoJSON write is taken', () => {
    const odd = {
      kind: 'SPAN_KIND_SERVER',
      status: { code: 'STATUS_CODE_ERROR' },
      traceId: 'AB'.repeat(16),
      startTimeUnixNano: 1740989153958000000,
    };
    const [one] = decide(json(traces([span(1, { ...odd, unknown: [1, { x: null }] })])));
    assert.ok(one?.kind === 'accepted');
    assert.deepEqual([one.event.outcome.status, one.event.trace?.trace_id], ['error', 'ab'.repeat(16)]);
  });

  test('damage within a span, in protobuf, is its own', () => {
    const request = toProto(traces([span(1), span(2), span(3)]));
    const at = request.indexOf(Buffer.from('000000000000000300', 'hex').subarray(0, 8)) + 8;
    // The tag behind the second span's id becomes one of a wire type that does not exist.
    const damaged = Buffer.from(request);
    damaged[at] = 0x2f;
    const decided = decide(damaged);
    assert.deepEqual(kindsOf(decided), ['accepted', 'dead_letter', 'accepted']);
    const [letter] = lettersOf(decided) as [DeadLetter];
    assert.equal(letter.position, 'p#span 1');
    assert.ok(damaged.includes(bytesOf(letter)) && bytesOf(letter).length < 200);
  });

  test('a text that is no UTF-8 is the damage of its span', () => {
    const request = toProto(traces([span(1), span(2, { name: 'abc' })]));
    const damaged = Buffer.from(request);
    damaged[request.indexOf('abc')] = 0xff;
    const [letter, ...more] = lettersOf(decide(damaged));
    assert.deepEqual([letter?.reason, letter?.position, more.length], ['invalid_utf8', 'p#span 1', 0]);
  });

  test('a damaged resource is the damage of each of its spans, and of no other', () => {
    const request = (attributes: unknown): Json => ({
      resourceSpans: [
        { resource: { attributes }, scopeSpans: [{ spans: [span(1), span(2)] }] },
        ...(traces([span(3)]).resourceSpans as Json[]),
      ],
    });
    const decided = decide(json(request('none')));
    assert.deepEqual(kindsOf(decided), ['dead_letter', 'dead_letter', 'accepted']);
    const bytes = toProto(request([attribute('service.name', 'abc')]));
    bytes[bytes.indexOf('abc')] = 0xff;
    assert.deepEqual(kindsOf(decide(bytes)), ['dead_letter', 'dead_letter', 'accepted']);
  });

  test('damage of the whole is one dead letter', () => {
    const proto = toProto(traces([span(1), span(2)]));
    for (const bytes of [proto.subarray(0, -3), Buffer.concat([proto, Buffer.from('0a7f', 'hex')])]) {
      const letters = lettersOf(decide(bytes));
      assert.deepEqual(
        letters.map(({ reason, position, length }) => [reason, position, length]),
        [['truncated_input', 'p', bytes.length]],
      );
    }
    const whole = [
      '{"resourceSpans":{}}',
      '{"resourceSpans":[1]}',
      '{"resourceSpans":[{"scopeSpans":7}]}',
      '{"resourceSpans":[{"scopeSpans":[{"spans":"x"}]}]}',
    ];
    for (const text of whole) {
      assert.deepEqual(
        lettersOf(decide(text)).map(({ reason, position }) => [reason, position]),
        [['schema_mismatch', 'p']],
        text,
      );
    }
  });

  test('one without spans is absorbed, and so is one without anything', () => {
    for (const text of [
      '{"resourceSpans":[]}',
      '{"resourceLogs":null,"resourceSpans":[{}]}',
      '{"resource_spans":[{"scope_spans":[{}]}]}',
    ]) {
      assert.deepEqual(kindsOf(decide(text)), ['absorbed'], text);
    }
    assert.deepEqual(kindsOf(decide(toProto({ resourceSpans: [{ resource, scopeSpans: [{}] }] }))), ['absorbed']);
    assert.deepEqual(kindsOf(decide('', normalisersOf('otlp_proto', []))), ['absorbed']);
    assert.deepEqual(kindsOf(decide('\n\0')), ['absorbed']);
  });

  test('metrics and profiles are refused by their names, once a request', () => {
    const metric = {
      name: 'http.server.time',
      description: 'duration',
      unit: 's',
      sum: { dataPoints: [{ asInt: '1' }] },
    };
    const gauge = { name: 'memory', gauge: { dataPoints: [{ asDouble: 1 }] } };
    const request = { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [metric, gauge, metric] }] }] };
    for (const bytes of [json(request), toProto(request), json({ resourceProfiles: [] })]) {
      const letters = lettersOf(decide(bytes));
      assert.equal(letters.length, 1);
      assert.equal(letters[0]?.reason, 'format_unknown');
      assert.match(
        letters[0]?.message ?? '',
        /^this is an OTLP request of (metrics|profiles); only traces and logs are read/,
      );
    }
    const only = { resourceMetrics: [{ scopeMetrics: [{ metrics: [gauge] }] }] };
    assert.match(lettersOf(decide(toProto(only)))[0]?.message ?? '', /of metrics/);
  });

  test('a log record with nothing but a body is one', () => {
    for (const record of [
      { body: { stringValue: 'x' } },
      { attributes: [attribute('event.name', 'x')] },
      { timeUnixNano: '5' },
    ]) {
      for (const bytes of [json(logs([record])), toProto(logs([record]))]) {
        assert.match(lettersOf(decide(bytes))[0]?.position ?? '', /#log 0$/);
      }
    }
  });

  test('a format that is named is the only one', () => {
    const [proto, text] = [toProto(traces([span(1)])), json(traces([span(1)]))];
    assert.deepEqual(kindsOf(decide(proto, normalisersOf('otlp_proto', []))), ['accepted']);
    assert.deepEqual(kindsOf(decide(text, normalisersOf('otlp_json', []))), ['accepted']);
    assert.match(
      lettersOf(decide(text, normalisersOf('otlp_proto', [])))[0]?.message ?? '',
      /is JSON, not protobuf; set the format to otlp/,
    );
    assert.equal(lettersOf(decide(proto, normalisersOf('otlp_json', [])))[0]?.reason === undefined, false);
    assert.equal(lettersOf(decide('\xff\xfe nonsense', normalisersOf('otlp_proto', [])))[0]?.reason, 'schema_mismatch');
    assert.match(
      lettersOf(decide('{"a":1}', normalisersOf('otlp', [])))[0]?.message ?? '',
      /has neither resourceSpans nor/,
    );
  });
});

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
