import { idsOfLog } from './checked.ts';
import type { AttributeValue, OtlpLog } from './model.ts';
import { type MutableAttributes, readAttribute, readValue } from './proto-values.ts';
import { expectEnd, readEnd, readId, readInt, readText, readTime, wireReader } from './wire.ts';

/** One LogRecord of logs.proto. Throws what `attempt` catches. */
export function logOfProto(bytes: Buffer, around: Pick<OtlpLog, 'resource' | 'scope'>): OtlpLog {
  const reader = wireReader(bytes);
  const { len } = reader;
  const attributes: MutableAttributes = new Map();
  let time_ms = 0;
  let observed_ms = 0;
  let severity_number = 0;
  let body: AttributeValue;
  let event_name = '';
  let trace = '';
  let span = '';
  while (reader.pos < len) {
    const [field, wire] = reader.tag();
    if (field === 1) time_ms = readTime(reader, wire, 'time_unix_nano');
    else if (field === 2) severity_number = readInt(reader, wire, 'severity_number');
    else if (field === 5) body = readValue(reader, readEnd(reader, wire, len, 'body'), 1, body);
    else if (field === 6) readAttribute(reader, wire, len, attributes);
    else if (field === 9) trace = readId(reader, wire, 'trace_id');
    else if (field === 10) span = readId(reader, wire, 'span_id');
    else if (field === 11) observed_ms = readTime(reader, wire, 'observed_time_unix_nano');
    else if (field === 12) event_name = readText(reader, wire, 'event_name');
    else reader.skip(wire, field);
  }
  expectEnd(reader, len, 'log record');
  return {
    ...around,
    attributes,
    time_ms,
    observed_ms,
    event_name: event_name === '' ? undefined : event_name,
    severity_number,
    body,
    ...idsOfLog(trace, span),
  };
}
