import type { FieldTable } from '../field-table.ts';

/**
 * The fields of the messages (resource.proto, common.proto, trace.proto, logs.proto), with what the decoders do. What the
 * attributes mean stands in the tables of the conventions. A test holds it against the published proto files.
 */
export const OTLP_FIELDS: FieldTable = {
  format: 'otlp',
  rows: [
    { from: 'resource.attributes', to: 'read with each of its spans and log records' },
    { from: 'resource.dropped_attributes_count, resource.entity_refs', to: 'passed over' },
    { from: 'scope.name, scope.version', to: 'read with each of its spans and log records' },
    { from: 'scope.attributes, scope.dropped_attributes_count', to: 'passed over' },
    { from: 'span.trace_id, span.span_id', to: 'read; a span without them is refused' },
    { from: 'span.parent_span_id, span.name, span.kind, span.attributes', to: 'read' },
    { from: 'span.start_time_unix_nano, span.end_time_unix_nano', to: 'read, in whole milliseconds' },
    { from: 'span.status.code, span.status.message', to: 'read' },
    { from: 'span.events.name, span.events.attributes', to: 'read' },
    { from: 'span.events.time_unix_nano', to: 'read, in whole milliseconds' },
    { from: 'span.events.dropped_attributes_count', to: 'passed over' },
    { from: 'span.trace_state, span.flags, span.links', to: 'passed over' },
    {
      from: 'span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count',
      to: 'passed over',
    },
    { from: 'log_record.time_unix_nano, log_record.observed_time_unix_nano', to: 'read, in whole milliseconds' },
    { from: 'log_record.severity_number, log_record.body, log_record.attributes', to: 'read' },
    { from: 'log_record.event_name, log_record.trace_id, log_record.span_id', to: 'read' },
    { from: 'log_record.severity_text, log_record.flags, log_record.dropped_attributes_count', to: 'passed over' },
  ],
};
