import { z } from 'zod';
import { CONTAINMENT_ACTIONS, ContainmentAction } from './alert.ts';
import { IdentityKind } from './event.ts';
import { LIMITS } from './limits.ts';

/**
 * Who carries out what was countersigned (docs/executors.md): entries of `contain.executors`. Of several that can carry out
 * an order the first does. Secrets stand in files that are named here. Rules between fields stand in
 * services/platform/config-executors.ts.
 */
const filePath = () => z.string().min(1).max(4096);
const webUrl = () => z.url({ protocol: /^https?$/ }).max(LIMITS.resource_id_chars_max);

const shared = {
  /** Stands in the terms that people approve, and in the control log: a new name is a new executor. */
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'must be a name of small letters, digits, - and _'),
  /** Absent: all that its type can carry out. */
  actions: z.array(ContainmentAction).min(1).max(CONTAINMENT_ACTIONS.length).optional(),
  /** Absent: whoever acts. */
  identity_kinds: z.array(IdentityKind).min(1).max(IdentityKind.options.length).optional(),
  /** Absent: all. */
  tenants: z.array(z.string().min(1).max(LIMITS.id_chars_max)).min(1).max(256).optional(),
  /** Permits receivers at private addresses, there also in the clear. */
  allow_private_networks: z.boolean().default(false),
  /** Authorities in PEM that vouch for the receiver, in place of those that Node.js knows. */
  ca_file: filePath().optional(),
} as const;

/** A tool gateway that takes signed messages (Standard Webhooks 1.0.0). */
export const WebhookExecutorConfig = z.strictObject({
  ...shared,
  type: z.literal('webhook'),
  url: webUrl(),
  /** `whsec_...` */
  secret_file: filePath(),
  /** The receiver acts once per webhook-id, so an unclear answer may be followed by another attempt. */
  deduplicates: z.boolean().default(true),
  /** Permits http beyond this machine, where the signature alone protects the message. */
  allow_plaintext: z.boolean().default(false),
});
export type WebhookExecutorConfig = z.infer<typeof WebhookExecutorConfig>;

/** Where the tokens are that a credential's id stands for: telemetry knows ids only. */
export const TokenSourceConfig = z.discriminatedUnion('type', [
  /** A JSON file, read for each order: `{"<credential id>": [{"token": "...", "token_type_hint": "refresh_token"}]}`. */
  z.strictObject({ type: z.literal('file'), path: filePath() }),
  /** A look-up by POST, signed like a webhook, that answers with such a list. */
  z.strictObject({ type: z.literal('http'), url: webUrl(), secret_file: filePath() }),
]);
export type TokenSourceConfig = z.infer<typeof TokenSourceConfig>;

/** An OAuth 2 authorization server: revocation (RFC 7009), confirmed by introspection (RFC 7662). */
export const Oauth2ExecutorConfig = z.strictObject({
  ...shared,
  type: z.literal('oauth2'),
  /** Its endpoints are found by its metadata (RFC 8414, OpenID Connect Discovery), unless both are named. */
  issuer: webUrl().optional(),
  revocation_endpoint: webUrl().optional(),
  introspection_endpoint: webUrl().optional(),
  client_id: z.string().min(1).max(LIMITS.id_chars_max),
  client_auth: z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt']).default('client_secret_basic'),
  client_secret_file: filePath().optional(),
  /** PKCS #8 PEM: P-256 signs ES256, Ed25519 EdDSA, RSA RS256. */
  private_key_file: filePath().optional(),
  key_id: z.string().min(1).max(256).optional(),
  token_source: TokenSourceConfig,
});
export type Oauth2ExecutorConfig = z.infer<typeof Oauth2ExecutorConfig>;

/** A directory that speaks SCIM 2.0 (RFC 7644). */
export const ScimExecutorConfig = z.strictObject({
  ...shared,
  type: z.literal('scim'),
  /** Up to the version: `https://host/scim/v2`. */
  base_url: webUrl(),
  /** A bearer token. */
  token_file: filePath(),
  resource: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be the name of a resource type, such as Users')
    .default('Users'),
  /** What of the resource is the identity's id. */
  find_by: z.enum(['id', 'userName', 'externalId']).default('userName'),
});
export type ScimExecutorConfig = z.infer<typeof ScimExecutorConfig>;

/** A receiver of Shared Signals: security event tokens (RFC 8417) pushed to it (RFC 8935). */
export const SsfExecutorConfig = z.strictObject({
  ...shared,
  type: z.literal('ssf'),
  endpoint: webUrl(),
  /** `iss` and `aud` of the tokens. */
  issuer: webUrl(),
  audience: z.string().min(1).max(LIMITS.resource_id_chars_max),
  /** PKCS #8 PEM that signs them: P-256 signs ES256, Ed25519 EdDSA, RSA RS256. */
  private_key_file: filePath(),
  key_id: z.string().min(1).max(256),
  /** A bearer token that the receiver asks for. */
  token_file: filePath().optional(),
  /** How the identity is named (RFC 9493): its id as it is, or as subject of this issuer. */
  subject_format: z.enum(['opaque', 'iss_sub', 'email']).default('opaque'),
  subject_issuer: webUrl().optional(),
});
export type SsfExecutorConfig = z.infer<typeof SsfExecutorConfig>;

export const ExecutorConfig = z.discriminatedUnion('type', [
  WebhookExecutorConfig,
  Oauth2ExecutorConfig,
  ScimExecutorConfig,
  SsfExecutorConfig,
]);
export type ExecutorConfig = z.infer<typeof ExecutorConfig>;
