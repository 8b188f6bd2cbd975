import { required, spanId, traceId } from './checked.ts';
import { attributesOf, enumOf, hexOf, listOf, objectOf, textOf, timeOf } from './json-values.ts';
import type { Attributes, OtlpSpan, OtlpSpanEvent } from './model.ts';

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const CODES = ['UNSET', 'OK', 'ERROR'] as const;
const NO_STATUS: OtlpSpan['status'] = { code: 0, message: '' };

/** One Span of trace.proto. Throws what `attempt` catches. */
export function spanOfJson(value: unknown, around: Pick<OtlpSpan, 'resource' | 'scope'>): OtlpSpan {
  const span = objectOf(value, 'span');
  let attributes: Attributes = new Map();
  const ids = { trace: '', span: '', parent: '' };
  let name = '';
  let kind = 0;
  let start_ms = 0;
  let end_ms = 0;
  let status = NO_STATUS;
  let events: readonly OtlpSpanEvent[] = [];
  for (const key in span) {
    const found = span[key];
    if (found === null) continue;
    if (key === 'attributes') attributes = attributesOf(found);
    else if (key === 'name') name = textOf(found, 'name');
    else if (key === 'kind') kind = enumOf(found, 'kind', 'SPAN_KIND_', KINDS);
    else if (key === 'status') status = statusOf(found);
    else if (key === 'events') events = listOf(found, 'events').map(eventOf);
    else if (key === 'traceId' || key === 'trace_id') ids.trace = hexOf(found, 'trace_id');
    else if (key === 'spanId' || key === 'span_id') ids.span = hexOf(found, 'span_id');
    else if (key === 'parentSpanId' || key === 'parent_span_id') ids.parent = hexOf(found, 'parent_span_id');
    else if (key === 'startTimeUnixNano' || key === 'start_time_unix_nano')
      start_ms = timeOf(found, 'start_time_unix_nano');
    else if (key === 'endTimeUnixNano' || key === 'end_time_unix_nano') end_ms = timeOf(found, 'end_time_unix_nano');
  }
  return {
    ...around,
    attributes,
    trace_id: required(traceId(ids.trace), 'trace_id'),
    span_id: required(spanId(ids.span, 'span_id'), 'span_id'),
    parent_span_id: spanId(ids.parent, 'parent_span_id'),
    name,
    kind,
    start_ms,
    end_ms,
    status,
    events,
  };
}

function eventOf(value: unknown): OtlpSpanEvent {
  const { name, attributes, timeUnixNano, time_unix_nano } = objectOf(value, 'events');
  return {
    name: name === null || name === undefined ? '' : textOf(name, 'events.name'),
    time_ms: timeOf(timeUnixNano ?? time_unix_nano ?? 0, 'events.time_unix_nano'),
    attributes: attributesOf(attributes),
  };
}

function statusOf(value: unknown): OtlpSpan['status'] {
  const { code, message } = objectOf(value, 'status');
  return {
    code: code === null || code === undefined ? 0 : enumOf(code, 'status.code', 'STATUS_CODE_', CODES),
    message: message === null || message === undefined ? '' : textOf(message, 'status.message'),
  };
}
