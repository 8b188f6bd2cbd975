import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authenticator } from './authentication.ts';
import { Refused, refuse } from './errors.ts';
import type { Ports } from './ports.ts';
import { sendRefusal } from './replies.ts';

/** No answer is for a browser's page, a cache or a frame. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Two years, RFC 6797. */
const TRANSPORT = { 'strict-transport-security': 'max-age=63072000' } as const;

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
  { telemetry, clock }: Pick<Ports, 'telemetry' | 'clock'>,
  { authenticator, secure, closing }: Installed,
): void {
  const headers = headersOf({ secure });
  const latency = telemetry.histogram('http_request_seconds', 'time to answer an API request', BUCKETS, [
    'method',
    'route',
    'status',
  ]);
  const began = new WeakMap<FastifyRequest, number>();
  app.decorateRequest('caller', undefined);

  app.addHook('onRequest', async (request, reply) => {
    began.set(request, clock.elapsed());
    reply.headers(headers).header('request-id', request.id);
    if (closing.aborted) {
      return sendRefusal(reply, refuse('shutting_down', { retry_after_s: 5, remedy: 'send the same again later' }));
    }
    // What is not in the route table is nobody's, and strangers do not learn what is.
    const access = request.routeOptions.config?.access ?? 'authenticated';
    if (access === 'open') return;
    const caller = authenticator.identify(request.headers.authorization, request.ip);
    if (caller instanceof Refused) return sendRefusal(reply, caller);
    const objection = authenticator.objection(caller, access);
    if (objection !== undefined) {
      telemetry.occurred('requests_refused', { code: objection.code }, { request: request.id });
      return sendRefusal(reply, objection);
    }
    request.caller = caller;
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
