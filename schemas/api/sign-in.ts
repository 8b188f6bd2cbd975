import { z } from 'zod';
import { ContainmentId, TermsDigest } from '../digests.ts';
import { LIMITS } from '../limits.ts';
import { Principal, PrincipalRef, Role, SessionId } from '../principal.ts';
import { SessionEnd, SignInMethod } from '../session.ts';

/** Long enough for every password that is possible, and for what is told to be too long. */
const Password = z
  .string()
  .min(1)
  .max(4 * LIMITS.password_chars_max);
const ReturnTo = z.string().max(4_096).optional();

export const SignInBody = z.strictObject({
  name: z.string().min(1).max(LIMITS.id_chars_max),
  password: Password,
  return_to: ReturnTo,
});
/** `token` is what stands behind `#` in the link. */
export const OpenLinkBody = z.strictObject({
  token: z.string().min(1).max(256),
  password: Password,
  return_to: ReturnTo,
});
export const ChangePasswordBody = z.strictObject({ password: Password, new_password: Password, return_to: ReturnTo });
export const StepUpBody = z.strictObject({ containment: ContainmentId, digest: TermsDigest, password: Password });
/** A page leaves the password out for people of a provider, who are sent there. */
export const StepUpForm = StepUpBody.extend({ password: Password.optional(), return_to: ReturnTo });
export const SignOutForm = z.strictObject({ everywhere: z.stringbool().optional() });

/** Who is signed in. A script sends `csrf` in the header `x-csrf-token` with every change. */
export const SignedInAnswer = z.object({
  principal: Principal,
  roles: z.array(Role),
  method: SignInMethod,
  authenticated: z.int(),
  expires: z.int(),
  csrf: z.string(),
});
export const SignedOutAnswer = z.object({ state: z.literal('signed_out') });
export const SteppedUpAnswer = z.object({ containment: ContainmentId, state: z.literal('stepped_up') });
export const PasswordSetAnswer = z.object({ state: z.literal('password_set') });
/** What the page to sign in offers. */
export const ProvidersAnswer = z.object({
  items: z.array(z.object({ name: z.string(), label: z.string(), url: z.string() })),
  passwords: z.boolean(),
});

/** A session as it may be shown: never its hash. */
export const SessionView = z.object({
  id: SessionId,
  principal: PrincipalRef,
  roles: z.array(Role),
  method: SignInMethod,
  authenticated: z.int(),
  created: z.int(),
  expires: z.int(),
  ended: z.object({ how: SessionEnd, when: z.int() }).optional(),
});
export type SessionView = z.infer<typeof SessionView>;
export const SessionList = z.object({ items: z.array(SessionView) });
export const EndedSession = z.object({ session: SessionId, state: z.literal('ended') });
export const EndedSessions = z.object({ principal: PrincipalRef, state: z.literal('signed_out') });
/** The only answer that holds the link. It is good once. */
export const CreatedLink = z.object({
  principal: PrincipalRef,
  path: z.string(),
  url: z.string().optional(),
  expires: z.int(),
});
export const RolesBody = z.strictObject({ roles: z.array(Role).min(1).max(Role.options.length) });
export const RolesSet = z.object({ principal: PrincipalRef, roles: z.array(Role) });
