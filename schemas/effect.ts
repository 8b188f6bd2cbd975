import { z } from 'zod';
import { EvidenceRef } from './finding.ts';
import { LIMITS } from './limits.ts';

/**
 * What must no longer be seen once a containment was carried out: an event that fits all that is named here and had the
 * outcome `ok` or `unknown`. One that was denied or failed is what a containment that holds looks like.
 */
export const EffectPredicate = z.strictObject({
  tenant: z.string().min(1).max(LIMITS.id_chars_max),
  identity: z.string().min(1).max(LIMITS.id_chars_max),
  credential: z.string().min(1).max(LIMITS.id_chars_max).optional(),
  session: z.string().min(1).max(LIMITS.id_chars_max).optional(),
  tool: z.string().min(1).max(LIMITS.name_chars_max).optional(),
  classification: z.string().min(1).max(64).optional(),
});
export type EffectPredicate = z.infer<typeof EffectPredicate>;

/** The order to a partition to watch for one containment's effect, in the log clock of that partition. */
export const EffectWatch = z.strictObject({
  containment: z.string().regex(/^[0-9a-f]{32}$/),
  action: z.string().min(1).max(64),
  predicate: EffectPredicate,
  /** Event time from which on it must hold: the end of the execution and a stated grace. Epoch milliseconds. */
  from: z.int(),
  /** Log time at which the watch ends. Epoch milliseconds. */
  until: z.int(),
});
export type EffectWatch = z.infer<typeof EffectWatch>;

/** What telemetry said. `untested`: nothing could have been seen, as the identity's source was not heard either. */
export const EFFECT_FINDINGS = ['failed', 'verified', 'untested'] as const;
export const EffectFinding = z.enum(EFFECT_FINDINGS);
export type EffectFinding = z.infer<typeof EffectFinding>;

/** What a partition found, as it reports it: a function of its log, so a repeat after a crash says the same. */
export const EffectReport = z.object({
  containment: EffectWatch.shape.containment,
  finding: EffectFinding,
  /** Events that fit and went through; that fit and were refused; and others of the identity, from `from` on. */
  permitted: z.int().min(0),
  refused: z.int().min(0),
  others: z.int().min(0),
  /** The first events that fit, bounded: those that went through before those that were refused. */
  evidence: z.array(EvidenceRef).max(LIMITS.effect_evidence_max),
  /** Alert that says that the containment failed. */
  alert_uid: z.string().optional(),
  /** One sentence for people. */
  why: z.string().max(LIMITS.text_chars_max),
  /** Log clock of the report, epoch milliseconds. */
  time: z.int(),
});
export type EffectReport = z.infer<typeof EffectReport>;

/** The effect of a containment as its record holds it. `needs_human`: its outcome is unknown, or people must look. */
export const Effect = z.object({
  state: z.enum(['watching', 'needs_human', ...EFFECT_FINDINGS]),
  watch: EffectWatch,
  report: EffectReport.optional(),
});
export type Effect = z.infer<typeof Effect>;
