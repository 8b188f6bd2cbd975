import { z } from 'zod';
import { ContainmentAction } from '../alert.ts';
import { TermsDigest } from '../containment.ts';
import { LIMITS } from '../limits.ts';
import { TenantName } from './shared.ts';

const Why = z.string().trim().min(1).max(LIMITS.comment_chars_max);
const Target = z.string().min(1).max(LIMITS.resource_id_chars_max);
const Parameters = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.string().max(LIMITS.text_chars_max))
  .refine((given) => Object.keys(given).length <= LIMITS.parameters_max, `at most ${LIMITS.parameters_max} of them`);
const BreakGlass = z.strictObject({ why: Why }).optional();

/** What a person asks for because of an alert. The evidence is that of the alert as it stands, frozen. */
export const RequestBody = z.strictObject({
  alert_uid: z.string().min(1).max(LIMITS.id_chars_max),
  tenant: TenantName,
  action: ContainmentAction,
  target: Target,
  parameters: Parameters.default({}),
  why: Why,
  break_glass: BreakGlass,
});

/** What of a pending containment is to be different; `digest` is of the terms that were seen. */
export const AmendBody = z
  .strictObject({
    digest: TermsDigest,
    action: ContainmentAction.optional(),
    target: Target.optional(),
    parameters: Parameters.optional(),
    why: Why,
  })
  .refine(
    ({ action, target, parameters }) => action !== undefined || target !== undefined || parameters !== undefined,
    'names an action, a target or parameters',
  );

export const RollbackBody = z.strictObject({ why: Why, break_glass: BreakGlass });

/** What somebody who looked at the target has found. */
export const ResolveBody = z.strictObject({ took_effect: z.boolean(), comment: Why });
