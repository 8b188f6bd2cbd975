import formBody from '@fastify/formbody';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { OtlpStatus } from '../../schemas/api/otlp.ts';
import { ErrorBody } from '../../schemas/api/shared.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Access } from './authentication.ts';
import { EVENT_TYPES } from './document.ts';
import { Refused, refuse } from './errors.ts';
import { OTLP_TYPES } from './otlp-answers.ts';
import { sendRefusal } from './replies.ts';
import type { Context, RawBody, Route } from './route.ts';
import { nameTenant, tenancyOf, tenantObjection } from './tenancy.ts';

/** Puts the route table into Fastify. Bodies of events stay bytes; all others are parsed as JSON. */
export async function register(app: FastifyInstance, routes: readonly Route[], context: Context): Promise<void> {
  const parsed = routes.filter((one) => one.raw_body === undefined);
  const busy = createGate(LIMITS.http_ingest_requests_max);
  for (const [raw_body, types] of RAW_TYPES) {
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser([...types], { parseAs: 'buffer' }, (_, body, done) => done(null, body));
      for (const one of routes) if (one.raw_body === raw_body) add(scope, one, context, { busy });
    });
  }
  for (const forms of [false, true]) {
    await app.register(async (scope) => {
      scope.removeContentTypeParser('text/plain');
      if (forms) await scope.register(formBody, { bodyLimit: LIMITS.http_form_bytes_max });
      for (const one of parsed) if (one.forms === forms) add(scope, one, context, {});
    });
  }
}

const RAW_TYPES: ReadonlyMap<RawBody, readonly string[]> = new Map<RawBody, readonly string[]>([
  ['events', EVENT_TYPES],
  ['otlp', OTLP_TYPES],
]);

function add(scope: FastifyInstance, one: Route, context: Context, { busy }: { readonly busy?: Gate }): void {
  const { answer, ...asked } = one.schema;
  const { telemetry } = context.ports;
  const tenancy = tenancyOf(one.url);
  scope.route({
    method: one.method,
    url: one.url,
    config: { access: one.access, raw_body: one.raw_body, page: one.page },
    schema: {
      ...asked,
      summary: one.summary,
      description: accessText(one.access),
      tags: [one.tag],
      operationId: operationId(one),
      ...(one.access === 'open' && { security: [] }),
      response: one.raw_body === 'otlp' ? otlpResponses(one) : responsesOf(one),
    },
    ...(busy !== undefined && {
      // Before the body is read: what is refused costs no memory.
      preParsing: async (_, reply) => {
        const leave = busy.enter();
        if (leave === undefined) {
          telemetry.occurred('requests_refused', { code: 'too_busy' });
          await sendRefusal(reply, refuse('too_busy', { retry_after_s: 1, remedy: 'send the same again' }));
          return;
        }
        reply.raw.once('close', leave);
      },
    }),
    preValidation: async (request) => nameTenant(request, tenancy),
    handler: async (request, reply) => {
      const result =
        tenantObjection(request, tenancy, context.ports.control.state) ?? (await one.handle(request, reply, context));
      if (!(result instanceof Refused)) {
        if (one.status !== 200) reply.code(one.status);
        return result;
      }
      telemetry.occurred('requests_refused', { code: result.code }, { request: request.id });
      return sendRefusal(reply, result);
    },
  });
}

function responsesOf(one: Route): Record<string, unknown> {
  const { answer } = one.schema;
  return {
    [one.status]: answer ?? { description: one.summary, content: { [one.produces]: { schema: z.string() } } },
    ...(one.url === '/health/ready' && answer !== undefined && { 503: answer }),
    '4xx': ErrorBody,
    '5xx': ErrorBody,
  };
}

/** Answers and refusals in the encoding of the request. */
function otlpResponses({ status, summary, schema }: Route): Record<string, unknown> {
  const [proto, json] = OTLP_TYPES;
  const either = (description: string, shape: z.ZodType | undefined) => ({
    description,
    content: { [json]: { schema: shape ?? z.object({}) }, [proto]: { schema: z.string() } },
  });
  const refused = either('google.rpc.Status', OtlpStatus);
  return { [status]: either(summary, schema.answer), '4xx': refused, '5xx': refused };
}

function accessText(access: Access): string {
  if (access === 'open') return 'Needs no key.';
  return access === 'authenticated' ? 'Needs a key.' : `Needs a key with one of the roles: ${access.join(', ')}.`;
}

type Gate = { enter(): (() => void) | undefined };

/** Lets so many in at a time. */
function createGate(most: number): Gate {
  let inside = 0;
  return {
    enter() {
      if (inside >= most) return undefined;
      inside++;
      return () => {
        inside--;
      };
    },
  };
}

/** `GET /v1/alerts/:uid` is `get_v1_alerts_uid`. */
function operationId({ method, url }: Route): string {
  return `${method}${url}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replace(/_$/, '');
}
