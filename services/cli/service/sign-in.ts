import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createOidcProvider } from '../../api/auth/oidc.ts';
import type { AuthPort } from '../../api/ports.ts';
import { systemClock } from '../../platform/clock.ts';
import type { FrozenConfig } from '../../platform/config.ts';
import { secretIn } from '../../platform/data-dir.ts';
import { EXIT, Problem } from '../problem.ts';
import type { Ground } from './foundation.ts';
import { outboundPolicy } from './outbound.ts';

const COOKIE_KEY_BYTES = 32;

/** How people sign in at this process. Throws a Problem when a file that the configuration names cannot be used. */
export function authPort({ config, secrets, dir }: Pick<Ground, 'config' | 'secrets' | 'dir'>): AuthPort {
  const { auth } = config;
  const public_url = config.public_url;
  return {
    cookie_key: cookieKey(auth.cookie_key_file, dir.cookie_key),
    secure: config.listen.tls !== undefined || public_url?.startsWith('https:') === true,
    public_url,
    session_ms: auth.session_ms,
    idle_ms: auth.idle_ms,
    providers: auth.oidc.map(({ name, label = name, issuer, client_id, redirect_url, scopes, ca_file, ...reach }) =>
      createOidcProvider(
        {
          name,
          label,
          issuer,
          client_id,
          client_secret: secrets.oidc_client_secrets[name],
          redirect_url: redirect_url ?? `${public_url ?? ownUrl(config.listen)}/auth/callback/${name}`,
          scopes,
          ca: ca_file === undefined ? undefined : read(ca_file, 'auth.oidc.ca_file').toString('utf8'),
          policy: outboundPolicy(config, reach),
        },
        systemClock,
      ),
    ),
  };
}

function cookieKey(named: string | undefined, own: string): Buffer {
  if (named === undefined) return secretIn(own, () => randomBytes(COOKIE_KEY_BYTES));
  const key = read(named, 'auth.cookie_key_file');
  if (key.length >= COOKIE_KEY_BYTES) return key;
  const message = `auth.cookie_key_file: ${named} holds ${key.length} bytes; write ${COOKIE_KEY_BYTES} random ones into it`;
  throw new Problem('config_invalid', message, EXIT.usage);
}

function read(file: string, field: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Problem('config_invalid', `${field}: cannot read ${file}: ${(error as Error).message}`, EXIT.usage);
  }
}

/** Where a browser on this machine finds the service. */
function ownUrl({ host, port, tls }: FrozenConfig['listen']): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${tls === undefined ? 'http' : 'https'}://${name}:${port}`;
}
