import { z } from 'zod';
import { LOCAL_ISSUER } from '../../../schemas/principal.ts';
import { ownPath } from '../auth/round-trip.ts';
import { defined } from '../defined.ts';
import type { Ports } from '../ports.ts';
import type { Route } from '../route.ts';
import { page } from './page-route.ts';
import { problemOf } from './problems.ts';
import { sendPage } from './send.ts';
import { linkPage, signedOutPage, signInPage } from './sign-in-pages.ts';

const Query = z.object({
  problem: z.string().max(64).optional().catch(undefined),
  return_to: z.string().max(4_096).optional().catch(undefined),
});

const signIn = page({
  method: 'GET',
  url: '/sign-in',
  access: 'open',
  summary: 'Ways to sign in',
  query: Query,
  async handle({ query, reply, caller, context: { ports } }) {
    const problem = problemOf(query.problem);
    const return_to = query.return_to === undefined ? undefined : ownPath(query.return_to);
    if (caller?.session !== undefined && problem === undefined)
      return reply.redirect(return_to ?? '/containments', 303);
    const providers = ports.auth.providers.map(({ name, label }) => ({ name, label }));
    return sendPage(reply, signInPage({ providers, local: hasLocalPeople(ports), return_to, ...defined({ problem }) }));
  },
});

const link = page({
  method: 'GET',
  url: '/sign-in/link',
  access: 'open',
  summary: 'Where a one-time link leads: a password is chosen',
  query: Query,
  handle: async ({ query, reply }) =>
    sendPage(reply, linkPage({ ...defined({ problem: problemOf(query.problem) }) }), { script: true }),
});

const signedOut = page({
  method: 'GET',
  url: '/signed-out',
  access: 'open',
  summary: 'Where signing out leads',
  handle: async ({ reply }) => sendPage(reply, signedOutPage()),
});

export const signInPages: readonly Route[] = [signIn, link, signedOut];

function hasLocalPeople({ control }: Pick<Ports, 'control'>): boolean {
  return [...control.state.principals.values()].some(
    ({ principal, revoked }) => principal.human && principal.issuer === LOCAL_ISSUER && revoked === undefined,
  );
}
