import { z } from 'zod';
import { LIMITS, UNITS } from './limits.ts';

const filePath = () => z.string().min(1).max(4096);

/** An OpenID provider whose people may sign in. Its roles stand in the containment policy, under `people`. */
export const OidcConfig = z.strictObject({
  /** Part of addresses: `/auth/oidc/NAME`, and `/auth/callback/NAME` as the redirect URI at the provider. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and hyphens'),
  /** What the button on the page to sign in says. Absent: the name. */
  label: z.string().min(1).max(64).optional(),
  issuer: z.url({ protocol: /^https?$/ }).max(1_024),
  client_id: z.string().min(1).max(256),
  /** Absent: COUNTERSIGN_AUTH_OIDC_CLIENT_SECRET when it is set; else the client is public and PKCE alone protects the code. */
  client_secret_file: filePath().optional(),
  /** Absent: `public_url` with `/auth/callback/NAME`. */
  redirect_url: z
    .url({ protocol: /^https?$/ })
    .max(1_024)
    .optional(),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
    .max(16)
    .default(['openid'])
    .refine((scopes) => scopes.includes('openid'), 'must include openid'),
  /** Authorities that vouch for its certificate, in PEM. Absent: those that Node.js knows. */
  ca_file: filePath().optional(),
  /** Permits a provider at a private address. */
  allow_private_networks: z.boolean().default(false),
});
export type OidcConfig = z.infer<typeof OidcConfig>;

/** How people sign in. */
export const AuthConfig = z.strictObject({
  oidc: z
    .array(OidcConfig)
    .max(LIMITS.oidc_providers_max)
    .default([])
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'names each provider once')
    .refine((all) => new Set(all.map(({ issuer }) => issuer)).size === all.length, 'names each issuer once'),
  /** 32 bytes or more that all processes with an API share. Absent: made in the data directory at the first start. */
  cookie_key_file: filePath().optional(),
  /** A session ends after so long, used or not, and after so long without use. */
  session_ms: z
    .int()
    .min(5 * UNITS.MINUTE_MS)
    .max(LIMITS.sign_in_ms_max)
    .default(LIMITS.sign_in_ms),
  idle_ms: z
    .int()
    .min(2 * UNITS.MINUTE_MS)
    .max(LIMITS.sign_in_ms_max)
    .default(LIMITS.sign_in_idle_ms),
});
