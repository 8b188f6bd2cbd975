import { z } from 'zod';
import { Severity } from './alert.ts';
import { LIMITS } from './limits.ts';
import { PrincipalRef } from './principal.ts';

/** A Standard Webhooks 1.0.0 secret: `whsec_` and base64 of 24 to 64 bytes. */
export const WebhookSecret = z.string().regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/);

/** `webhook-id` of a message: the same in every attempt and every redelivery. */
export const WebhookId = z.string().regex(/^msg_[0-9a-f]{32}$/, 'a webhook-id is msg_ and 32 hexadecimal digits');

/** Id of the one subscription that the configuration file may name; nobody else may have it. */
export const CONFIGURED_SUBSCRIPTION = 'configured';

/** Where alerts are pushed to. */
export const Subscription = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  url: z.url({ protocol: /^https?$/ }).max(LIMITS.resource_id_chars_max),
  /** One secret, or two while it is being rotated: every message then carries both signatures. */
  secrets: z.array(WebhookSecret).min(1).max(2),
  format: z.enum(['ocsf']),
  /** Alerts below it are not pushed. */
  severity_min: Severity,
  tenant: z.string().optional(),
});
export type Subscription = z.infer<typeof Subscription>;

/** Set by deliver through a command: a receiver that answered 410, or whose messages were given up, is disabled. */
export const SubscriptionStatus = z.object({
  state: z.enum(['active', 'disabled']),
  reason: z.enum(['set', 'gone', 'attempts_exhausted', 'operator']),
  since: z.int(),
});
export type SubscriptionStatus = z.infer<typeof SubscriptionStatus>;

/** A subscription with who made it and how it fares. */
export const SubscriptionEntry = z.object({
  subscription: Subscription,
  status: SubscriptionStatus,
  set_by: PrincipalRef,
});
export type SubscriptionEntry = z.infer<typeof SubscriptionEntry>;
