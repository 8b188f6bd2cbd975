import { z } from 'zod';

/** Names of containments and of what exactly was shown to those who vote, apart so that sessions can name both. */
export const ContainmentId = z.string().regex(/^[0-9a-f]{32}$/);
export const TermsDigest = z.string().regex(/^[0-9a-f]{64}$/);
