import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefusal } from '../../services/ingest/otlp/damage.ts';
import { OTLP_FIELDS } from '../../services/ingest/otlp/fields.ts';
import { itemsOfProto } from '../../services/ingest/otlp/proto-envelope.ts';
import { fieldsOf, toProto } from '../support/otlp-proto.ts';

type Json = Readonly<Record<string, unknown>>;

const attributes = [{ key: 'k', value: { stringValue: 'v' } }];
/** A message with every field it may have, by its name in the table. */
const FULL: Readonly<Record<string, Json>> = {
  resource: { attributes, droppedAttributesCount: 1, entityRefs: [{ type: 'service' }] },
  scope: { name: 'n', version: '1', attributes, droppedAttributesCount: 1 },
  'span.status': { message: 'm', code: 2 },
  'span.events': { timeUnixNano: '5000000', name: 'e', attributes, droppedAttributesCount: 1 },
  span: {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    traceState: 's',
    parentSpanId: 'ef'.repeat(8),
    flags: 1,
    name: 'n',
    kind: 1,
    startTimeUnixNano: '7000000',
    endTimeUnixNano: '8000000',
    attributes,
    droppedAttributesCount: 1,
    events: [],
    droppedEventsCount: 1,
    links: [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) }],
    droppedLinksCount: 1,
    status: {},
  },
  log_record: {
    timeUnixNano: '7000000',
    observedTimeUnixNano: '8000000',
    severityNumber: 9,
    severityText: 'INFO',
    body: { stringValue: 'b' },
    attributes,
    droppedAttributesCount: 1,
    flags: 1,
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    eventName: 'e',
  },
};
const MESSAGES: Readonly<Record<string, string>> = {
  resource: 'resource.v1.Resource',
  scope: 'common.v1.InstrumentationScope',
  span: 'trace.v1.Span',
  'span.events': 'trace.v1.Span.Event',
  'span.status': 'trace.v1.Status',
  log_record: 'logs.v1.LogRecord',
};
/** Fields that hold messages which have rows of their own. */
const PARTED: ReadonlySet<string> = new Set(['span.events', 'span.status']);

function decode(name: string, message: Json): unknown {
  const resource = name === 'resource' ? message : {};
  const scope = name === 'scope' ? message : {};
  const parts = {
    ...FULL.span,
    ...(name === 'span' ? message : {}),
    ...(name === 'span.events' ? { events: [message] } : {}),
    ...(name === 'span.status' ? { status: message } : {}),
  };
  const spans = name === 'span' ? [message] : [parts];
  const request =
    name === 'log_record'
      ? { resourceLogs: [{ scopeLogs: [{ logRecords: [message] }] }] }
      : { resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] };
  const items = itemsOfProto(toProto(request));
  return isRefusal(items) ? items : items.map((item) => item.decode());
}

test('the table of OTLP names every field that the proto files have, and says what the decoders do', () => {
  const rows = new Map(OTLP_FIELDS.rows.flatMap(({ from, to }) => from.split(', ').map((name) => [name, to] as const)));
  const fields = Object.entries(MESSAGES).flatMap(([name, message]) =>
    fieldsOf(`opentelemetry.proto.${message}`).map((field) => ({ name, field, path: `${name}.${field.name}` })),
  );
  const expected = fields.map(({ path }) => path).filter((path) => !PARTED.has(path));
  assert.deepEqual([...rows.keys()].toSorted(), expected.toSorted());
  for (const { name, field, path } of fields.filter((one) => !PARTED.has(one.path))) {
    const full = FULL[name] as Json;
    const { [field.json]: present, ...without } = full;
    assert.notEqual(present, undefined, `${path} is not in the full message`);
    const same = JSON.stringify(decodedAsText(name, without)) === JSON.stringify(decodedAsText(name, full));
    assert.equal(same, rows.get(path) === 'passed over', path);
  }
});

/** Maps show themselves as lists of pairs. */
function decodedAsText(name: string, message: Json): string {
  return JSON.stringify(decode(name, message), (_, value: unknown) => (value instanceof Map ? [...value] : value));
}
