import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Access, Caller } from '../authentication.ts';
import { type CommandBody, commandSubject } from '../commands.ts';
import { type Refused, refuse } from '../errors.ts';
import { type Asked, READERS, type Route, route } from '../route.ts';
import type { Viewer } from './frame.ts';
import { viewerOf } from './send.ts';

/** Somebody who is signed in, and looks at a page. */
export type Person = { readonly caller: Caller; readonly viewer: Viewer };

type PageSpec<Params, Query, Body> = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Absent: whoever may look at what was found. */
  readonly access?: Access;
  readonly summary: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly handle: (asked: Asked<Params, Query, Body>) => Promise<FastifyReply | Refused>;
};

/** Declares a page: HTML for people with a browser, who are led to the sign-in when they are not signed in. */
export function page<
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(spec: PageSpec<Params, Query, Body>): Route {
  return route<Params, Query, Body>({
    ...spec,
    access: spec.access ?? READERS,
    tag: 'pages',
    page: true,
    forms: spec.method === 'POST',
    produces: 'text/html',
  });
}

/** Forms carry the token of a session, so pages are for people with one. */
export function personOf({ caller }: { readonly caller: Caller | undefined }): Person | Refused {
  const viewer = caller === undefined ? undefined : viewerOf(caller);
  if (caller === undefined || viewer === undefined) {
    return refuse('session_needed', { remedy: 'sign in with a browser; with an API key use the paths under /v1' });
  }
  return { caller, viewer };
}

/** Asks for what a form says. The same form sent twice is one command. */
export function ask(
  asked: Parameters<typeof commandSubject>[0],
  { caller }: Person,
  of: { readonly body: CommandBody; readonly once: string },
): Promise<Refused | { readonly subject: string }> {
  return commandSubject(asked, caller, of.body, { once: `${of.body.type} ${of.once}` });
}

/** The name of a command before it is one: put into a form, and new with every page. */
export function mintOnce(randomBytes: (size: number) => Buffer): string {
  return randomBytes(16).toString('hex');
}
