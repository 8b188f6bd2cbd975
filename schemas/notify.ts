import { z } from 'zod';
import { Severity } from './alert.ts';
import { LIMITS, UNITS } from './limits.ts';

/**
 * What people are told about containments. `proposed`: a containment waits for approval; `break_glass`: one that somebody
 * called an emergency; `amended`: what is asked has changed, and all votes are void; `reminder`: it expires soon.
 */
export const NOTICE_KINDS = [
  'proposed',
  'break_glass',
  'amended',
  'reminder',
  'approved',
  'denied',
  'expired',
  'cancelled',
  'succeeded',
  'failed',
  'unknown',
  'effect_failed',
] as const;
export const NoticeKind = z.enum(NOTICE_KINDS);
export type NoticeKind = z.infer<typeof NoticeKind>;

/** What is told unless the configuration says otherwise: what waits for people, and what they have to know. */
const TOLD = NOTICE_KINDS.filter((kind) => kind !== 'cancelled' && kind !== 'succeeded');

const filters = {
  severity_min: Severity.default('low'),
  /** Absent: every tenant. The one filter that holds for break-glass too. */
  tenants: z.array(z.string().min(1).max(LIMITS.id_chars_max)).min(1).max(256).optional(),
  about: z
    .array(NoticeKind)
    .min(1)
    .default([...TOLD]),
  /** `link`: that something waits and where, and nothing of what it is about. */
  detail: z.enum(['full', 'link']).default('full'),
} as const;

/** Who of those that are told wants what. */
export type NoticeFilter = {
  readonly severity_min: Severity;
  readonly tenants?: readonly string[] | undefined;
  readonly about: readonly NoticeKind[];
  readonly detail: 'full' | 'link';
};

const address = () => z.email().max(LIMITS.name_chars_max);
const filePath = () => z.string().min(1).max(4096);

const MailConfig = z.strictObject({
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65_535).default(587),
  /** `starttls`: upgraded before anything is said, or not sent at all. `none`: this machine only. */
  tls: z.enum(['starttls', 'implicit', 'none']).default('starttls'),
  /** Authorities that vouch for the server's certificate, in PEM. Absent: those that Node.js knows. */
  ca_file: filePath().optional(),
  username: z.string().min(1).max(LIMITS.name_chars_max).optional(),
  password_file: filePath().optional(),
  from: address(),
  recipients: z
    .array(z.strictObject({ address: address(), ...filters }))
    .min(1)
    .max(LIMITS.notify_recipients_max),
});

const ChatConfig = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  kind: z.enum(['slack', 'teams', 'webhook']),
  /** The URL is the secret of Slack and Teams: it stands in a file. */
  url_file: filePath(),
  /** Of `webhook`: `whsec_...`, signs what is sent. */
  secret_file: filePath().optional(),
  allow_private_networks: z.boolean().default(false),
  ...filters,
});
export type ChatKind = z.infer<typeof ChatConfig>['kind'];

export const NotifyConfig = z.strictObject({
  /** Proposals of one alert that come within it are told in one message. */
  debounce_ms: z
    .int()
    .min(0)
    .max(10 * UNITS.MINUTE_MS)
    .default(LIMITS.notify_debounce_ms),
  /** So long before a proposal expires those who wait for it are reminded. */
  remind_before_ms: z.int().min(UNITS.MINUTE_MS).max(UNITS.DAY_MS).default(LIMITS.notify_remind_before_ms),
  mail: MailConfig.optional(),
  chat: z.array(ChatConfig).max(LIMITS.notify_chats_max).default([]),
});
export type NotifyConfig = z.infer<typeof NotifyConfig>;

/** A position's word for why the last attempt failed: a closed set, as it is shown everywhere. */
export const NOTIFY_REASONS = [
  'refused',
  'unavailable',
  'unreachable',
  'timeout',
  'tls',
  'authentication',
  'forbidden',
] as const;
export const NotifyReason = z.enum(NOTIFY_REASONS);
export type NotifyReason = z.infer<typeof NotifyReason>;

/** How one recipient or chat fares, for people. */
export const NotifyLaneView = z.object({
  channel: z.enum(['mail', 'slack', 'teams', 'webhook']),
  /** Name of the chat, or the masked address. */
  to: z.string(),
  state: z.enum(['idle', 'retrying']),
  attempts: z.int().min(0),
  next_attempt: z.int().optional(),
  reason: NotifyReason.optional(),
  /** Messages given up since the lane began. */
  given_up: z.int().min(0),
});
export type NotifyLaneView = z.infer<typeof NotifyLaneView>;
