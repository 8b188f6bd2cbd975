import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { LogUnavailable } from '../platform/event-log.ts';
import { StoreUnavailable } from '../platform/store.ts';
import { codeOf, tooLarge } from './body.ts';
import { type OwnCode, type Refused, refuse, STATUS_OF } from './errors.ts';
import { headersOf } from './hooks.ts';
import type { Ports } from './ports.ts';
import { errorBody, sendRefusal } from './replies.ts';

const RETRY_AFTER_S = 5;

/** Whatever ends a request otherwise than by an answer or a refusal becomes a refusal, with no more than is safe to tell. */
export function installFailureHandling(app: FastifyInstance, ports: Pick<Ports, 'telemetry'>): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendRefusal(reply, refusalOf(error, request, ports)));
}

export function refusalOf(error: unknown, request: FastifyRequest, { telemetry }: Pick<Ports, 'telemetry'>): Refused {
  const refused = classify(error);
  if (STATUS_OF[refused.code] < 500) {
    telemetry.occurred('requests_refused', { code: refused.code }, { request: request.id });
    return refused;
  }
  const fields = { request: request.id, route: request.routeOptions?.url, error: textOf(error) };
  telemetry.occurred('requests_failed', { code: refused.code }, fields);
  return refused;
}

function classify(error: unknown): Refused {
  if (error instanceof LogUnavailable) {
    return refuse('log_unavailable', { retry_after_s: RETRY_AFTER_S, remedy: 'send the same again later' });
  }
  if (error instanceof StoreUnavailable) {
    return refuse('store_unavailable', { retry_after_s: RETRY_AFTER_S, remedy: 'ask again later' });
  }
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(error);
  const known = BY_CODE[codeOf(error) ?? ''];
  if (known === 'body_too_large') return tooLarge();
  if (known !== undefined) return refuse(known, REMEDIES[known] === undefined ? {} : { remedy: REMEDIES[known] });
  if (isRefusedByFastify(error)) return refuse('request_malformed');
  return refuse('internal', { remedy: 'try again; the log holds the reason under the request-id of this answer' });
}

/** Fastify knows more ways in which a request can be wrong than are worth a code of ours. */
function isRefusedByFastify(error: unknown): boolean {
  if (codeOf(error)?.startsWith('FST_ERR_') !== true) return false;
  const { statusCode } = error as Partial<FastifyError>;
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500;
}

/** Errors of Fastify and of its body parsers, by their codes. */
const BY_CODE: { readonly [code: string]: OwnCode | undefined } = {
  FST_ERR_BAD_URL: 'url_malformed',
  FST_ERR_MAX_PARAM_LENGTH: 'url_too_long',
  FST_ERR_ASYNC_CONSTRAINT: 'url_malformed',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'content_type_unsupported',
  FST_ERR_CTP_EMPTY_TYPE: 'content_type_unsupported',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body_empty',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body_malformed',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request_malformed',
};

const REMEDIES: { readonly [code in OwnCode]?: string } = {
  url_malformed: 'escape the percent sign as %25',
  url_too_long: 'identifiers have at most 256 characters',
  content_type_unsupported:
    'send application/json, to /v1/events also application/x-ndjson, to /v1/traces and /v1/logs also application/x-protobuf',
  body_empty: 'send a JSON object, or no content-type where there is no body',
  body_malformed: 'send valid JSON without the keys __proto__ and constructor.prototype',
  request_malformed: 'send as many bytes as content-length says',
};

function invalid(error: { readonly validation: readonly Issue[]; readonly validationContext?: string }): Refused {
  const [first] = error.validation;
  const part = PARTS[error.validationContext ?? ''] ?? 'request';
  const path = (first?.instancePath ?? '').split('/').slice(1).join('.');
  return refuse('request_invalid', {
    message: first?.message ?? 'the request does not have the right shape',
    field: path === '' ? part : `${part}.${path}`,
    remedy: 'see GET /v1/openapi.json for the shape',
  });
}

type Issue = { readonly instancePath: string; readonly message?: string };

const PARTS: { readonly [context: string]: string | undefined } = {
  params: 'path',
  querystring: 'query',
  body: 'body',
  headers: 'headers',
};

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const SOCKET_CODES: { readonly [code: string]: OwnCode | undefined } = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

const PHRASES: { readonly [status: number]: string } = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** Answers what is not even HTTP, in the same shape, and hangs up. */
export function onClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const refused = refuse(SOCKET_CODES[error.code ?? ''] ?? 'request_malformed');
  const status = STATUS_OF[refused.code];
  const body = JSON.stringify(errorBody(refused));
  const head = [
    `HTTP/1.1 ${status} ${PHRASES[status] ?? 'Error'}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headersOf({ secure: 'encrypted' in socket })).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
