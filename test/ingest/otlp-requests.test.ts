import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { toProto } from '../support/otlp-proto.ts';
import {
  attribute,
  bytesOf,
  decide,
  type Json,
  json,
  kindsOf,
  lettersOf,
  logs,
  resource,
  span,
  traces,
} from './otlp-support.ts';

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

  test('the bytes of a refused span in JSON are exactly those that were sent', () => {
    const odd = span(2, { traceId: '', name: 'a"}]\\', '"spans"': [{ '}': '\\"' }, 1e-7] });
    const request = traces([span(1, { name: '[{"\\' }), odd, 7, span(3)]);
    for (const text of [
      JSON.stringify(request),
      JSON.stringify(request, null, 3),
      `\ufeff \n${JSON.stringify(request)}`,
    ]) {
      const [first, second] = lettersOf(decide(text)) as [DeadLetter, DeadLetter];
      assert.ok(text.includes(bytesOf(first).toString()));
      assert.deepEqual(JSON.parse(bytesOf(first).toString()), odd);
      assert.equal(bytesOf(second).toString(), '7');
    }
    const escaped = JSON.stringify(request)
      .replace('"spans":', '"span\\u0073":')
      .replace('"scopeSpans":', '"scopeSpans":[7],"scopeSpans":');
    assert.deepEqual(JSON.parse(bytesOf(lettersOf(decide(escaped))[0] as DeadLetter).toString()), odd);
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

  test('a log record with an id that is none belongs to no trace', () => {
    const attributes = [
      attribute('event.name', 'gen_ai.tool.message'),
      attribute('gen_ai.tool.name', 'read_file'),
      attribute('gen_ai.agent.id', 'agent-1'),
    ];
    for (const ids of [{ traceId: 'abc' }, { traceId: 'no hex', spanId: 7 }, { spanId: '00'.repeat(8) }]) {
      const [one] = decide(json(logs([{ timeUnixNano: '1740989154873000000', attributes, ...ids }])));
      assert.ok(one?.kind === 'accepted', JSON.stringify(one));
      assert.equal(one.event.trace, undefined);
    }
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

  test('a known field of another wire type, or a message that reaches beyond itself, is refused', () => {
    const ids = new BinaryWriter()
      .tag(1, 2)
      .bytes(Buffer.alloc(16, 1))
      .tag(2, 2)
      .bytes(Buffer.alloc(8, 1))
      .tag(8, 1)
      .fixed64(1740989153958000000n)
      .finish();
    const requestOf = (rest: Uint8Array): Buffer => {
      const written = new BinaryWriter()
        .tag(2, 2)
        .bytes(Buffer.concat([ids, rest]))
        .finish();
      const scoped = new BinaryWriter().tag(2, 2).bytes(written).finish();
      return Buffer.from(new BinaryWriter().tag(1, 2).bytes(scoped).finish());
    };
    const reasonOf = (rest: Uint8Array): string | undefined => lettersOf(decide(requestOf(rest)))[0]?.reason;
    assert.equal(reasonOf(new BinaryWriter().tag(5, 2).string('name').tag(6, 0).int32(1).finish()), undefined);
    assert.equal(reasonOf(new BinaryWriter().tag(5, 0).int32(1).tag(6, 0).int32(1).finish()), 'schema_mismatch');
    assert.equal(reasonOf(new BinaryWriter().tag(9, 5).fixed32(1).tag(6, 0).int32(1).finish()), 'schema_mismatch');
    const name = requestOf(new BinaryWriter().tag(5, 0).int32(1).tag(6, 0).int32(1).finish());
    assert.deepEqual(
      lettersOf(decide(name)).map(({ field, message }) => [field, message]),
      [['name', 'name has wire type 0, not 2; send OTLP 1.x']],
    );
    // A status of three bytes whose message says that it has five.
    const beyond = Buffer.from('7a03120561626364653001', 'hex');
    assert.equal(reasonOf(beyond), 'truncated_input');
    const group = Buffer.from('fb01fc013001', 'hex');
    assert.equal(reasonOf(group), undefined, 'an unknown group is passed over');
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
    assert.deepEqual(kindsOf(decide('{}', normalisersOf('otlp_json', []))), ['absorbed']);
    assert.deepEqual(kindsOf(decide('{}')), ['dead_letter'], 'nobody said that this is OTLP');
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
    const [wrong] = lettersOf(decide(proto, normalisersOf('otlp_json', [])));
    assert.match(wrong?.message ?? '', /is protobuf, not JSON; set the format to otlp/);
    assert.equal(lettersOf(decide('\xff\xfe nonsense', normalisersOf('otlp_proto', [])))[0]?.reason, 'schema_mismatch');
    assert.match(
      lettersOf(decide('{"a":1}', normalisersOf('otlp', [])))[0]?.message ?? '',
      /has neither resourceSpans nor/,
    );
  });
});
