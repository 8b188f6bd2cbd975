import type { FastifyReply } from 'fastify';
import { csrfTokenOf } from '../auth/csrf.ts';
import type { Caller } from '../authentication.ts';
import { defined } from '../defined.ts';
import { type Refused, STATUS_OF } from '../errors.ts';
import type { Problem, Viewer } from './frame.ts';
import { problemPage } from './problem-page.ts';

export type SendOptions = {
  readonly status?: number;
  /** Origins to which a form may lead in the end: a redirect after a form is held against the policy as well. */
  readonly form_to?: readonly string[];
  /** The page loads our one script. */
  readonly script?: boolean;
};

/**
 * Nothing runs and nothing is loaded but a style sheet and an icon of ours (CSP level 3). The referrer is told to ourselves
 * only: without it browsers would not say either that a form came from a page of ours (Fetch, `Origin` of a request).
 */
function headersOf({ form_to = [], script = false }: SendOptions): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ...(script ? ["script-src 'self'"] : []),
    `form-action ${["'self'", ...form_to].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  };
}

export function sendPage(reply: FastifyReply, page: string, options: SendOptions = {}): FastifyReply {
  return reply
    .code(options.status ?? 200)
    .headers(headersOf(options))
    .type('text/html; charset=utf-8')
    .serializer((text: string) => text)
    .send(page);
}

/** A refusal as people with a browser get it. */
export function sendProblem(reply: FastifyReply, refused: Refused): FastifyReply {
  const viewer = reply.request.caller === undefined ? undefined : viewerOf(reply.request.caller);
  return sendPage(reply, problemPage(problemFrom(refused), viewer), { status: STATUS_OF[refused.code] });
}

export function problemFrom({ code, message, details: { remedy } }: Refused): Problem {
  return { code, message, ...defined({ remedy }) };
}

/** Undefined for whoever shows an API key: forms need a session. */
export function viewerOf({ principal, roles, session }: Caller): Viewer | undefined {
  if (session === undefined) return undefined;
  const { issuer, subject } = principal;
  return { principal: { issuer, subject }, roles, csrf: csrfTokenOf(session) };
}
