import { LIMITS } from '../../../schemas/limits.ts';
import { excerpt } from '../refusal.ts';
import { Damage } from './damage.ts';

/** What both encodings check alike. */

const TRACE_ID_CHARS = 32;
const SPAN_ID_CHARS = 16;
const ZEROS = '0'.repeat(TRACE_ID_CHARS);

/** An id of a trace, in lower-case hex; undefined when there is none, which zeros mean too (trace.proto). */
export function traceId(hex: string): string | undefined {
  return id(hex, TRACE_ID_CHARS, 'trace_id');
}

export function spanId(hex: string, field: 'span_id' | 'parent_span_id'): string | undefined {
  return id(hex, SPAN_ID_CHARS, field);
}

function id(hex: string, chars: number, field: string): string | undefined {
  if (hex === '') return undefined;
  if (hex.length === chars) return ZEROS.startsWith(hex) ? undefined : hex;
  throw new Damage('schema_mismatch', `${field}: ${excerpt(hex)} is no id of ${chars} hex digits`, field);
}

/** Ids of a log record: with one that is none, it belongs to no trace (logs.proto, LogRecord). */
export function idsOfLog(trace: string, span: string): { trace_id: string | undefined; span_id: string | undefined } {
  const trace_id = trace.length === TRACE_ID_CHARS ? traceId(trace) : undefined;
  const span_id = trace_id !== undefined && span.length === SPAN_ID_CHARS ? spanId(span, 'span_id') : undefined;
  return { trace_id, span_id };
}

/** An id that a span must have. */
export function required(found: string | undefined, field: string): string {
  if (found !== undefined) return found;
  throw new Damage('schema_mismatch', `${field}: there is none, and a span must have one`, field);
}

/** Bounds how deep the lists and maps of one attribute nest. */
export function expectDepth(depth: number): void {
  if (depth <= LIMITS.otlp_value_depth_max) return;
  const message = `a value nests deeper than ${LIMITS.otlp_value_depth_max} lists and maps; flatten it at the source`;
  throw new Damage('too_deep', message, 'attributes');
}
