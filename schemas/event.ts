import { z } from 'zod';
import { LIMITS } from './limits.ts';

/**
 * The canonical audit event (design, section 4).
 *
 * `EventInput` is what a source may send: most fields are optional, time is RFC 3339 or epoch milliseconds.
 * `CanonicalEvent` is what ingest writes to `agent.audit.events`: normalised, keyed, ready to score.
 * Names follow OpenTelemetry's GenAI conventions and OCSF where those have a word.
 */

/** The eight operations that stay apart everywhere: each is a different permission. */
export const OPERATIONS = [
  'read',
  'search',
  'summarize',
  'store',
  'delegate',
  'recommend',
  'execute',
  'export',
  'unknown',
] as const;
export const Operation = z.enum(OPERATIONS);
export type Operation = z.infer<typeof Operation>;

export const IDENTITY_KINDS = ['agent', 'service', 'api_key', 'workload', 'human', 'unknown'] as const;
export const IdentityKind = z.enum(IDENTITY_KINDS);
export type IdentityKind = z.infer<typeof IdentityKind>;

/**
 * Sensitivity of a resource: public, internal, confidential, restricted, or unknown. Any other word (`financial`,
 * `pii`) is kept as it is and treated as a class of its own with the sensitivity of `confidential`.
 */
export const Classification = z.string().min(1).max(64);

export const OUTCOMES = ['ok', 'error', 'denied', 'unknown'] as const;
export const OutcomeStatus = z.enum(OUTCOMES);
export type OutcomeStatus = z.infer<typeof OutcomeStatus>;

/** An identifier decides what an event is or whose it is, so control characters in it are refused, not repaired. */
const IDENTIFIER = /^[^\u0000-\u001f\u007f-\u009f]+$/;
const identifier = () =>
  z
    .string()
    .min(1)
    .max(LIMITS.id_chars_max)
    .regex(IDENTIFIER, 'holds control characters, which an identifier must not; remove them at the source');
/** Free names may hold anything; ingest escapes control characters, cuts what is too long, and flags both. */
const text = () => z.string().min(1);
const size = () => z.number().min(0).max(LIMITS.volume_max);
const count = () => z.int().min(0).max(LIMITS.volume_max);

export const Resource = z.object({
  /** What was touched: a path, table, recipient, URL, account. */
  id: text(),
  /** Where it lives: database, bucket, mailbox, `gen_ai.data_source.id`. */
  store: text().optional(),
  kind: text().optional(),
  classification: Classification.optional(),
  tenant: text().optional(),
});
export type Resource = z.infer<typeof Resource>;

const Identity = z.object({
  id: identifier(),
  kind: IdentityKind.optional(),
  name: text().optional(),
  owner: text().optional(),
  /** Identities that do the same job; the prior of a new member is learned from the others. */
  peer_group: identifier().optional(),
  /** Model, prompt and tool set of an agent, as one opaque label. */
  version: text().optional(),
});

const Volume = z.object({
  bytes_in: size().optional(),
  bytes_out: size().optional(),
  records: count().optional(),
  tokens_in: count().optional(),
  tokens_out: count().optional(),
});
/** Absent means unknown, never zero. */
export type Volume = z.infer<typeof Volume>;

const shared = {
  on_behalf_of: text().optional(),
  session: identifier().optional(),
  credential: z.object({ id: text(), kind: text().optional() }).optional(),
  source: z.object({ ip: text().optional(), network: text().optional(), workload: text().optional() }).optional(),
  purpose: text().optional(),
  model: text().optional(),
  trace: z
    .object({ trace_id: text().optional(), span_id: text().optional(), parent_span_id: text().optional() })
    .optional(),
} as const;

export const EventInput = z.object({
  /** The source's own id. Redelivery of the same id with the same content is recognised. */
  id: identifier(),
  time: z.union([z.string().min(10).max(40), z.int().min(LIMITS.time_ms_min).max(LIMITS.time_ms_max)]),
  observed_time: z
    .union([z.string().min(10).max(40), z.int().min(LIMITS.time_ms_min).max(LIMITS.time_ms_max)])
    .optional(),
  tenant: identifier().optional(),
  identity: Identity,
  action: z.object({ operation: Operation.optional(), name: text().optional() }).optional(),
  tool: z.object({ name: text(), server: text().optional(), version: text().optional() }).optional(),
  /** One resource, or several; the first one is the primary. Beyond `resources_per_event_max` they are cut and flagged. */
  resource: Resource.optional(),
  resources: z.array(Resource).optional(),
  volume: Volume.optional(),
  outcome: z
    .object({ status: OutcomeStatus.optional(), code: text().optional(), reason: text().optional() })
    .optional(),
  ...shared,
});
export type EventInput = z.infer<typeof EventInput>;

/** What ingest or the worker noticed about an accepted event. Counted per flag, stored with the row. */
export const EVENT_FLAGS = [
  'escaped',
  'truncated',
  'resources_cut',
  'unmapped_cut',
  'late',
  'early',
  'id_reused',
] as const;
export type EventFlag = (typeof EVENT_FLAGS)[number];

export const CanonicalEvent = z.object({
  /** 128 bits of SHA-256 over source, id and content, as 32 hex digits: the event's key everywhere. */
  key: z.string().regex(/^[0-9a-f]{32}$/),
  id: identifier(),
  /** Named source of the item (mapping, topic, HTTP): part of the key. */
  origin: text(),
  tenant: identifier(),
  /** Epoch milliseconds, UTC. */
  time: z.int(),
  observed_time: z.int().optional(),
  identity: Identity.extend({ kind: IdentityKind }),
  action: z.object({ operation: Operation, name: text().optional() }),
  tool: z.object({ name: text(), server: text().optional(), version: text().optional() }).optional(),
  resources: z.array(Resource).max(LIMITS.resources_per_event_max),
  volume: Volume,
  outcome: z.object({ status: OutcomeStatus, code: text().optional(), reason: text().optional() }),
  flags: z.array(z.enum(EVENT_FLAGS)).optional(),
  /** Source fields that no canonical field takes, bounded. */
  unmapped: z.record(z.string(), z.unknown()).optional(),
  ...shared,
});
export type CanonicalEvent = z.infer<typeof CanonicalEvent>;
