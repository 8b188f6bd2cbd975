import { z } from 'zod';
import { ContainmentAction } from '../../../schemas/alert.ts';
import { TermsDigest } from '../../../schemas/containment.ts';
import { LIMITS } from '../../../schemas/limits.ts';

/** What the forms of pages send. Browsers send every field as text, and the lines of a text area with CR and LF. */

const lines = (text: unknown): unknown => (typeof text === 'string' ? text.replaceAll('\r\n', '\n').trim() : text);
const said = () => z.preprocess(lines, z.string().max(LIMITS.comment_chars_max));
const why = () => z.preprocess(lines, z.string().min(1, 'say why').max(LIMITS.comment_chars_max));
const Once = z.string().regex(/^[0-9a-f]{32}$/);
const target = () => z.string().min(1).max(LIMITS.resource_id_chars_max);

export const VoteForm = z.strictObject({ once: Once, digest: TermsDigest, comment: said().optional() });
export const CancelForm = z.strictObject({ once: Once });
export const RollbackForm = z.strictObject({ once: Once, why: why(), break_glass: z.literal('yes').optional() });
export const ResolveForm = z.strictObject({ once: Once, took_effect: z.enum(['yes', 'no']), comment: why() });

/** Parameters come as fields of their own, `parameter.scope`. */
const withParameters = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .object(shape)
    .catchall(z.string().max(LIMITS.text_chars_max))
    .refine((form) => Object.keys(form).every((name) => name in shape || PARAMETER.test(name)), 'holds unknown fields')
    .refine((form) => Object.keys(parametersOf(form)).length <= LIMITS.parameters_max, 'holds too many parameters');

const PARAMETER = /^parameter\.([a-z][a-z0-9_]{0,63})$/;

export const AmendForm = withParameters({
  once: Once,
  digest: TermsDigest,
  action: ContainmentAction,
  target: target(),
  why: why(),
});

export const RequestForm = withParameters({
  once: Once,
  alert: z.string().min(1).max(LIMITS.id_chars_max),
  tenant: z.string().min(1).max(LIMITS.id_chars_max),
  revision: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  action: ContainmentAction,
  target: target(),
  why: why(),
  break_glass: z.literal('yes').optional(),
});

/** `parameter.scope=all` is `{ scope: 'all' }`. */
export function parametersOf(form: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(form).flatMap(([field, value]) => {
      const name = PARAMETER.exec(field)?.[1];
      return name === undefined || typeof value !== 'string' ? [] : [[name, value] as const];
    }),
  );
}
