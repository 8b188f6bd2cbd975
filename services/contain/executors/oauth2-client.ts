import { SignJWT } from 'jose';
import type { Oauth2ExecutorConfig } from '../../../schemas/executor-config.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Frozen } from '../../platform/config.ts';
import type { OutboundAnswer } from '../../platform/outbound/send.ts';
import { type Asking, type ExecutorSecrets, jsonObject, lineOf, needed } from './kit.ts';
import { readSigningKey, type SigningKey } from './signing-key.ts';
import type { Token } from './tokens.ts';

type Settings = Frozen<Oauth2ExecutorConfig>;

export type Endpoints = { readonly revocation: string; readonly introspection: string; readonly issuer?: string };

/** Of introspection: `unclear` when the answer does not say. */
export type TokenState = { readonly kind: 'active' | 'inactive' | 'unclear'; readonly detail: string };

/** An authorization server as one client of it sees it. */
export type Oauth2Client = {
  /** Where to send to: as configured, or by the metadata of the issuer. A sentence when it cannot be found out. */
  endpoints(signal: AbortSignal): Promise<Endpoints | string>;
  /** RFC 7009, section 2.1. */
  revoke(at: Endpoints, token: Token, signal: AbortSignal): Promise<OutboundAnswer>;
  /** RFC 7662, section 2. */
  introspect(at: Endpoints, token: Token, signal: AbortSignal): Promise<TokenState>;
};

/** Adds what says who the client is to headers and form (RFC 6749, section 2.3.1; RFC 7523, section 2.2). */
type Authenticate = (
  at: Endpoints,
  endpoint: string,
  form: URLSearchParams,
) => Promise<Readonly<Record<string, string>>>;

type Seams = { readonly ask: Asking; readonly clock: Clock; readonly randomId: () => string };

/** The client, or the sentence that says what is wrong with its key. */
export function openOauth2Client(settings: Settings, secrets: ExecutorSecrets, seams: Seams): Oauth2Client | string {
  const authenticate = authentication(settings, secrets, seams);
  if (typeof authenticate === 'string') return authenticate;
  const ask = async (at: Endpoints, endpoint: string, { token, token_type_hint }: Token, signal: AbortSignal) => {
    const form = new URLSearchParams({ token, ...(token_type_hint !== undefined && { token_type_hint }) });
    const headers = await authenticate(at, endpoint, form);
    const form_headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const request = {
      method: 'POST',
      url: endpoint,
      headers: { ...form_headers, ...headers },
      body: form.toString(),
    } as const;
    return seams.ask(request, signal);
  };
  return {
    endpoints: (signal) => findEndpoints(settings, seams.ask, signal),
    revoke: (at, token, signal) => ask(at, at.revocation, token, signal),
    introspect: async (at, token, signal) => stateIn(await ask(at, at.introspection, token, signal)),
  };
}

function stateIn(answer: OutboundAnswer): TokenState {
  const unclear = (what: string): TokenState => ({ kind: 'unclear', detail: `introspection: ${what}` });
  if (answer.kind === 'failed' || answer.status !== 200) return unclear(lineOf(answer));
  const active = jsonObject(answer)?.active;
  if (typeof active !== 'boolean') return unclear('an answer that does not say whether the token is active');
  return { kind: active ? 'active' : 'inactive', detail: `introspection: ${active ? 'active' : 'not active'}` };
}

function authentication(settings: Settings, secrets: ExecutorSecrets, seams: Seams): Authenticate | string {
  const { client_id, client_auth, key_id } = settings;
  if (client_auth === 'private_key_jwt') {
    const key = readSigningKey(needed(secrets, 'private_key_file'));
    return typeof key === 'string' ? key : assertion(client_id, key, key_id, seams);
  }
  const secret = needed(secrets, 'client_secret_file');
  if (client_auth === 'client_secret_post') {
    return async (_at, _endpoint, form) => {
      form.set('client_id', client_id);
      form.set('client_secret', secret);
      return {};
    };
  }
  const basic = Buffer.from(`${formEncoded(client_id)}:${formEncoded(secret)}`).toString('base64');
  return async () => ({ authorization: `Basic ${basic}` });
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const ASSERTION_S = 60;

/** `private_key_jwt` (OpenID Connect Core, section 9). Its audience is the issuer, or where none is known the endpoint. */
function assertion(client_id: string, { key, alg }: SigningKey, kid: string | undefined, seams: Seams): Authenticate {
  return async (at, endpoint, form) => {
    const now_s = Math.floor(seams.clock.now() / 1000);
    const jwt = await new SignJWT({})
      .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
      .setIssuer(client_id)
      .setSubject(client_id)
      .setAudience(at.issuer ?? endpoint)
      .setJti(seams.randomId())
      .setIssuedAt(now_s)
      .setExpirationTime(now_s + ASSERTION_S)
      .sign(key);
    form.set('client_id', client_id);
    form.set('client_assertion_type', ASSERTION_TYPE);
    form.set('client_assertion', jwt);
    return {};
  };
}

/** As application/x-www-form-urlencoded writes it, which RFC 6749, section 2.3.1 asks for in the header too. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

async function findEndpoints(settings: Settings, ask: Asking, signal: AbortSignal): Promise<Endpoints | string> {
  const { issuer, revocation_endpoint, introspection_endpoint } = settings;
  const named = { revocation: revocation_endpoint, introspection: introspection_endpoint };
  const by_issuer = issuer === undefined ? {} : { issuer };
  if (named.revocation !== undefined && named.introspection !== undefined) {
    return { revocation: named.revocation, introspection: named.introspection, ...by_issuer };
  }
  if (issuer === undefined) return 'neither both endpoints nor an issuer are configured';
  let last = '';
  for (const url of metadataUrls(issuer)) {
    const answer = await ask({ method: 'GET', url, headers: { accept: 'application/json' } }, signal);
    last = `the metadata of the issuer: ${lineOf(answer)}`;
    if (answer.kind === 'failed' || answer.status !== 200) continue;
    const metadata = jsonObject(answer);
    // RFC 8414, section 3.3: metadata of another issuer must not be used.
    if (metadata?.issuer !== issuer) return 'the metadata found is not that of the configured issuer';
    const revocation = named.revocation ?? metadata.revocation_endpoint;
    const introspection = named.introspection ?? metadata.introspection_endpoint;
    if (typeof revocation === 'string' && typeof introspection === 'string')
      return { revocation, introspection, issuer };
    return 'the metadata of the issuer names no revocation_endpoint or no introspection_endpoint; configure both';
  }
  return last;
}

/** OpenID Connect Discovery, section 4, and RFC 8414, section 3.1, which puts the path of the issuer behind. */
function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}
