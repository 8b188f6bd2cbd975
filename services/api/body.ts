import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { LIMITS } from '../../schemas/limits.ts';
import { type Refused, refuse } from './errors.ts';

const unpack = promisify(gunzip);

/** The bytes of a submitted body, unpacked if they came packed. Refused as a whole: half a batch helps nobody. */
export async function readBody(
  request: FastifyRequest,
  { may_be_empty = false }: { readonly may_be_empty?: boolean } = {},
): Promise<Buffer | Refused> {
  const sent = Buffer.isBuffer(request.body) ? request.body : EMPTY;
  if (sent.length === 0) return may_be_empty ? EMPTY : bodyEmpty();
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return sent;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    return refuse('content_encoding_unsupported', { field: 'headers.content-encoding', remedy: 'send gzip or none' });
  }
  try {
    const body = await unpack(sent, { maxOutputLength: LIMITS.http_body_bytes_max });
    return body.length === 0 && !may_be_empty ? bodyEmpty() : body;
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') return tooLarge();
    return refuse('body_compression_damaged', { remedy: 'pack the body again and send all of it' });
  }
}

const EMPTY = Buffer.alloc(0);

function bodyEmpty(): Refused {
  return refuse('body_empty', { remedy: 'send at least one event' });
}

export function tooLarge(): Refused {
  return refuse('body_too_large', {
    message: `the body is larger than ${LIMITS.http_body_bytes_max} bytes`,
    remedy: 'send fewer events at a time',
  });
}

/** The code of a system or library error; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
