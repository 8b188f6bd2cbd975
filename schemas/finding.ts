import { z } from 'zod';
import { IdentityKind } from './event.ts';

export const FAMILIES = [
  'data_volume',
  'retrieval_pattern',
  'tool_usage',
  'access_context',
  'silence',
  'several_identities',
] as const;
export const Family = z.enum(FAMILIES);
export type Family = z.infer<typeof Family>;

/** How much history a baseline rests on. `learning` baselines lean on the peer group and say so. */
export const MATURITIES = ['learning', 'mature'] as const;
export const Maturity = z.enum(MATURITIES);
export type Maturity = z.infer<typeof Maturity>;

/** One side of an observation: a number with its unit, or a named thing. */
export const Measure = z.object({
  name: z.string(),
  value: z.union([z.number(), z.string()]),
  unit: z.enum(['bytes', 'records', 'calls', 'resources', 'probability', 'events']).optional(),
});
export type Measure = z.infer<typeof Measure>;

/** What one detector made of the score of an event: bits of it, and their share. */
export const Contribution = z.object({
  detector: z.string(),
  bits: z.number().min(0),
  share: z.number().min(0).max(1),
});
export type Contribution = z.infer<typeof Contribution>;

export const EvidenceRef = z.object({
  /** Canonical event key. */
  key: z.string(),
  /** The source's own event id. */
  id: z.string(),
  /** Event time, epoch milliseconds. */
  time: z.int(),
});
export type EvidenceRef = z.infer<typeof EvidenceRef>;

/** One detector's surprise about one event or window, with its explanation (promise P4). */
export const Finding = z.object({
  /** Hash of identity, detector, pattern, event key and its number: the same finding has the same id in every run. */
  id: z.string(),
  detector: z.string(),
  family: Family,
  /** What kind of surprise: `first_seen_tool`, `burst_hour`, `resource_sweep`, ... */
  pattern: z.string(),
  /** Event time and log clock, epoch milliseconds. */
  time: z.int(),
  log_time: z.int(),
  session: z.string().optional(),
  /** Tail probability in (0, 1] and the same in bits: -log2(probability). */
  probability: z.number().positive().max(1),
  bits: z.number().min(0),
  /** Bits that its detector made of the score of the event; absent from findings of before that was kept. */
  contributed: z.number().min(0).optional(),
  /** What the surprise is about: a tool, a resource, a store, a classification, an operation, a volume. */
  subject: z.object({ kind: z.string(), value: z.string() }).optional(),
  observed: Measure,
  expected: Measure,
  history: z.object({
    /** Learned events and sessions of this identity, and days since the first of them. */
    events: z.int().min(0),
    sessions: z.int().min(0),
    days: z.number().min(0),
    maturity: Maturity,
    /** Log clock of the first learned session, epoch milliseconds; absent where none was learned. */
    since: z.int().optional(),
    /** Whose habit was the yardstick. */
    basis: z.enum(['identity', 'peer_group', 'population']),
  }),
  evidence: z.array(EvidenceRef).min(1),
  /** One sentence a person understands. */
  sentence: z.string(),
  /** Uid of the directive because of which it opened no alert. */
  muted_by: z.string().optional(),
});
export type Finding = z.infer<typeof Finding>;

export const AlertIdentity = z.object({
  id: z.string(),
  kind: IdentityKind,
  name: z.string().optional(),
  owner: z.string().optional(),
  peer_group: z.string().optional(),
  version: z.string().optional(),
  credential: z.string().optional(),
});
export type AlertIdentity = z.infer<typeof AlertIdentity>;
