import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Refused, STATUS_OF } from './errors.ts';

/** Media types of OTLP over HTTP. */
export const OTLP_TYPES = ['application/x-protobuf', 'application/json'] as const;
const [PROTOBUF, JSON_TYPE] = OTLP_TYPES;

export type OtlpEncoding = 'proto' | 'json';

/** OTLP answers in the encoding of the request, and in JSON where that is none. */
export function encodingOf(request: FastifyRequest): OtlpEncoding {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return type === PROTOBUF ? 'proto' : 'json';
}

export type Rejected = { readonly count: number; readonly message: string };

/** Export{Trace,Logs}ServiceResponse (trace_service.proto, logs_service.proto). Empty when nothing was rejected. */
export function exportAnswer(
  encoding: OtlpEncoding,
  name: 'rejectedSpans' | 'rejectedLogRecords',
  rejected: Rejected | undefined,
): Buffer {
  if (encoding === 'json') {
    const answer =
      rejected === undefined
        ? {}
        : { partialSuccess: { [name]: String(rejected.count), errorMessage: rejected.message } };
    return Buffer.from(JSON.stringify(answer));
  }
  const writer = new BinaryWriter();
  if (rejected !== undefined) {
    writer.tag(1, 2).fork();
    writer.tag(1, 0).int64(rejected.count);
    writer.tag(2, 2).string(rejected.message);
    writer.join();
  }
  return Buffer.from(writer.finish());
}

export function sendOtlp(reply: FastifyReply, encoding: OtlpEncoding, body: Buffer): FastifyReply {
  return reply.type(encoding === 'proto' ? PROTOBUF : JSON_TYPE).send(body);
}

/** A refusal as google.rpc.Status, which the OTLP specification asks for. The HTTP status is set already. */
export function sendStatus(reply: FastifyReply, { code, message, details }: Refused): FastifyReply {
  const encoding = encodingOf(reply.request);
  const remedy = details.remedy === undefined ? '' : `; ${details.remedy}`;
  const status = { code: CANONICAL_CODES[STATUS_OF[code]] ?? UNKNOWN, message: `${code}: ${message}${remedy}` };
  if (encoding === 'json') return sendOtlp(reply, encoding, Buffer.from(JSON.stringify(status)));
  const writer = new BinaryWriter();
  writer.tag(1, 0).int32(status.code);
  writer.tag(2, 2).string(status.message);
  return sendOtlp(reply, encoding, Buffer.from(writer.finish()));
}

const UNKNOWN = 2;

/** google.rpc.Code by HTTP status (google/rpc/code.proto). Clients go by the HTTP status alone. */
const CANONICAL_CODES: { readonly [status: number]: number | undefined } = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  408: 4,
  413: 8,
  415: 3,
  429: 8,
  500: 13,
  503: 14,
};
