import { z } from 'zod';
import { Operation, OutcomeStatus, Resource } from './event.ts';
import { EvidenceRef } from './finding.ts';

/** The strongest event of an alert in the few fields that decide: what, on what, how much, with what end, from where. */
export const StrongestEvent = EvidenceRef.extend({
  session: z.string().optional(),
  operation: Operation,
  tool: z.string().optional(),
  /** The resource that carries the highest classification, else the first; `resources` counts all. */
  resource: Resource.pick({ id: true, store: true, classification: true }).optional(),
  resources: z.int().min(0),
  bytes_in: z.number().optional(),
  bytes_out: z.number().optional(),
  records: z.number().optional(),
  outcome: OutcomeStatus,
  outcome_code: z.string().optional(),
  source: z
    .object({ ip: z.string().optional(), network: z.string().optional(), workload: z.string().optional() })
    .optional(),
});
export type StrongestEvent = z.infer<typeof StrongestEvent>;

/** What the events behind the findings of an alert did: a call that was refused or failed did nothing. */
export const Impact = z.object({
  /** Events that were surprising, and how many of them were refused or failed. */
  events: z.int().min(0),
  refused: z.int().min(0),
  failed: z.int().min(0),
  /** Kinds of operations that went through, in the order in which they came. */
  operations: z.array(Operation),
  /** The most sensitive class of data that a call which went through touched. */
  classification: z.string().optional(),
  /** Sums over the calls that went through, as far as their sizes are known. */
  bytes_out: z.number().min(0),
  records: z.number().min(0),
});
export type Impact = z.infer<typeof Impact>;

/** What raises or lowers a severity: how bad it would be if true, and how sure it is. */
export const SEVERITY_GROUNDS = [
  'acts',
  'sends',
  'sensitive',
  'amount',
  'sweep',
  'new_target',
  'elsewhere',
  'surprise',
  'repeated',
  'failing',
  'more_of_the_same',
  'learning',
  'containment_failed',
] as const;
export const SeverityGround = z.object({
  ground: z.enum(SEVERITY_GROUNDS),
  points: z.int(),
  words: z.string(),
});
export type SeverityGround = z.infer<typeof SeverityGround>;
