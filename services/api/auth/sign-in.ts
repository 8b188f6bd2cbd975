import { createHash } from 'node:crypto';
import type { Command } from '../../../schemas/command.ts';
import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import { LOCAL_ISSUER, PrincipalRef, principalKey, type Role, SYSTEM } from '../../../schemas/principal.ts';
import type { Session, SignedIn, SignInRefusal } from '../../../schemas/session.ts';
import { peopleOf, rolesFor } from '../../control/people-roles.ts';
import { linkOf, mintToken } from '../../control/tokens.ts';
import type { Caller } from '../authentication.ts';
import { Refused, refuse, refuseAs } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { createAttempts } from './attempts.ts';
import { createStamps } from './cookies.ts';
import type { Claims, OidcProvider } from './oidc.ts';
import { createTurns, isPassword, makeVerifier, passwordObjection } from './passwords.ts';
import { createRoundTrips, ownPath, type RoundTrip } from './round-trip.ts';
import { createSignInAudit } from './sign-in-audit.ts';

/** Somebody who has just signed in, and what their browser is to keep. */
export type SignedInNow = { readonly session: Session; readonly cookie: string };

export type Vote = { readonly containment: string; readonly digest: string };

/** All ways in. Each verifies who it is, and asks the responder, which decides whether they may come in. */
export type SignIn = {
  byPassword(given: {
    readonly name: string;
    readonly password: string;
    readonly address: string;
  }): Promise<SignedInNow | Refused>;
  /** Opens a one-time link, with the password that is to hold from then on. */
  byLink(given: {
    readonly token: string;
    readonly password: string;
    readonly address: string;
  }): Promise<SignedInNow | Refused>;
  /** Sets one's own password anew. All other sessions end. */
  changePassword(
    caller: Caller,
    given: { readonly password: string; readonly new_password: string; readonly address: string },
  ): Promise<Refused | undefined>;
  /** A fresh authentication of a local person, for one vote. */
  stepUp(
    caller: Caller,
    vote: Vote,
    given: { readonly password: string; readonly address: string },
  ): Promise<Refused | undefined>;
  /** Where to send the browser, and what it has to bring back. With `vote`: to authenticate anew, for that vote alone. */
  leave(
    provider: string,
    asked: { readonly return_to: string | undefined; readonly vote?: { readonly caller: Caller; readonly of: Vote } },
  ): Promise<{ readonly url: string; readonly round_trip: string } | Refused>;
  /** Takes a browser back from a provider. */
  comeBack(back: {
    readonly provider: string;
    readonly query: string;
    readonly round_trip: string | undefined;
    readonly caller: Caller | undefined;
    readonly address: string;
  }): Promise<{ readonly return_to: string; readonly signed_in: SignedInNow | undefined } | Refused>;
};

export function createSignIn(ports: Ports): SignIn {
  const { auth, clock, control, randomBytes, telemetry } = ports;
  const stamps = createStamps(auth.cookie_key);
  const trips = createRoundTrips(auth.cookie_key, clock);
  const attempts = createAttempts(clock);
  const turns = createTurns();
  const audit = createSignInAudit(ports);
  const random = (): string => randomBytes(32).toString('base64url');

  const ask = async (id: string, body: SystemBody): Promise<Refused | undefined> => {
    const by = { issuer: SYSTEM.issuer, subject: SYSTEM.subject };
    const answer = await ports.commands.ask({ ...body, id, by, time: clock.now() });
    if (answer.kind === 'done') return undefined;
    if (answer.kind === 'refused') return refuseAs(answer.code, answer.message);
    return refuse('command_undecided', { retry_after_s: 1, remedy: 'try again' });
  };

  const refused = (reason: SignInRefusal, address: string, principal: PrincipalRef | undefined): void => {
    telemetry.occurred('sign_ins_refused', { reason }, { address });
    audit({ reason, address, principal });
  };

  const open = async (
    of: { readonly principal: PrincipalRef; readonly roles: readonly Role[]; readonly authenticated: number },
    how: Omit<Extract<SystemBody, { type: 'session_start' }>, 'type' | 'session'> & {
      readonly method: Session['method'];
      readonly id: string;
    },
  ): Promise<SignedInNow | Refused> => {
    const { method, id, ...rest } = how;
    const now = clock.now();
    const { issuer, subject } = of.principal;
    const minted = mintToken('session', randomBytes);
    const session: Session = {
      id: minted.id,
      hash: minted.hash,
      principal: { issuer, subject },
      roles: [...of.roles],
      method,
      authenticated: of.authenticated,
      created: now,
      expires: now + auth.session_ms,
    };
    const objection = await ask(id, { type: 'session_start', session, ...rest });
    if (objection !== undefined) return objection;
    telemetry.occurred('sign_ins', { method }, { session: session.id });
    return { session, cookie: stamps.write(minted.token, now) };
  };

  /** True when it is the password of the account. Counted and noted when it is not. */
  const verify = async (
    who: { readonly account: string; readonly principal: PrincipalRef },
    password: string,
    address: string,
  ): Promise<true | Refused> => {
    const known = control.state.principals.get(principalKey(who.principal));
    const person = known === undefined ? undefined : who.principal;
    const wait_s = attempts.wait(address, who.account);
    if (wait_s !== undefined) {
      refused('too_many', address, person);
      return refuse('sign_in_limited', { retry_after_s: wait_s, remedy: 'wait, or ask an administrator for a link' });
    }
    const verifier = control.state.passwords.get(principalKey(who.principal));
    const right = await turns.run(() => isPassword(password, verifier));
    if (right === undefined) return refuse('too_busy', { retry_after_s: 1, remedy: 'send the same again' });
    if (right) return true;
    attempts.failed(address, who.account);
    refused(known === undefined ? 'unknown_name' : 'wrong_password', address, person);
    return refuse('sign_in_refused', { remedy: 'check both; an administrator can make a one-time link' });
  };

  return {
    async byPassword({ name, password, address }) {
      const principal = { issuer: LOCAL_ISSUER, subject: name };
      const right = await verify({ account: name, principal }, password, address);
      if (right !== true) return right;
      const roles = control.state.principals.get(principalKey(principal))?.roles ?? [];
      return open({ principal, roles, authenticated: clock.now() }, { method: 'password', id: `sign-in-${random()}` });
    },

    async byLink({ token, password, address }) {
      const wait_s = attempts.wait(address, undefined);
      if (wait_s !== undefined) {
        refused('too_many', address, undefined);
        return refuse('sign_in_limited', { retry_after_s: wait_s, remedy: 'wait, then open the link again' });
      }
      const link = linkOf(token, control.state, clock.now());
      const holder = link && control.state.principals.get(principalKey(link.principal));
      if (link === undefined || holder === undefined) {
        attempts.failed(address, undefined);
        refused('link_refused', address, undefined);
        return refuseAs('link_refused', 'this link was used before, has expired, or was never one', {
          remedy: 'ask an administrator for a new one',
        });
      }
      const objection = passwordObjection(password, link.principal.subject);
      if (objection !== undefined) return refuse('password_unsuitable', { message: objection, field: 'body.password' });
      const verifier = await turns.run(() => makeVerifier(password, randomBytes));
      if (verifier === undefined) return refuse('too_busy', { retry_after_s: 1, remedy: 'send the same again' });
      return open(
        { principal: link.principal, roles: holder.roles, authenticated: clock.now() },
        { method: 'link', link: link.id, password: verifier, id: `link-${link.id}-${random()}` },
      );
    },

    async changePassword(caller, { password, new_password, address }) {
      const { principal, session } = caller;
      if (session === undefined || principal.issuer !== LOCAL_ISSUER) {
        return refuse('session_needed', { remedy: 'sign in with the password that is to be changed' });
      }
      const right = await verify({ account: `again ${principal.subject}`, principal }, password, address);
      if (right !== true) return right;
      const objection = passwordObjection(new_password, principal.subject);
      if (objection !== undefined) {
        return refuse('password_unsuitable', { message: objection, field: 'body.new_password' });
      }
      const verifier = await turns.run(() => makeVerifier(new_password, randomBytes));
      if (verifier === undefined) return refuse('too_busy', { retry_after_s: 1, remedy: 'send the same again' });
      const { issuer, subject } = principal;
      const by = { issuer, subject };
      const answer = await ports.commands.ask({
        type: 'password_set',
        principal: by,
        verifier,
        id: `password-${random()}`,
        by,
        credential: caller.credential,
        time: clock.now(),
      });
      if (answer.kind === 'done') return undefined;
      if (answer.kind === 'refused') return refuseAs(answer.code, answer.message);
      return refuse('command_undecided', { retry_after_s: 1, remedy: 'sign in with the new password to see' });
    },

    async stepUp(caller, { containment, digest }, { password, address }) {
      const { issuer, subject } = caller.principal;
      const principal = { issuer, subject };
      if (issuer !== LOCAL_ISSUER || !caller.principal.human) {
        return refuse('session_needed', {
          message: 'people of a provider authenticate there, in a browser',
          remedy: `open ${auth.public_url ?? 'the service in a browser'}${auth.public_url === undefined ? '' : `/containments/${containment}`}`,
        });
      }
      // Apart from sign-ins: strangers who try names must not keep somebody from voting.
      const right = await verify({ account: `again ${subject}`, principal }, password, address);
      if (right !== true) return right;
      const { credential } = caller;
      const authenticated = clock.now();
      const step_up = { principal, credential, containment, digest, method: 'password' as const, authenticated };
      return ask(`step-up-${random()}`, { type: 'step_up', step_up });
    },

    async leave(name, { return_to, vote }) {
      const provider = providerOf(auth.providers, name);
      if (provider === undefined) return refuse('provider_unknown', { remedy: 'see GET /auth/providers' });
      const ties = { state: random(), nonce: random(), verifier: random() };
      const begun = await provider.begin(ties, { fresh: vote !== undefined });
      if (!begun.ok) {
        telemetry.occurred('oidc_failures', { reason: begun.reason }, { provider: name, code: begun.code });
        return unavailable();
      }
      const trip: RoundTrip = {
        provider: name,
        ...ties,
        asked: clock.now(),
        return_to: ownPath(return_to),
        ...(vote !== undefined && { step_up: { ...vote.of, session: vote.caller.credential } }),
      };
      return { url: begun.url.href, round_trip: await trips.seal(trip) };
    },

    async comeBack({ provider: name, query, round_trip, caller, address }) {
      const trip = round_trip === undefined ? undefined : await trips.open(round_trip);
      const provider = providerOf(auth.providers, name);
      if (trip === undefined || provider === undefined || trip.provider !== name) {
        refused('answer_invalid', address, undefined);
        return refuse('round_trip_lost', { remedy: 'begin again' });
      }
      const finished = await provider.finish(query, trip);
      if (!finished.ok) {
        telemetry.occurred('oidc_failures', { reason: finished.reason }, { provider: name, code: finished.code });
        if (finished.reason === 'unavailable') return unavailable();
        refused(finished.reason === 'denied' ? 'provider_refused' : 'answer_invalid', address, undefined);
        if (finished.reason === 'denied') return refuse('provider_refused', { remedy: 'begin again, or ask there' });
        return refuse('round_trip_lost', {
          message: "the provider's answer does not fit what was asked",
          remedy: 'begin again',
        });
      }
      const { claims } = finished;
      // One answer, one use, in every process: the responder decides each name of a command once.
      const id = createHash('sha256').update(trip.state).digest('hex');
      if (trip.step_up !== undefined) {
        const objection = await stepUpAt(trip, claims, caller, id);
        if (objection !== undefined) return objection;
        return { return_to: trip.return_to, signed_in: undefined };
      }
      const person = personOf(claims);
      if (!PrincipalRef.safeParse(person).success) {
        refused('answer_invalid', address, undefined);
        return refuse('round_trip_lost', { message: 'the provider names this person in a way that cannot be kept' });
      }
      const roles = rolesFor(peopleOf(control.state), claims, person);
      if (roles.length === 0) {
        refused('no_role', address, control.state.principals.has(principalKey(person)) ? person : undefined);
        return refuse('sign_in_no_role', {
          remedy: 'ask an administrator: the policy says which claims and names have roles',
        });
      }
      const { issuer, subject } = person;
      const signed_in = await open(
        { principal: { issuer, subject }, roles, authenticated: (claims.auth_time ?? claims.iat) * UNITS.SECOND_MS },
        { method: 'oidc', signed_in: person, id: `oidc-${id}` },
      );
      return signed_in instanceof Refused ? signed_in : { return_to: trip.return_to, signed_in };
    },
  };

  /** The same person, in the same session, who has authenticated after the browser was sent off. */
  async function stepUpAt(
    { step_up, asked }: RoundTrip,
    claims: Claims,
    caller: Caller | undefined,
    id: string,
  ): Promise<Refused | undefined> {
    if (step_up === undefined || caller?.session === undefined || caller.credential !== step_up.session) {
      return refuse('session_over', { remedy: 'sign in again' });
    }
    const { issuer, subject } = caller.principal;
    if (claims.iss !== issuer || claims.sub !== subject) {
      return refuse('authentication_not_fresh', {
        message: 'somebody else has authenticated',
        remedy: 'authenticate as who you are signed in as',
      });
    }
    const authenticated = (claims.auth_time ?? 0) * UNITS.SECOND_MS;
    if (authenticated < asked - LIMITS.oidc_skew_ms || authenticated > clock.now() + LIMITS.oidc_skew_ms) {
      return refuse('authentication_not_fresh', {
        message: 'the provider did not let you authenticate anew',
        remedy: 'begin again; if it happens again, the provider does not honour max_age and auth_time',
      });
    }
    const { containment, digest } = step_up;
    const principal = { issuer, subject };
    const { credential } = caller;
    return ask(`step-up-${id}`, {
      type: 'step_up',
      step_up: { principal, credential, containment, digest, method: 'oidc', authenticated },
    });
  }
}

type Body<T> = T extends Command ? Omit<T, 'id' | 'by' | 'credential' | 'time'> : never;
type SystemBody = Body<Extract<Command, { type: 'session_start' | 'step_up' }>>;

function providerOf(providers: readonly OidcProvider[], name: string): OidcProvider | undefined {
  return providers.find((one) => one.name === name);
}

function unavailable(): Refused {
  return refuse('provider_unavailable', { retry_after_s: 5, remedy: 'try again later' });
}

/** Who the provider says it is. Names and addresses are for people who read the log; nothing is decided by them. */
function personOf(claims: Claims): SignedIn {
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value.length <= LIMITS.name_chars_max ? value : undefined;
  const [name, email] = [text(claims.name), text(claims.email)];
  return {
    issuer: claims.iss,
    subject: claims.sub,
    human: true,
    ...(name !== undefined && { name }),
    ...(email !== undefined && { email }),
  };
}
