import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';

/** A real OpenID provider on this machine, with its own pages to sign in. Whatever name is typed is the subject. */
export type OpenIdProvider = {
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: string;
  /** What it says of a subject beyond `sub`. */
  readonly claims: Map<string, Record<string, unknown>>;
  /** A client of its own that agents get tokens for, which may revoke and look at them (RFC 6749, 7009, 7662). */
  readonly agents: { readonly client_id: string; readonly client_secret: string };
  issueToken(): Promise<string>;
  /** What introspection says of a token. */
  isActive(token: string): Promise<boolean>;
  close(): Promise<void>;
};

/** With `tls` it speaks TLS as `localhost`. */
export async function startOpenIdProvider(
  redirect_uris: readonly string[],
  { tls }: { readonly tls?: { readonly key: string; readonly cert: string } } = {},
): Promise<OpenIdProvider> {
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  const client = { client_id: 'countersign', client_secret: 'a-secret-that-only-this-test-knows' };
  const agents = { client_id: 'agents', client_secret: 'another-secret-that-only-this-test-knows' };
  const claims: OpenIdProvider['claims'] = new Map();
  const provider = new Provider(issuer, {
    clients: [
      { ...client, redirect_uris: [...redirect_uris], require_auth_time: true },
      { ...agents, redirect_uris: [], response_types: [], grant_types: ['client_credentials'] },
    ],
    features: {
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
    },
    claims: { openid: ['sub', 'groups', 'email', 'name'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['only for tests'] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...claims.get(id) }) }),
    /** Nobody is asked for consent: it is one organisation's own provider. */
    async loadExistingGrant({ oidc }) {
      const { client: asking, session, provider: at } = oidc;
      const grant = new at.Grant({
        ...(asking === undefined ? {} : { clientId: asking.clientId }),
        ...(session?.accountId === undefined ? {} : { accountId: session.accountId }),
      });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  } satisfies Configuration);
  server.on('request', provider.callback());
  const asAgents = async (path: string, form: Record<string, string>): Promise<Record<string, unknown>> => {
    const basic = Buffer.from(`${agents.client_id}:${agents.client_secret}`).toString('base64');
    const response = await fetch(`${issuer}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams(form),
    });
    if (!response.ok) throw new Error(`${path} answers ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  return {
    issuer,
    ...client,
    claims,
    agents,
    issueToken: async () => String((await asAgents('/token', { grant_type: 'client_credentials' })).access_token),
    isActive: async (token) => (await asAgents('/token/introspection', { token })).active === true,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
