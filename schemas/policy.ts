import { z } from 'zod';
import { ContainmentAction, Severity } from './alert.ts';
import { RoleQuota } from './containment.ts';
import { IdentityKind } from './event.ts';
import { LIMITS, UNITS } from './limits.ts';
import { PrincipalRef, Role } from './principal.ts';

/**
 * The containment policy, as a file: which action on whom needs whose approvals. Of all rules that fit a containment the
 * strictest wins, field by field, on top of `defaults` and of the built-in minimum: so no rule, and no order of rules, can
 * ever lower what another asks for.
 */
const name = () => z.string().min(1).max(LIMITS.name_chars_max);
/** `*` stands for any characters. */
const pattern = () => z.string().min(1).max(LIMITS.id_chars_max);
const approvals = () => z.int().min(1).max(LIMITS.approvals_max);
const approval_expiry_ms = () =>
  z
    .int()
    .min(UNITS.MINUTE_MS)
    .max(30 * UNITS.DAY_MS);
const execution_expiry_ms = () => z.int().min(UNITS.MINUTE_MS).max(UNITS.DAY_MS);

const demands = {
  approvals: approvals().optional(),
  /** Holders of any of these may vote. Two rules that fit: of both. */
  roles: z.array(Role).min(1).max(Role.options.length).optional(),
  /** So many of the approvals from holders of a role each. */
  quotas: z.array(RoleQuota).min(1).max(Role.options.length).optional(),
  /** Who does not count. */
  exclude: z.array(PrincipalRef).min(1).max(64).optional(),
  approval_expiry_ms: approval_expiry_ms().optional(),
  execution_expiry_ms: execution_expiry_ms().optional(),
  /** Neither detection nor a plain request may propose it: only a request that breaks the glass, with a reason. */
  break_glass_only: z.boolean().optional(),
} as const;

export const PolicyRule = z.strictObject({
  name: name(),
  /** All that is named must fit, of each any one. Nothing named: every containment. */
  when: z
    .strictObject({
      actions: z.array(ContainmentAction).min(1).optional(),
      kinds: z.array(IdentityKind).min(1).optional(),
      tenants: z.array(pattern()).min(1).max(256).optional(),
      identities: z.array(pattern()).min(1).max(256).optional(),
      peer_groups: z.array(pattern()).min(1).max(256).optional(),
      severities: z.array(Severity).min(1).optional(),
      origins: z
        .array(z.enum(['recommended', 'requested', 'rollback']))
        .min(1)
        .optional(),
    })
    .default({}),
  ...demands,
});
export type PolicyRule = z.infer<typeof PolicyRule>;

export const PolicyDocument = z.strictObject({
  version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  defaults: z
    .strictObject({
      ...demands,
      /** Whoever changed the policy does not count as an approver for so long. */
      editors_excluded_ms: z
        .int()
        .min(0)
        .max(30 * UNITS.DAY_MS)
        .default(UNITS.DAY_MS),
      /** An approver whose account or role was made by the requester or by another approver does not count for so long. */
      made_excluded_ms: z
        .int()
        .min(0)
        .max(30 * UNITS.DAY_MS)
        .default(UNITS.DAY_MS),
    })
    .prefault({}),
  rules: z
    .array(PolicyRule)
    .max(256)
    .default([])
    .refine((rules) => new Set(rules.map((rule) => rule.name)).size === rules.length, 'names each rule once'),
  /** Roles of people who sign in at a provider: any claim that fits gives them, and so does being named. */
  people: z
    .strictObject({
      claims: z
        .array(
          z.strictObject({
            /** Path into the ID token's claims: `groups`, `realm_access.roles`. */
            claim: z.string().min(1).max(256),
            /** The claim, or one of its items, equals this. */
            value: z.string().min(1).max(256),
            /** Only of this provider; absent: of every one that is configured. */
            issuer: PrincipalRef.shape.issuer.optional(),
            roles: z.array(Role).min(1),
          }),
        )
        .max(256)
        .default([]),
      named: z
        .array(z.strictObject({ principal: PrincipalRef, roles: z.array(Role).min(1) }))
        .max(1024)
        .default([]),
    })
    .prefault({}),
});
export type PolicyDocument = z.infer<typeof PolicyDocument>;
