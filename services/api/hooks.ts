import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { cookieNames, cookieOptions, createStamps, isStale, type Stamps } from './auth/cookies.ts';
import { csrfObjection, isSafe } from './auth/csrf.ts';
import type { Authenticator } from './authentication.ts';
import { Refused, refuse, STATUS_OF } from './errors.ts';
import type { Ports } from './ports.ts';
import { sendRefusal } from './replies.ts';

/** Nothing of an answer runs, loads, sends or frames: no plug-in, no base and no form of somebody else's (CSP level 3). */
export const CSP_OF_ALL =
  "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'";

/** No answer is for a browser's page, a cache or a frame. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': CSP_OF_ALL,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Two years, and of all names below (RFC 6797): a neighbour in the clear could set cookies that are sent here. */
const TRANSPORT = { 'strict-transport-security': 'max-age=63072000; includeSubDomains' } as const;

/** Latency in seconds. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60] as const;

/** Headers of every answer. */
export function headersOf({ secure }: { readonly secure: boolean }): Readonly<Record<string, string>> {
  return secure ? { ...HEADERS, ...TRANSPORT } : HEADERS;
}

type Installed = {
  readonly authenticator: Authenticator;
  /** Served over TLS. */
  readonly secure: boolean;
  readonly closing: AbortSignal;
};

/** What happens to every request: headers, who asks and whether they may, and how long it took. */
export function installHooks(
  app: FastifyInstance,
  ports: Pick<Ports, 'telemetry' | 'clock'> & Partial<Pick<Ports, 'auth'>>,
  { authenticator, secure, closing }: Installed,
): void {
  const { telemetry, clock } = ports;
  const headers = headersOf({ secure });
  const latency = telemetry.histogram('http_request_seconds', 'time to answer an API request', BUCKETS, [
    'method',
    'route',
    'status',
  ]);
  const began = new WeakMap<FastifyRequest, number>();
  const stamps = ports.auth === undefined ? undefined : createStamps(ports.auth.cookie_key);
  app.decorateRequest('caller', undefined);

  app.addHook('onRequest', async (request, reply) => {
    began.set(request, clock.elapsed());
    reply.headers(headers).header('request-id', request.id);
    if (closing.aborted) {
      return sendRefusal(reply, refuse('shutting_down', { retry_after_s: 5, remedy: 'send the same again later' }));
    }
    // What is not in the route table is nobody's, and strangers do not learn what is.
    const access = request.routeOptions.config?.access ?? 'authenticated';
    const cookie = sessionCookie(request, ports.auth);
    if (access === 'open') {
      request.caller = authenticator.signedIn(cookie);
      return;
    }
    const caller = authenticator.identify({ authorization: request.headers.authorization, cookie }, request.ip);
    if (caller instanceof Refused) return turnAway(request, reply, caller);
    const objection = authenticator.objection(caller, access);
    if (objection !== undefined) {
      telemetry.occurred('requests_refused', { code: objection.code }, { request: request.id });
      return sendRefusal(reply, objection);
    }
    request.caller = caller;
    if (caller.session !== undefined && cookie !== undefined) renewStamp(reply, cookie, { ...ports, stamps });
  });

  // The form has been read and not yet been checked: its token is not a part of what is asked.
  app.addHook('preValidation', async (request, reply) => {
    const { caller, routeOptions } = request;
    if (caller?.session === undefined || isSafe(request) || routeOptions.config?.access === 'open') return;
    const objection = csrfObjection(request, caller.session, { public_url: ports.auth?.public_url });
    if (objection === undefined) return;
    telemetry.occurred('requests_refused', { code: objection.code }, { request: request.id });
    return sendRefusal(reply, objection);
  });

  // A connection that is kept alive would keep the closing server waiting for its timeout.
  app.addHook('onSend', async (_, reply) => {
    if (closing.aborted) reply.header('connection', 'close');
  });

  app.addHook('onResponse', async (request, reply) => {
    const start = began.get(request);
    if (start === undefined) return;
    const route = request.routeOptions.url ?? 'unknown';
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    latency.observe({ method: request.method, route, status }, (clock.elapsed() - start) / 1000);
  });
}

function sessionCookie({ cookies }: FastifyRequest, auth: Ports['auth'] | undefined): string | undefined {
  return auth === undefined ? undefined : cookies[cookieNames(auth).session];
}

/** People who ask for a page are led to where they can sign in; all others are told. */
function turnAway(request: FastifyRequest, reply: FastifyReply, refused: Refused): FastifyReply {
  if (request.routeOptions.config?.page !== true || STATUS_OF[refused.code] !== 401) return sendRefusal(reply, refused);
  const problem = refused.code === 'credential_missing' ? {} : { problem: refused.code };
  const back = isSafe(request) ? { return_to: request.url } : {};
  return reply.redirect(`/sign-in?${new URLSearchParams({ ...problem, ...back })}`, 303);
}

/** A session that is used does not become idle. */
function renewStamp(
  reply: FastifyReply,
  cookie: string,
  {
    auth,
    clock,
    stamps,
  }: Pick<Ports, 'clock'> & Partial<Pick<Ports, 'auth'>> & { readonly stamps: Stamps | undefined },
): void {
  const stamped = stamps?.read(cookie);
  const now = clock.now();
  if (auth === undefined || stamps === undefined || stamped === undefined || !isStale(stamped, now)) return;
  reply.setCookie(cookieNames(auth).session, stamps.write(stamped.token, now), cookieOptions(auth));
}
