import { z } from 'zod';
import { LIMITS } from './limits.ts';

/** Roles of people and machines (design, section 9). `approver` is only ever held by humans. */
export const ROLES = ['viewer', 'analyst', 'approver', 'siem', 'ingest', 'admin'] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

/** Names of principals reach logs and tables, so control characters are refused. */
const principalName = () =>
  z
    .string()
    .min(1)
    .max(LIMITS.id_chars_max)
    .regex(/^[^\u0000-\u001f\u007f-\u009f]+$/)
    .refine((name) => name.isWellFormed());

/** Who somebody is, by whom that was said. Two principals are the same when both fields are equal. */
export const PrincipalRef = z.object({ issuer: principalName(), subject: principalName() });
export type PrincipalRef = z.infer<typeof PrincipalRef>;

export const Principal = PrincipalRef.extend({ human: z.boolean() });
export type Principal = z.infer<typeof Principal>;

/** Issuer of the users and machines that Countersign keeps itself. */
export const LOCAL_ISSUER = 'local';

/** Requester of automatic proposals and author of what time does. Holds no role and no key. */
export const SYSTEM: Principal = { issuer: 'countersign', subject: 'system', human: false };

export const KeyId = z.string().regex(/^[0-9a-f]{16}$/);
/** A signed-in session. Longer than a key's id, so that the two are never taken for each other. */
export const SessionId = z.string().regex(/^[0-9a-f]{32}$/);
/** What somebody acts through: an API key or a session. */
export const CredentialId = z.union([KeyId, SessionId]);

export const KeyHash = z.string().regex(/^[0-9a-f]{64}$/);

/** Tenants that a key is bound to; absent: all. */
export const KeyTenants = z.array(z.string().min(1).max(LIMITS.id_chars_max)).min(1).max(LIMITS.key_tenants_max);

/** An API key as it is stored. The secret is shown once, when it is made, and never stored. */
export const ApiKey = z.object({
  id: KeyId,
  /** SHA-256 of the whole token, hex. The secret has 192 random bits, so a fast hash is enough. */
  hash: KeyHash,
  principal: PrincipalRef,
  /** What this key may do: a subset of the roles of its principal. */
  roles: z.array(Role).min(1),
  created: z.int(),
  created_by: PrincipalRef,
  /** Epoch milliseconds from which on the key is refused; absent: it does not expire by itself. */
  expires: z.int().optional(),
  tenants: KeyTenants.optional(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** True when both are the same principal. */
export function samePrincipal(a: PrincipalRef, b: PrincipalRef): boolean {
  return a.issuer === b.issuer && a.subject === b.subject;
}

/** One string per principal; the JSON array keeps `a`, `b/c` and `a/b`, `c` apart. */
export function principalKey(of: PrincipalRef): string {
  return JSON.stringify([of.issuer, of.subject]);
}
