import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  ChangePasswordBody,
  OpenLinkBody,
  PasswordSetAnswer,
  ProvidersAnswer,
  SignedInAnswer,
  SignedOutAnswer,
  SignInBody,
  SignOutForm,
  SteppedUpAnswer,
  StepUpBody,
  StepUpForm,
} from '../../../schemas/api/sign-in.ts';
import { LOCAL_ISSUER } from '../../../schemas/principal.ts';
import { cookieNames, cookieOptions } from '../auth/cookies.ts';
import { csrfTokenOf, isSameOrigin } from '../auth/csrf.ts';
import type { SignedInNow } from '../auth/means.ts';
import { ownPath } from '../auth/round-trip.ts';
import type { Caller } from '../authentication.ts';
import { command } from '../commands.ts';
import { Refused, refuse } from '../errors.ts';
import { type Context, callerOf, type Route, route } from '../route.ts';

/** What the handlers below have in common: they answer forms with a redirect, and scripts with JSON. */
type Answering = { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly context: Context };

const session = route({
  method: 'GET',
  url: '/auth/session',
  access: 'authenticated',
  tag: 'sign-in',
  summary: 'Who is signed in, and the token that every change by cookie needs',
  answer: SignedInAnswer,
  handle: async (asked) => signedInView(callerOf(asked)),
});

const providers = route({
  method: 'GET',
  url: '/auth/providers',
  access: 'open',
  tag: 'sign-in',
  summary: 'Ways to sign in',
  answer: ProvidersAnswer,
  handle: async ({ context: { ports } }) => ({
    items: ports.auth.providers.map(({ name, label }) => ({ name, label, url: `/auth/oidc/${name}` })),
    passwords: ports.control.state.passwords.size > 0,
  }),
});

const password = route({
  method: 'POST',
  url: '/auth/password',
  access: 'open',
  forms: true,
  tag: 'sign-in',
  summary: 'Sign in as a local person, with the password',
  body: SignInBody,
  answer: SignedInAnswer,
  async handle(asked) {
    const { name, password, return_to } = asked.body;
    const address = asked.request.ip;
    const done = strangerObjection(asked) ?? (await asked.context.signIn.byPassword({ name, password, address }));
    return signedIn(asked, done, { page: '/sign-in', return_to });
  },
});

const link = route({
  method: 'POST',
  url: '/auth/link',
  access: 'open',
  forms: true,
  tag: 'sign-in',
  summary: 'Open a one-time link: set a password, and be signed in',
  body: OpenLinkBody,
  answer: SignedInAnswer,
  async handle(asked) {
    const { token, password, return_to } = asked.body;
    const address = asked.request.ip;
    const done = strangerObjection(asked) ?? (await asked.context.signIn.byLink({ token, password, address }));
    return signedIn(asked, done, { page: '/sign-in/link', return_to });
  },
});

const newPassword = route({
  method: 'POST',
  url: '/auth/new-password',
  access: 'authenticated',
  forms: true,
  page: true,
  tag: 'sign-in',
  summary: 'Set your password anew; all your other sessions end',
  body: ChangePasswordBody,
  answer: PasswordSetAnswer,
  async handle(asked) {
    const { password, new_password, return_to } = asked.body;
    const given = { password, new_password, address: asked.request.ip };
    const objection = await asked.context.signIn.changePassword(callerOf(asked), given);
    if (!isForm(asked.request)) return objection ?? { state: 'password_set' as const };
    return redirect(asked, ownPath(return_to), objection?.code);
  },
});

const leave = route({
  method: 'GET',
  url: '/auth/oidc/:provider',
  access: 'open',
  tag: 'sign-in',
  summary: 'Go to an OpenID provider to sign in',
  params: z.object({ provider: z.string().max(64) }),
  query: z.strictObject({ return_to: z.string().max(4_096).optional() }),
  async handle(asked) {
    const { return_to } = asked.query;
    const left = await asked.context.signIn.leave(asked.params.provider, { return_to });
    if (left instanceof Refused) return redirect(asked, '/sign-in', left.code);
    return sendOff(asked, left);
  },
});

const comeBack = route({
  method: 'GET',
  url: '/auth/callback/:provider',
  access: 'open',
  tag: 'sign-in',
  summary: 'Where an OpenID provider sends the browser back to',
  params: z.object({ provider: z.string().max(64) }),
  // Whatever the provider says is checked by the client of the protocol, parameter by parameter.
  query: z.record(z.string(), z.unknown()),
  async handle(asked) {
    const { request, reply, context, caller } = asked;
    const names = cookieNames(context.ports.auth);
    const { came, return_to } = await context.signIn.comeBack({
      provider: asked.params.provider,
      query: request.url.split('?')[1] ?? '',
      round_trip: request.cookies[names.round_trip],
      caller,
      address: request.ip,
    });
    reply.clearCookie(names.round_trip, cookieOptions(context.ports.auth));
    if (came instanceof Refused) return redirect(asked, return_to, came.code);
    if (came !== 'stepped_up') await takeIn(asked, came);
    return redirect(asked, return_to, undefined);
  },
});

const stepUpPage = route({
  method: 'POST',
  url: '/auth/step-up',
  access: 'authenticated',
  forms: true,
  page: true,
  tag: 'sign-in',
  summary: 'Authenticate anew for one vote: with the password, or at the provider that one signed in at',
  body: StepUpForm,
  answer: SteppedUpAnswer,
  async handle(asked) {
    const { containment, digest, password, return_to } = asked.body;
    const { signIn, ports } = asked.context;
    const caller = callerOf(asked);
    const to = return_to === undefined ? `/containments/${containment}` : ownPath(return_to);
    if (caller.principal.issuer === LOCAL_ISSUER || caller.session === undefined) {
      const given = { password: password ?? '', address: asked.request.ip };
      const objection = await signIn.stepUp(caller, { containment, digest }, given);
      if (isForm(asked.request)) return redirect(asked, to, objection?.code);
      return objection ?? { containment, state: 'stepped_up' as const };
    }
    const provider = ports.auth.providers.find(({ issuer }) => issuer === caller.principal.issuer);
    const vote = { caller, of: { containment, digest } };
    const left =
      provider === undefined
        ? refuse('provider_unknown', { remedy: 'sign in at a provider that is configured' })
        : await signIn.leave(provider.name, { return_to: to, vote });
    if (left instanceof Refused) return isForm(asked.request) ? redirect(asked, to, left.code) : left;
    return sendOff(asked, left);
  },
});

const stepUp = route({
  method: 'POST',
  url: '/v1/step-up',
  access: ['approver'],
  tag: 'sign-in',
  summary: 'Give your password anew for one vote on one containment, by API key too',
  body: StepUpBody,
  answer: SteppedUpAnswer,
  async handle(asked) {
    const { password, ...vote } = asked.body;
    const given = { password, address: asked.request.ip };
    const objection = await asked.context.signIn.stepUp(callerOf(asked), vote, given);
    return objection ?? { containment: vote.containment, state: 'stepped_up' as const };
  },
});

const signOut = route({
  method: 'POST',
  url: '/auth/sign-out',
  access: 'authenticated',
  forms: true,
  page: true,
  tag: 'sign-in',
  summary: 'Sign out, in every process at once; with everywhere, out of all sessions',
  body: SignOutForm,
  answer: SignedOutAnswer,
  async handle(asked) {
    const caller = callerOf(asked);
    const { issuer, subject } = caller.principal;
    const objection = await command(
      asked,
      caller,
      asked.body.everywhere === true || caller.session === undefined
        ? { type: 'sessions_end', principal: { issuer, subject } }
        : { type: 'session_end', session: caller.session.id },
    );
    if (objection !== undefined) return objection;
    const { auth } = asked.context.ports;
    asked.reply.clearCookie(cookieNames(auth).session, cookieOptions(auth));
    if (isForm(asked.request)) return redirect(asked, '/signed-out', undefined);
    return { state: 'signed_out' as const };
  },
});

export const signIn: readonly Route[] = [
  session,
  providers,
  password,
  link,
  newPassword,
  leave,
  comeBack,
  stepUpPage,
  stepUp,
  signOut,
];

function isForm({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
}

/** Nobody is to be signed in by a page of somebody else: it could be as them. Scripts of ours say where they are from, too. */
function strangerObjection({ request, context }: Answering): Refused | undefined {
  const same = isSameOrigin(request, context.ports.auth);
  if (same === true || (same === undefined && !isForm(request))) return undefined;
  return refuse('csrf_refused', { remedy: 'sign in on a page of this service' });
}

async function signedIn(
  asked: Answering,
  done: SignedInNow | Refused,
  { page, return_to }: { readonly page: string; readonly return_to: string | undefined },
): Promise<z.input<typeof SignedInAnswer> | Refused | FastifyReply> {
  const form = isForm(asked.request);
  if (done instanceof Refused) {
    if (!form) return done;
    const back = return_to === undefined ? '' : `?${new URLSearchParams({ return_to: ownPath(return_to) })}`;
    return redirect(asked, `${page}${back}`, done.code);
  }
  await takeIn(asked, done);
  if (form) return redirect(asked, ownPath(return_to), undefined);
  const { control } = asked.context.ports;
  const { session } = done;
  const holder = [...control.state.principals.values()].find(
    ({ principal }) => principal.issuer === session.principal.issuer && principal.subject === session.principal.subject,
  );
  if (holder === undefined) throw new Error('somebody who signed in is not in the control state');
  return signedInView({
    principal: holder.principal,
    roles: session.roles,
    credential: session.id,
    expires: session.expires,
    tenants: undefined,
    session,
  });
}

/** Hands the browser its new session and ends the one that it had: no session outlives a sign-in over it. */
async function takeIn(asked: Answering & { readonly caller?: Caller | undefined }, { session, cookie }: SignedInNow) {
  const { auth } = asked.context.ports;
  const before = asked.request.caller;
  if (before?.session !== undefined && before.session.id !== session.id) {
    await command(asked, before, { type: 'session_end', session: before.session.id });
  }
  asked.reply.setCookie(cookieNames(auth).session, cookie, cookieOptions(auth));
}

/** Off to the provider, with what has to come back. */
function sendOff({ reply, context }: Answering, left: { readonly url: string; readonly round_trip: string }) {
  const { auth } = context.ports;
  reply.setCookie(cookieNames(auth).round_trip, left.round_trip, cookieOptions(auth));
  return reply.redirect(left.url, 303);
}

/** To a page, which says what went wrong in words of its own. */
function redirect({ reply }: Answering, to: string, problem: string | undefined): FastifyReply {
  if (problem === undefined) return reply.redirect(to, 303);
  return reply.redirect(`${to}${to.includes('?') ? '&' : '?'}problem=${problem}`, 303);
}

function signedInView({ principal, roles, session, expires }: Caller): z.input<typeof SignedInAnswer> | Refused {
  if (session === undefined || expires === undefined) {
    return refuse('session_needed', { remedy: 'this is for people who are signed in; see GET /v1/whoami' });
  }
  const { method, authenticated } = session;
  return { principal, roles: [...roles], method, authenticated, expires, csrf: csrfTokenOf(session) };
}
