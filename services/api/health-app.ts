import type { FastifyInstance } from 'fastify';
import { LIMITS } from '../../schemas/limits.ts';
import { createServer, type Tls } from './app.ts';
import { type Access, createAuthenticator } from './authentication.ts';
import { refuse } from './errors.ts';
import { installFailureHandling, onClientError, refusalOf } from './failure-handling.ts';
import { headersOf, installHooks } from './hooks.ts';
import type { Ports } from './ports.ts';
import { sendRefusal } from './replies.ts';
import { METRICS_ACCESS } from './routes/operations.ts';

/** What a process without the API answers with. */
export type HealthPorts = Pick<Ports, 'clock' | 'telemetry' | 'randomBytes' | 'control' | 'readiness' | 'metrics'>;

const BODY_BYTES_MAX = 1024;

/** Health and metrics, the same as the API has them, for a process that has no API. It does not listen. */
export async function buildHealthApp(
  ports: HealthPorts,
  { tls }: { readonly tls?: Tls } = {},
): Promise<FastifyInstance> {
  const secure = tls !== undefined;
  const app = createServer(tls, {
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: LIMITS.http_request_ms_max,
    exposeHeadRoutes: false,
    trustProxy: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: () => ports.randomBytes(8).toString('hex'),
    clientErrorHandler: onClientError,
    frameworkErrors: (error, request, reply) => {
      reply.headers(headersOf({ secure })).header('request-id', request.id);
      sendRefusal(reply, refusalOf(error, request, ports));
    },
  });
  const closing = new AbortController();
  installHooks(app, ports, { authenticator: createAuthenticator(ports), secure, closing: closing.signal });
  installFailureHandling(app, ports);
  app.setNotFoundHandler((_, reply) =>
    sendRefusal(reply, refuse('route_unknown', { remedy: 'this process has no API: ask one with the role api' })),
  );
  app.addHook('preClose', async () => closing.abort());

  const to = (access: Access) => ({ config: { access } });
  app.get('/health', to('open'), async () => ({ status: 'alive' }));
  app.get('/health/ready', to('open'), async (_, reply) => {
    const { ready } = await ports.readiness();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready' });
  });
  app.get('/metrics', to(METRICS_ACCESS), async (_, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await ports.metrics()),
  );
  await app.ready();
  return app;
}
