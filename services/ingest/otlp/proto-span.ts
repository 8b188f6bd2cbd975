import type { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { required, spanId, traceId } from './checked.ts';
import type { OtlpSpan, OtlpSpanEvent } from './model.ts';
import { type MutableAttributes, readAttribute } from './proto-values.ts';
import { expectEnd, readEnd, readId, readInt, readText, readTime, wireReader } from './wire.ts';

/** One Span of trace.proto. Throws what `attempt` catches. */
export function spanOfProto(bytes: Buffer, around: Pick<OtlpSpan, 'resource' | 'scope'>): OtlpSpan {
  const reader = wireReader(bytes);
  const { len } = reader;
  const attributes: MutableAttributes = new Map();
  const events: OtlpSpanEvent[] = [];
  const ids = { trace: '', span: '', parent: '' };
  let name = '';
  let kind = 0;
  let start_ms = 0;
  let end_ms = 0;
  let status: OtlpSpan['status'] = { code: 0, message: '' };
  while (reader.pos < len) {
    const [field, wire] = reader.tag();
    if (field === 1) ids.trace = readId(reader, wire, 'trace_id');
    else if (field === 2) ids.span = readId(reader, wire, 'span_id');
    else if (field === 4) ids.parent = readId(reader, wire, 'parent_span_id');
    else if (field === 5) name = readText(reader, wire, 'name');
    else if (field === 6) kind = readInt(reader, wire, 'kind');
    else if (field === 7) start_ms = readTime(reader, wire, 'start_time_unix_nano');
    else if (field === 8) end_ms = readTime(reader, wire, 'end_time_unix_nano');
    else if (field === 9) readAttribute(reader, wire, len, attributes);
    else if (field === 11) events.push(readEvent(reader, wire, len));
    else if (field === 15) status = readStatus(reader, wire, len, status);
    else reader.skip(wire, field);
  }
  expectEnd(reader, len, 'span');
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

function readEvent(reader: BinaryReader, type: WireType, outer: number): OtlpSpanEvent {
  const end = readEnd(reader, type, outer, 'events');
  const attributes: MutableAttributes = new Map();
  let time_ms = 0;
  let name = '';
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) time_ms = readTime(reader, wire, 'events.time_unix_nano');
    else if (field === 2) name = readText(reader, wire, 'events.name');
    else if (field === 3) readAttribute(reader, wire, end, attributes);
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'events');
  return { name, time_ms, attributes };
}

function readStatus(
  reader: BinaryReader,
  type: WireType,
  outer: number,
  before: OtlpSpan['status'],
): OtlpSpan['status'] {
  const end = readEnd(reader, type, outer, 'status');
  let { code, message } = before;
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 2) message = readText(reader, wire, 'status.message');
    else if (field === 3) code = readInt(reader, wire, 'status.code');
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'status');
  return { code, message };
}
