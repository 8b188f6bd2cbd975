import formBody from '@fastify/formbody';
import type { FastifyInstance } from 'fastify';
import { LIMITS } from '../../../schemas/limits.ts';
import { Refused } from '../errors.ts';
import { sendRefusal } from '../replies.ts';
import type { Context, Route } from '../route.ts';
import { ASSETS } from './assets.ts';
import { containmentPages } from './containment-handlers.ts';
import { listPages } from './list-handlers.ts';
import { requestPages } from './request-handlers.ts';
import { signInPages } from './sign-in-handlers.ts';

/** All pages. docs/approving.md lists them, and a test compares the two. */
export const PAGES: readonly Route[] = [...signInPages, ...listPages, ...requestPages, ...containmentPages];

/** Puts the pages and what they load into Fastify. They take forms and no JSON, and are no part of the OpenAPI document. */
export async function registerPages(app: FastifyInstance, context: Context): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    await scope.register(formBody, { bodyLimit: LIMITS.http_form_bytes_max });
    for (const one of PAGES) {
      const { answer: _, ...schema } = one.schema;
      scope.route({
        method: one.method,
        url: one.url,
        config: { access: one.access, page: true },
        schema: { ...schema, hide: true },
        handler: async (request, reply) => {
          const result = await one.handle(request, reply, context);
          if (!(result instanceof Refused)) return result;
          context.ports.telemetry.occurred('requests_refused', { code: result.code }, { request: request.id });
          return sendRefusal(reply, result);
        },
      });
    }
    for (const { url, type, body } of Object.values(ASSETS)) {
      scope.get(url, { config: { access: 'open' }, schema: { hide: true } }, (_, reply) =>
        reply.header('cache-control', 'public, max-age=31536000, immutable').type(type).send(body),
      );
    }
  });
}
