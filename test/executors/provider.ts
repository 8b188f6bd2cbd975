import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import Provider, { type Configuration } from 'oidc-provider';
import { serve } from './support.ts';

export const SECRET = 'a secret & more: of 100%';
/** Signs the assertions of the client `keyed`. */
export const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const jwk = (): JsonWebKey => ({ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' });
const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const confidential = {
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  redirect_uris: ['https://agent.example/cb'],
  response_types: ['code' as const],
};

const configuration: Configuration = {
  clients: [
    { client_id: 'basic', client_secret: SECRET, ...confidential },
    { client_id: 'post', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_post', ...confidential },
    {
      client_id: 'keyed',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [jwk() as never] },
      ...confidential,
    },
  ],
  jwks: { keys: [{ ...signing, kid: 'p1', use: 'sig', alg: 'RS256' } as never] },
  cookies: { keys: ['of no use here'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
  },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
};

/** What stands between Countersign and the provider; true when it has answered itself. */
export type Between = (request: IncomingMessage, response: ServerResponse) => boolean;

export type Authority = {
  readonly issuer: string;
  /** Replaces the go-between. */
  meddle(between: Between): void;
  /** Requests since the last call, as `POST /path`. */
  asked(): string[];
  /** A grant of a client with an access and a refresh token. */
  grant(client: string): Promise<{ readonly access: string; readonly refresh: string }>;
  /** What the provider itself knows. */
  isActive(kind: 'AccessToken' | 'RefreshToken', token: string): Promise<boolean>;
};

/** A real authorization server (oidc-provider) with a client of each kind of authentication. */
export async function openAuthority(): Promise<Authority> {
  let between: Between = () => false;
  let seen: string[] = [];
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => undefined;
  const issuer = await serve((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (!between(request, response)) handle(request, response);
  });
  const provider = new Provider(issuer, configuration);
  handle = provider.callback();
  return {
    issuer,
    meddle(next) {
      between = next;
    },
    asked() {
      const past = seen;
      seen = [];
      return past;
    },
    async grant(client_id) {
      const client = await provider.Client.find(client_id);
      if (client === undefined) throw new Error(`there is no client ${client_id}`);
      const grant = new provider.Grant({ accountId: 'agent-7', clientId: client_id });
      grant.addOIDCScope('openid offline_access');
      const grantId = await grant.save();
      const shared = {
        accountId: 'agent-7',
        client,
        grantId,
        scope: 'openid offline_access',
        gty: 'authorization_code',
      };
      const refresh = await new provider.RefreshToken({ ...shared, expiresWithSession: false } as never).save();
      const access = await new provider.AccessToken({ ...shared, expiresWithSession: false } as never).save();
      return { access, refresh };
    },
    isActive: async (kind, token) => {
      const found = kind === 'AccessToken' ? provider.AccessToken.find(token) : provider.RefreshToken.find(token);
      return (await found) !== undefined;
    },
  };
}
