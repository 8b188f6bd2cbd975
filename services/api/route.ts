import type { FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { z } from 'zod';
import type { Role } from '../../schemas/principal.ts';
import type { SignInWarning } from './auth/elsewhere.ts';
import type { SignIn } from './auth/sign-in.ts';
import type { Access, Caller } from './authentication.ts';
import { defined } from './defined.ts';
import type { Refused } from './errors.ts';
import type { Ports } from './ports.ts';
import type { Streams } from './streams.ts';

/** Who may look at what was found. */
export const READERS = ['viewer', 'analyst', 'approver'] as const satisfies readonly Role[];

/** What a handler works with besides its request. */
export type Context = {
  readonly ports: Ports;
  readonly streams: Streams;
  readonly signIn: SignIn;
  /** Aborts when the service stops. */
  readonly closing: AbortSignal;
  readonly stillMay: (caller: Caller, access: Access) => boolean;
  readonly lastUsed: (key: string) => number | undefined;
  readonly warnings: () => readonly SignInWarning[];
};

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** A request whose parts have been checked. */
export type Asked<Params, Query, Body> = {
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly body: Parsed<Body>;
  /** Undefined on open routes only; ask `callerOf`. */
  readonly caller: Caller | undefined;
  readonly context: Context;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
};

type Spec<Params, Query, Body, Answer> = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly access: Access;
  readonly summary: string;
  readonly tag: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** Shape of a successful answer; absent when the handler writes it by itself. */
  readonly answer?: Answer;
  readonly status?: 200 | 201;
  /** What is to be ingested, kept as bytes. */
  readonly raw_body?: RawBody;
  /** Takes what a page's form sends, besides JSON. */
  readonly forms?: boolean;
  /** For people with a browser: who is not signed in is led to where that is done. */
  readonly page?: boolean;
  /** Media type of an answer that is not JSON. */
  readonly produces?: string;
  readonly handle: (
    asked: Asked<Params, Query, Body>,
    // A reply: the handler has answered by itself, as with a redirect to a page.
  ) => Promise<(Answer extends z.ZodType ? z.input<Answer> : unknown) | Refused | FastifyReply>;
};

/** Events in NDJSON or JSON, or an OTLP request, which is also answered and refused as OTLP wants it. */
export type RawBody = 'events' | 'otlp';

/** A row of the route table. */
export type Route = {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly access: Access;
  readonly summary: string;
  readonly tag: string;
  readonly schema: {
    readonly params?: z.ZodType;
    readonly querystring: z.ZodType;
    readonly body?: z.ZodType;
    readonly answer?: z.ZodType;
  };
  readonly status: 200 | 201;
  readonly raw_body: RawBody | undefined;
  readonly forms: boolean;
  readonly page: boolean;
  readonly produces: string;
  readonly handle: (request: FastifyRequest, reply: FastifyReply, context: Context) => Promise<unknown>;
};

/** A misspelt filter must not answer with everything, so what a route does not know it refuses. */
const NO_QUERY = z.strictObject({});

/** Declares a route. Its handler gets checked input and returns an answer of the declared shape, or a refusal. */
export function route<
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
  Answer extends z.ZodType | undefined = undefined,
>(spec: Spec<Params, Query, Body, Answer>): Route {
  const { params, query, body, answer } = spec;
  return {
    method: spec.method,
    url: spec.url,
    access: spec.access,
    summary: spec.summary,
    tag: spec.tag,
    schema: {
      querystring: query ?? NO_QUERY,
      ...defined({ params, body, answer }),
    },
    status: spec.status ?? 200,
    raw_body: spec.raw_body,
    forms: spec.forms ?? false,
    page: spec.page ?? false,
    produces: spec.produces ?? 'application/json',
    handle: (request, reply, context) =>
      spec.handle({
        // Fastify has put what the schemas made of the input in the place of the input.
        params: request.params as Parsed<Params>,
        query: request.query as Parsed<Query>,
        body: request.body as Parsed<Body>,
        caller: request.caller,
        context,
        request,
        reply,
      }),
  };
}

/** The caller of a route that is not open. */
export function callerOf(asked: { readonly caller: Caller | undefined }): Caller {
  if (asked.caller === undefined) throw new Error('an open route asked who calls it');
  return asked.caller;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    access?: Access;
    raw_body?: RawBody | undefined;
    page?: boolean;
  }
}
