import { z } from 'zod';
import { LIMITS } from '../limits.ts';

/** The one shape of every refusal. Codes are explained in docs/errors.md. */
export const ErrorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    /** The part of the request that is to blame: `query.limit`, `body.digest`. */
    field: z.string().optional(),
    /** What to do about it. */
    remedy: z.string().optional(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** A page of something. `next_cursor` is there while there may be more. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next_cursor: z.string().optional() });
}

/** Opaque: only `next_cursor` of an earlier answer, unchanged, is one. */
export const CursorText = z.string().min(1).max(2_048);
export const Limit = z.coerce.number().int().min(1).max(LIMITS.page_items_max);
export const TenantName = z.string().min(1).max(LIMITS.id_chars_max).default('default');
export const IdentityId = z.string().min(1).max(LIMITS.id_chars_max);
export const TimeMs = z.coerce.number().int().min(0).max(LIMITS.time_ms_max);
export const Comment = z.string().max(LIMITS.comment_chars_max).optional();
