import { createHash } from 'node:crypto';
import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import { PrincipalRef, principalKey } from '../../../schemas/principal.ts';
import type { SignedIn } from '../../../schemas/session.ts';
import { peopleOf, rolesFor } from '../../control/people-roles.ts';
import type { Caller } from '../authentication.ts';
import { Refused, refuse } from '../errors.ts';
import type { Means, SignedInNow } from './means.ts';
import type { Claims, OidcFailure, OidcProvider } from './oidc.ts';
import { createRoundTrips, ownPath, type RoundTrip, type RoundTrips } from './round-trip.ts';
import type { ProviderSignIn } from './sign-in.ts';

/** How people of an OpenID provider get in, and how they authenticate anew for a vote. */
export function createProviderSignIn(means: Means): ProviderSignIn {
  const { auth, clock } = means.ports;
  const trips = createRoundTrips(auth.cookie_key, clock);
  return {
    async leave(name, { return_to, vote }) {
      const provider = providerOf(auth.providers, name);
      if (provider === undefined) return refuse('provider_unknown', { remedy: 'see GET /auth/providers' });
      const ties = { state: means.random(), nonce: means.random(), verifier: means.random() };
      const begun = await provider.begin(ties, { fresh: vote !== undefined });
      if (!begun.ok) return failed(means, provider, begun);
      const trip: RoundTrip = {
        provider: name,
        ...ties,
        asked: clock.now(),
        return_to: ownPath(return_to),
        ...(vote !== undefined && { step_up: { ...vote.of, session: vote.caller.credential } }),
      };
      return { url: begun.url.href, round_trip: await trips.seal(trip) };
    },
    comeBack: (back) => comeBack(means, trips, back),
  };
}

async function comeBack(
  means: Means,
  trips: RoundTrips,
  { provider: name, query, round_trip, caller, address }: Parameters<ProviderSignIn['comeBack']>[0],
): ReturnType<ProviderSignIn['comeBack']> {
  const trip = round_trip === undefined ? undefined : await trips.open(round_trip);
  const provider = providerOf(means.ports.auth.providers, name);
  if (trip === undefined || provider === undefined || trip.provider !== name) {
    means.turnedAway('answer_invalid', address);
    return { return_to: '/sign-in', came: refuse('round_trip_lost', { remedy: 'begin again' }) };
  }
  const came = await answerOf(means, { trip, provider }, { query, caller, address });
  // Who wanted to vote is signed in still, unless that is what is wrong.
  const stays = !(came instanceof Refused) || (trip.step_up !== undefined && caller?.session !== undefined);
  return { return_to: stays ? trip.return_to : '/sign-in', came };
}

async function answerOf(
  means: Means,
  { trip, provider }: { readonly trip: RoundTrip; readonly provider: OidcProvider },
  { query, caller, address }: Pick<Parameters<ProviderSignIn['comeBack']>[0], 'query' | 'caller' | 'address'>,
): Promise<SignedInNow | 'stepped_up' | Refused> {
  const finished = await provider.finish(query, trip);
  if (!finished.ok) {
    if (finished.reason === 'denied') means.turnedAway('provider_refused', address);
    if (finished.reason === 'invalid') means.turnedAway('answer_invalid', address);
    return failed(means, provider, finished);
  }
  // One answer, one use, in every process: the responder decides each name of a command once.
  const id = createHash('sha256').update(trip.state).digest('hex');
  const { step_up } = trip;
  if (step_up === undefined) return takeIn(means, finished.claims, { id, address });
  const objection =
    freshObjection(means, trip, finished.claims, caller) ??
    (await means.ask(`step-up-${id}`, { type: 'step_up', step_up: stepUpOf(step_up, finished.claims) }));
  return objection ?? 'stepped_up';
}

async function takeIn(
  means: Means,
  claims: Claims,
  { id, address }: { readonly id: string; readonly address: string },
): Promise<SignedInNow | Refused> {
  const { state } = means.ports.control;
  const person = personOf(claims);
  if (!PrincipalRef.safeParse(person).success) {
    means.turnedAway('answer_invalid', address);
    return refuse('round_trip_lost', { message: 'the provider names this person in a way that cannot be kept' });
  }
  const roles = rolesFor(peopleOf(state), claims, person);
  if (roles.length === 0) {
    means.turnedAway('no_role', address, state.principals.has(principalKey(person)) ? person : undefined);
    return refuse('sign_in_no_role', {
      remedy: 'ask an administrator: the policy says which claims and names have roles',
    });
  }
  const authenticated = (claims.auth_time ?? claims.iat) * UNITS.SECOND_MS;
  return means.begin(
    { principal: person, roles, authenticated },
    { method: 'oidc', signed_in: person, id: `oidc-${id}` },
  );
}

/** Why this is not the same person, in the same session, who has authenticated after the browser was sent off. */
function freshObjection(
  { ports: { clock } }: Means,
  { step_up, asked }: RoundTrip,
  claims: Claims,
  caller: Caller | undefined,
): Refused | undefined {
  if (caller?.session === undefined || caller.credential !== step_up?.session) {
    return refuse('session_over', { remedy: 'sign in again' });
  }
  if (claims.iss !== caller.principal.issuer || claims.sub !== caller.principal.subject) {
    return refuse('authentication_not_fresh', {
      message: 'somebody else has authenticated',
      remedy: 'authenticate as who you are signed in as',
    });
  }
  const authenticated = (claims.auth_time ?? 0) * UNITS.SECOND_MS;
  if (authenticated >= asked - LIMITS.oidc_skew_ms && authenticated <= clock.now() + LIMITS.oidc_skew_ms) {
    return undefined;
  }
  return refuse('authentication_not_fresh', {
    message: 'the provider did not let you authenticate anew',
    remedy: 'begin again; if it happens again, the provider does not honour max_age and auth_time',
  });
}

function stepUpOf({ session, ...vote }: NonNullable<RoundTrip['step_up']>, { iss, sub, auth_time = 0 }: Claims) {
  const principal = { issuer: iss, subject: sub };
  return {
    principal,
    credential: session,
    ...vote,
    method: 'oidc' as const,
    authenticated: auth_time * UNITS.SECOND_MS,
  };
}

function providerOf(providers: readonly OidcProvider[], name: string): OidcProvider | undefined {
  return providers.find((one) => one.name === name);
}

function failed({ ports: { telemetry } }: Means, { name }: OidcProvider, { reason, code }: OidcFailure): Refused {
  telemetry.occurred('oidc_failures', { reason }, { provider: name, code });
  switch (reason) {
    case 'unavailable':
      return refuse('provider_unavailable', { retry_after_s: 5, remedy: 'try again later' });
    case 'denied':
      return refuse('provider_refused', { remedy: 'begin again, or ask there' });
    case 'invalid':
      return refuse('round_trip_lost', {
        message: "the provider's answer does not fit what was asked",
        remedy: 'begin again',
      });
  }
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
