import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { OTLP_TYPES } from './otlp-answers.ts';

/** Media types in which events are taken. */
export const EVENT_TYPES = [
  'application/json',
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
] as const;

const transform = createJsonSchemaTransform({ skipList: [] });

/** Events are validated item by item, by ingest, so Fastify knows no schema of theirs; the document says where it stands. */
const EVENTS_BODY = {
  description:
    'Canonical events, or whatever a configured mapping takes: one JSON object per line, ' +
    'a JSON list, or one JSON object.',
} as const;

const OTLP_BODY = {
  description: 'ExportTraceServiceRequest or ExportLogsServiceRequest of OTLP 1.x, in protobuf or in OTLP/JSON.',
} as const;

/** How the route table becomes the OpenAPI 3.1 document. */
export function documentOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Countersign',
        description: 'Refusals have one shape; docs/errors.md explains each code. Cursors are opaque.',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', bearerFormat: 'csk_...' } } },
      security: [{ key: [] }],
    },
    transform(route) {
      const transformed = transform(route);
      const takes = route.route.config?.raw_body;
      if (takes === undefined) return transformed;
      const body = takes === 'otlp' ? OTLP_BODY : EVENTS_BODY;
      const consumes = [...(takes === 'otlp' ? OTLP_TYPES : EVENT_TYPES)];
      return { ...transformed, schema: { ...transformed.schema, body, consumes } };
    },
  };
}
