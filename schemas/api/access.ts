import { z } from 'zod';
import { LIMITS, UNITS } from '../limits.ts';
import { ApiKey, KeyId, KeyTenants, LOCAL_ISSUER, Principal, PrincipalRef, Role, SessionId } from '../principal.ts';
import { Subscription, SubscriptionEntry, WebhookId, WebhookSecret } from '../subscription.ts';
import { CreatedLink } from './sign-in.ts';

export const WhoAmI = z.object({
  principal: Principal,
  roles: z.array(Role),
  /** What it was asked with: a key, or a session. */
  key: KeyId.optional(),
  session: SessionId.optional(),
  expires: z.int().optional(),
});

/** A key as it may be shown: never its hash. */
export const KeyView = ApiKey.omit({ hash: true }).extend({
  revoked: z.int().optional(),
  replaced_by: KeyId.optional(),
  /** When this process was last asked with it; absent: not since it started. */
  last_used: z.int().optional(),
});
export type KeyView = z.infer<typeof KeyView>;
export const KeyList = z.object({ items: z.array(KeyView) });

/** A name as a person gives it: without an issuer it is one of ours. */
const NamedPrincipal = PrincipalRef.extend({ issuer: PrincipalRef.shape.issuer.default(LOCAL_ISSUER) }).strict();
const lifetime = z.int().min(UNITS.MINUTE_MS).max(LIMITS.key_lifetime_ms_max).optional();

export const CreateKeyBody = z.strictObject({
  principal: NamedPrincipal,
  roles: z.array(Role).min(1).max(Role.options.length),
  /** Absent: it does not expire by itself. */
  expires_in_ms: lifetime,
  /** Absent: of all tenants. */
  tenants: KeyTenants.optional(),
});
/** The old key goes on for so long; absent: for a day. */
export const RotateKeyBody = z.strictObject({
  overlap_ms: z.int().min(0).max(LIMITS.key_overlap_ms_max).default(UNITS.DAY_MS),
  expires_in_ms: lifetime,
});
/** The only answer that ever holds the token. */
export const CreatedKey = z.object({ key: KeyView, token: z.string() });
export const RevokedKey = z.object({ key: KeyId, state: z.literal('revoked') });

export const PrincipalView = z.object({
  principal: Principal,
  roles: z.array(Role),
  created: z.int(),
  revoked: z.int().optional(),
});
export const PrincipalList = z.object({ items: z.array(PrincipalView) });
export const CreatePrincipalBody = z.strictObject({
  subject: PrincipalRef.shape.subject,
  human: z.boolean(),
  roles: z.array(Role).min(1).max(Role.options.length),
  expires_in_ms: lifetime,
  tenants: KeyTenants.optional(),
  /** `link`: a one-time link to set a password with. Absent: a key for the person or machine. */
  with: z.enum(['key', 'link']).default('key'),
});
/** The only answer that ever holds the key's token, or the link. */
export const CreatedPrincipal = z.object({
  principal: PrincipalView,
  key: KeyView.optional(),
  token: z.string().optional(),
  link: CreatedLink.optional(),
});
export const RevokedPrincipal = z.object({ principal: PrincipalRef, state: z.literal('revoked') });

/** A subscription as it may be shown: how many secrets, never which. */
export const SubscriptionView = SubscriptionEntry.extend({
  subscription: Subscription.omit({ secrets: true }).extend({ secret_count: z.int() }),
});
/** `waiting` has a failed attempt behind it and the next before it; `stalled` waits for the event log. */
export const DeliveryState = z.enum([
  'starting',
  'idle',
  'sending',
  'waiting',
  'disabled',
  'misconfigured',
  'stalled',
  'ended',
]);
export type DeliveryState = z.infer<typeof DeliveryState>;
/** How sending fares. `attempts` are the failed ones of the message that is sent now. */
const LaneView = z.object({
  state: DeliveryState,
  attempts: z.int(),
  next_attempt: z.int().optional(),
  last_error: z.string().optional(),
  last_delivered: z.int().optional(),
});
export const DeliveryView = LaneView.extend({
  /** Alert revisions that were not looked at yet, wanted or not. */
  behind: z.int(),
  /** There while messages are redelivered. */
  redelivery: LaneView.optional(),
});
export type DeliveryView = z.infer<typeof DeliveryView>;
export const SubscriptionList = z.object({ items: z.array(SubscriptionView.extend({ delivery: DeliveryView })) });
export const SetSubscriptionBody = Subscription.omit({ id: true })
  .extend({
    /** Absent: the secrets stay as they are; a new subscription gets one, shown once in the answer. */
    secrets: z.array(WebhookSecret).min(1).max(2).optional(),
    format: Subscription.shape.format.default('ocsf'),
    severity_min: Subscription.shape.severity_min.default('low'),
  })
  .strict();
export const SetSubscriptionAnswer = SubscriptionView.extend({ new_secret: WebhookSecret.optional() });
/** The first and the last message to send again, in the order of the feed, by their `webhook-id`. */
export const RedeliverBody = z.strictObject({ first: WebhookId, last: WebhookId });
export const RedeliverAnswer = z.object({ subscription: z.string(), state: z.literal('redelivering') });
export const RetryAnswer = z.object({ subscription: z.string(), state: z.literal('woken') });
export const RemovedSubscription = z.object({ subscription: z.string(), state: z.literal('removed') });
