/**
 * OTLP spans and log records as both encodings give them (opentelemetry-proto 1.x: trace.proto, logs.proto, common.proto).
 * Plain data, checked for shape and nothing else: what it means is the business of the conventions.
 */

/** An AnyValue. Integers beyond 2^53 lose their last digits; bytes stand as they are. */
export type AttributeValue =
  | string
  | number
  | boolean
  | Uint8Array
  | readonly AttributeValue[]
  | ReadonlyMap<string, AttributeValue>
  | undefined;

/** Of a repeated key the last one counts. */
export type Attributes = ReadonlyMap<string, AttributeValue>;

export type OtlpScope = { readonly name: string; readonly version: string };

type Emitted = {
  readonly resource: Attributes;
  readonly scope: OtlpScope;
  readonly attributes: Attributes;
};

/** SpanKind (trace.proto). */
export const SPAN_KIND = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;
/** Status.StatusCode (trace.proto). */
export const STATUS = { unset: 0, ok: 1, error: 2 } as const;

export type OtlpSpan = Emitted & {
  /** 32 hex digits in lower case, not all 0. */
  readonly trace_id: string;
  /** 16 hex digits in lower case, not all 0. */
  readonly span_id: string;
  /** Absent for a root. */
  readonly parent_span_id: string | undefined;
  readonly name: string;
  readonly kind: number;
  /** Epoch milliseconds; 0 when the source set none. */
  readonly start_ms: number;
  readonly end_ms: number;
  readonly status: { readonly code: number; readonly message: string };
  readonly events: readonly OtlpSpanEvent[];
};

export type OtlpSpanEvent = { readonly name: string; readonly time_ms: number; readonly attributes: Attributes };

export type OtlpLog = Emitted & {
  /** Epoch milliseconds: `time_unix_nano`, 0 when unknown. */
  readonly time_ms: number;
  readonly observed_ms: number;
  /** The `event_name` field; older sources put it in the attribute `event.name`. */
  readonly event_name: string | undefined;
  readonly severity_number: number;
  readonly body: AttributeValue;
  readonly trace_id: string | undefined;
  readonly span_id: string | undefined;
};
