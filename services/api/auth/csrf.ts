import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Session } from '../../../schemas/session.ts';
import { type Refused, refuse } from '../errors.ts';

/** The field of a form, and the header of a script, that carries the token. */
export const CSRF_FIELD = 'csrf';
const CSRF_HEADER = 'x-csrf-token';

/**
 * The token that a page puts into its forms, bound to the session: only who is signed in with it can know it, and it
 * changes with the session. It follows from the hash of the session's token, which never leaves the service.
 */
export function csrfTokenOf({ hash }: Pick<Session, 'hash'>): string {
  return createHmac('sha256', Buffer.from(hash, 'hex')).update('countersign csrf').digest('base64url');
}

/** Requests that by their method ask for nothing to be changed (RFC 9110, section 9.2.1). */
export function isSafe({ method }: Pick<FastifyRequest, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/** Where people find the service: what their browsers name as the origin of our own pages. */
export type OwnOrigins = { readonly public_url: string | undefined };

/**
 * Whether a browser says that the request comes from one of our own pages: `Sec-Fetch-Site` (Fetch Metadata), else `Origin`
 * (RFC 6454) compared with the host that was asked. Neither: undefined, which no browser of today leaves it at.
 */
export function isSameOrigin({ headers }: Pick<FastifyRequest, 'headers'>, own: OwnOrigins): boolean | undefined {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  // Under a policy of no referrer a browser says `null` of its own pages too, so that alone decides nothing.
  const named = origin === undefined || origin === 'null' ? undefined : isOwn(origin, host, own);
  if (site !== undefined) return site === 'same-origin' && named !== false;
  if (origin === 'null') return false;
  return named;
}

function isOwn(origin: string, host: string | undefined, { public_url }: OwnOrigins): boolean {
  const parsed = URL.parse(origin);
  if (parsed === null) return false;
  return parsed.host === host || (public_url !== undefined && parsed.origin === new URL(public_url).origin);
}

/** Why a request that a cookie vouches for may not change anything; undefined when it may. */
export function csrfObjection(request: FastifyRequest, session: Session, own: OwnOrigins): Refused | undefined {
  if (isSameOrigin(request, own) !== true) {
    return refuse('csrf_refused', {
      message: 'the request does not come from a page of this service',
      remedy: 'send it from a page of this service, or use an API key instead of the cookie',
    });
  }
  const given = tokenIn(request);
  if (given !== undefined && isEqual(given, csrfTokenOf(session))) return undefined;
  return refuse('csrf_refused', {
    message: 'the token of the form is missing, or is of another session',
    remedy: `load the page again; a script sends ${CSRF_HEADER} with the token of GET /auth/session`,
  });
}

/** Takes the field out of the form, so that what checks the form sees only what was asked. */
function tokenIn(request: FastifyRequest): string | undefined {
  const header = request.headers[CSRF_HEADER];
  const { body } = request;
  if (typeof body === 'object' && body !== null && !Buffer.isBuffer(body) && Object.hasOwn(body, CSRF_FIELD)) {
    const { [CSRF_FIELD]: field, ...rest } = body as Record<string, unknown>;
    request.body = rest;
    if (header === undefined) return typeof field === 'string' ? field : undefined;
  }
  return typeof header === 'string' ? header : undefined;
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
