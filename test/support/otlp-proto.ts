import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { type DescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/**
 * Encodes OTLP in protobuf by an implementation that is not ours, from the proto files that OpenTelemetry publishes.
 */
const { files } = JSON.parse(readFileSync(new URL('./otlp-proto-files.json', import.meta.url), 'utf8')) as {
  readonly files: readonly string[];
};
const registry = createFileRegistry({
  $typeName: FileDescriptorSetSchema.typeName,
  file: files.map((base64) => {
    const file = fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, 'base64'));
    file.messageType.forEach(nameFields);
    return file;
  }),
});

/** Names of ProtoJSON, which descriptors that were made for Python leave out. */
function nameFields(message: DescriptorProto): void {
  for (const field of message.field) {
    field.jsonName = field.name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  }
  message.nestedType.forEach(nameFields);
}

/** Tests also encode what is too deep. */
const RECURSION_MAX = 10_000;

const MESSAGES = {
  resourceSpans: 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest',
  resourceLogs: 'opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest',
  resourceMetrics: 'opentelemetry.proto.metrics.v1.MetricsData',
} as const;

/** A request in OTLP/JSON as the same request in protobuf. */
export function toProto(request: Readonly<Record<string, unknown>>): Buffer {
  const name = (Object.keys(MESSAGES) as (keyof typeof MESSAGES)[]).find((key) => key in request);
  if (name === undefined) throw new Error('no request of OTLP');
  const schema = registry.getMessage(MESSAGES[name]);
  if (schema === undefined) throw new Error(`${MESSAGES[name]} is not in the proto files`);
  return Buffer.from(toBinary(schema, fromJson(schema, protoJson(request), { recursionLimit: RECURSION_MAX })));
}

/** A request of traces in protobuf, parsed by the library and nothing else. */
export function parseTraces(bytes: Uint8Array): unknown {
  const schema = registry.getMessage(MESSAGES.resourceSpans);
  if (schema === undefined) throw new Error(`${MESSAGES.resourceSpans} is not in the proto files`);
  return fromBinary(schema, bytes);
}

const IDS: ReadonlySet<string> = new Set(['traceId', 'spanId', 'parentSpanId']);

/** The fields of a message, by both of their names. */
export function fieldsOf(message: string): readonly { readonly name: string; readonly json: string }[] {
  const schema = registry.getMessage(message);
  if (schema === undefined) throw new Error(`${message} is not in the proto files`);
  return schema.fields.map(({ name, jsonName }) => ({ name, json: jsonName }));
}

/** OTLP/JSON writes ids in hex, ProtoJSON all bytes in base64. */
function protoJson(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(protoJson);
  if (typeof value !== 'object' || value === null) return value as JsonValue;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      IDS.has(key) && typeof inner === 'string' ? Buffer.from(inner, 'hex').toString('base64') : protoJson(inner),
    ]),
  );
}
