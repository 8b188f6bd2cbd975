import type { Server as HttpsServer, ServerOptions as TlsOptions } from 'node:https';
import cookies from '@fastify/cookie';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyHttpsOptions, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { LIMITS } from '../../schemas/limits.ts';
import { createSignIn } from './auth/sign-in.ts';
import { createAuthenticator } from './authentication.ts';
import { documentOptions } from './document.ts';
import { refuse } from './errors.ts';
import { installFailureHandling, onClientError, refusalOf } from './failure-handling.ts';
import { headersOf, installHooks } from './hooks.ts';
import { registerPages } from './pages/register-pages.ts';
import type { Ports } from './ports.ts';
import { register } from './register.ts';
import { sendRefusal } from './replies.ts';
import type { Context } from './route.ts';
import { ROUTES } from './routes/index.ts';
import { createStreams } from './streams.ts';

/** Certificate and key in PEM. */
export type Tls = Pick<TlsOptions, 'cert' | 'key'>;

/** Percent escapes make an identifier up to so many times as long in a URL. */
const ESCAPE_FACTOR = 12;

/**
 * Builds the HTTP API over its ports. It does not listen: tests inject, services/api/server.ts listens.
 * Everything but health needs an API key; what each route takes, gives and asks for stands in services/api/routes/.
 */
export async function buildApp(ports: Ports, options: { readonly tls?: Tls } = {}): Promise<FastifyInstance> {
  const { tls } = options;
  // Behind a proxy that speaks TLS the browser hears it all the same.
  const secure = tls !== undefined || ports.auth.secure;
  const app = createServer(tls, {
    logger: false,
    bodyLimit: LIMITS.http_body_bytes_max,
    requestTimeout: LIMITS.http_request_ms_max,
    routerOptions: { maxParamLength: LIMITS.id_chars_max * ESCAPE_FACTOR },
    exposeHeadRoutes: false,
    trustProxy: false,
    // Ours says it in the shape of all refusals.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: () => ports.randomBytes(8).toString('hex'),
    clientErrorHandler: onClientError,
    // Comes before routing, and so before the hooks.
    frameworkErrors: (error, request, reply) => {
      reply.headers(headersOf({ secure })).header('request-id', request.id);
      sendRefusal(reply, refusalOf(error, request, ports));
    },
  });
  const closing = new AbortController();
  const streams = createStreams();
  const authenticator = createAuthenticator(ports);
  const signIn = createSignIn(ports);
  const { stillMay, lastUsed, warnings } = authenticator;
  const context: Context = { ports, streams, signIn, closing: closing.signal, stillMay, lastUsed, warnings };

  await app.register(cookies);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installHooks(app, ports, { authenticator, secure, closing: closing.signal });
  installFailureHandling(app, ports);
  app.setNotFoundHandler((_, reply) =>
    sendRefusal(reply, refuse('route_unknown', { remedy: 'see GET /v1/openapi.json' })),
  );
  // Streams last until somebody ends them, and closing waits for them.
  app.addHook('preClose', async () => closing.abort());

  await app.register(swagger, documentOptions(ports.version));
  await register(app, ROUTES, context);
  await registerPages(app, context);
  await app.ready();
  return app;
}

/** Fastify's types tell plain servers from TLS servers; for everything that is done with ours they are the same. */
export function createServer(tls: Tls | undefined, options: FastifyServerOptions): FastifyInstance {
  if (tls === undefined) return Fastify(options);
  const https: FastifyHttpsOptions<HttpsServer>['https'] = { ...tls, minVersion: 'TLSv1.2' };
  return Fastify({ ...options, https } as unknown as FastifyHttpsOptions<HttpsServer>) as unknown as FastifyInstance;
}
