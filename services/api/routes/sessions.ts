import { z } from 'zod';
import {
  CreatedLink,
  EndedSession,
  EndedSessions,
  RolesBody,
  RolesSet,
  SessionList,
} from '../../../schemas/api/sign-in.ts';
import { PrincipalRef, SessionId } from '../../../schemas/principal.ts';
import { mintLink } from '../../control/tokens.ts';
import { command } from '../commands.ts';
import { callerOf, type Route, route } from '../route.ts';
import { linkView, sessionView } from '../views.ts';

const ADMIN = ['admin'] as const;

const list = route({
  method: 'GET',
  url: '/v1/sessions',
  access: ADMIN,
  tag: 'access',
  summary: 'Who is signed in, and who was',
  answer: SessionList,
  handle: async ({ context }) => ({
    items: [...context.ports.control.state.sessions.values()].map(sessionView).reverse(),
  }),
});

const end = route({
  method: 'DELETE',
  url: '/v1/sessions/:id',
  access: 'authenticated',
  tag: 'access',
  summary:
    'End a session in every process at once, and with it the votes that were given in it; your own, or as an administrator any',
  params: z.object({ id: SessionId }),
  answer: EndedSession,
  async handle(asked) {
    const session = asked.params.id;
    const refused = await command(asked, callerOf(asked), { type: 'session_end', session });
    return refused ?? { session, state: 'ended' as const };
  },
});

const endAll = route({
  method: 'DELETE',
  url: '/v1/principals/:issuer/:subject/sessions',
  access: ADMIN,
  tag: 'access',
  summary: 'End all sessions of somebody',
  params: PrincipalRef,
  answer: EndedSessions,
  async handle(asked) {
    const principal = asked.params;
    const refused = await command(asked, callerOf(asked), { type: 'sessions_end', principal });
    return refused ?? { principal, state: 'signed_out' as const };
  },
});

const link = route({
  method: 'POST',
  url: '/v1/principals/:issuer/:subject/link',
  access: ADMIN,
  tag: 'access',
  summary: 'Make a one-time link with which a local person sets a new password; it is in this answer and nowhere else',
  params: PrincipalRef,
  answer: CreatedLink,
  status: 201,
  async handle(asked) {
    const { ports } = asked.context;
    const minted = mintLink(asked.params, { randomBytes: ports.randomBytes, now: ports.clock.now() });
    const refused = await command(asked, callerOf(asked), { type: 'link_create', link: minted.link });
    return refused ?? linkView(ports, minted);
  },
});

const roles = route({
  method: 'PUT',
  url: '/v1/principals/:issuer/:subject/roles',
  access: ADMIN,
  tag: 'access',
  summary: 'Say what a local person or machine may do; keys and sessions that hold more lose it at once',
  params: PrincipalRef,
  body: RolesBody,
  answer: RolesSet,
  async handle(asked) {
    const principal = asked.params;
    const { roles } = asked.body;
    const refused = await command(asked, callerOf(asked), { type: 'roles_set', principal, roles });
    return refused ?? { principal, roles };
  },
});

export const sessions: readonly Route[] = [list, end, endAll, link, roles];
