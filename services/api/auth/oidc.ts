import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  type CustomFetch,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client';
import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import type { Clock } from '../../platform/clock.ts';
import { isLoopback } from '../../platform/loopback.ts';
import { safeFetch } from '../../platform/outbound/fetch.ts';
import type { TargetPolicy } from '../../platform/outbound/target.ts';
import { codeOf } from '../body.ts';

export type OidcSettings = {
  readonly name: string;
  /** What the button says. */
  readonly label: string;
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: string | undefined;
  readonly redirect_url: string;
  readonly scopes: readonly string[];
  /** In PEM. */
  readonly ca: string | undefined;
  /** Where its endpoints may be; its metadata names them. Absent: public addresses and this machine. */
  readonly policy?: TargetPolicy;
};

/** What ties an answer to the request that it answers. Each is random, used once, and known to this browser alone. */
export type Ties = { readonly state: string; readonly nonce: string; readonly verifier: string };

/** The ID token's claims, after all checks. */
export type Claims = Readonly<Record<string, unknown>> & {
  readonly iss: string;
  readonly sub: string;
  readonly iat: number;
  readonly auth_time?: number | undefined;
};

export type OidcFailure = {
  readonly ok: false;
  /** `unavailable`: try again later. `denied`: the provider or the person said no. `invalid`: not an answer to us. */
  readonly reason: 'unavailable' | 'denied' | 'invalid';
  /** The library's or the provider's code, for the log. */
  readonly code: string;
};

/** An OpenID provider, as its client sees it (OpenID Connect Core 1.0, code flow; PKCE: RFC 7636; RFC 9700). */
export type OidcProvider = {
  readonly name: string;
  readonly label: string;
  readonly issuer: string;
  /** Where to send the browser. `fresh`: the person is to authenticate now, whatever session there is. */
  begin(
    ties: Ties,
    options: { readonly fresh: boolean },
  ): Promise<{ readonly ok: true; readonly url: URL } | OidcFailure>;
  /** Takes the code of an answer and checks all that ties it to the request. `query` is that of the callback. */
  finish(query: string, ties: Ties): Promise<{ readonly ok: true; readonly claims: Claims } | OidcFailure>;
  /** Origin of its sign-in page, for a content security policy; undefined until it was asked. */
  origin(): string | undefined;
};

export function createOidcProvider(settings: OidcSettings, clock: Clock): OidcProvider {
  const { name, label, issuer, redirect_url, scopes } = settings;
  let known: { readonly at: number; readonly asked: Promise<Configuration> } | undefined;
  let origin: string | undefined;

  const configuration = async (): Promise<Configuration> => {
    const now = clock.elapsed();
    if (known === undefined || now - known.at > LIMITS.oidc_discovery_ms)
      known = { at: now, asked: discover(settings) };
    const current = known;
    try {
      const found = await current.asked;
      const endpoint = found.serverMetadata().authorization_endpoint;
      origin = endpoint === undefined ? undefined : new URL(endpoint).origin;
      return found;
    } catch (error) {
      if (known === current) known = undefined;
      throw error;
    }
  };

  return {
    name,
    label,
    issuer,
    origin: () => origin,
    async begin({ state, nonce, verifier }, { fresh }) {
      try {
        const url = buildAuthorizationUrl(await configuration(), {
          response_type: 'code',
          redirect_uri: redirect_url,
          scope: scopes.join(' '),
          state,
          nonce,
          code_challenge: await calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          ...(fresh && { max_age: '0', prompt: 'login' }),
        });
        return { ok: true, url };
      } catch (error) {
        return { ok: false, reason: 'unavailable', code: codeOf(error) ?? 'discovery_failed' };
      }
    },
    async finish(query, { state, nonce, verifier }) {
      try {
        const tokens = await authorizationCodeGrant(await configuration(), new URL(`${redirect_url}?${query}`), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims === undefined) return { ok: false, reason: 'invalid', code: 'id_token_missing' };
        return { ok: true, claims };
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}

function discover(settings: OidcSettings): Promise<Configuration> {
  const issuer = new URL(settings.issuer);
  // The configuration refuses http beyond this machine; on it, a provider in the clear is for trying things out.
  const plain = issuer.protocol === 'http:' && isLoopback(issuer.hostname);
  return discovery(issuer, settings.client_id, {}, clientAuth(settings.client_secret), {
    [customFetch]: guardedFetch(settings),
    timeout: LIMITS.oidc_timeout_ms / UNITS.SECOND_MS,
    // ID tokens are checked by their signature too, not only for having come over TLS.
    execute: plain ? [allowInsecureRequests, enableNonRepudiationChecks] : [enableNonRepudiationChecks],
  });
}

/** No redirect is followed, every answer is bounded in bytes and time, and addresses are checked as they are resolved. */
function guardedFetch({ ca, policy = { allow_private_networks: false } }: OidcSettings): CustomFetch {
  const guarded = safeFetch({
    policy,
    timeout_ms: LIMITS.oidc_timeout_ms,
    body_bytes_max: LIMITS.oidc_answer_bytes_max,
    ...(ca !== undefined && { ca }),
  });
  return (url, { body, method, headers, signal }) =>
    guarded(url, { method, headers, body: formOf(body), signal: signal ?? null });
}

/** What the library sends are forms. */
function formOf(body: Parameters<CustomFetch>[1]['body']): string | null {
  if (body === null || body === undefined) return null;
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString();
  throw new Error('a provider is only ever sent forms');
}

/** The way of OpenID Connect Core 1.0, section 9, that the provider takes: Basic unless it says otherwise. */
function clientAuth(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None();
  const [basic, post] = [ClientSecretBasic(secret), ClientSecretPost(secret)];
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported;
    const takesBasic = methods === undefined || methods.includes('client_secret_basic');
    return (takesBasic ? basic : post)(server, client, body, headers);
  };
}

/** Classified by the library's classes and codes; messages of others are never read. */
function failureOf(error: unknown): OidcFailure {
  if (error instanceof AuthorizationResponseError)
    return { ok: false, reason: 'denied', code: error.error.slice(0, 64) };
  const code = codeOf(error) ?? 'unknown';
  const answered = code.startsWith('OAUTH_') && !UNANSWERED.has(code);
  return { ok: false, reason: answered ? 'invalid' : 'unavailable', code };
}

const UNANSWERED: ReadonlySet<string> = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM']);
