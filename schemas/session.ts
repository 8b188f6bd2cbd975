import { z } from 'zod';
import { ContainmentId, TermsDigest } from './digests.ts';
import { LIMITS } from './limits.ts';
import { CredentialId, KeyHash, Principal, PrincipalRef, Role, SessionId } from './principal.ts';

/** How somebody proved who they are: at an OpenID provider, with a local password, or by opening a one-time link. */
export const SIGN_IN_METHODS = ['oidc', 'password', 'link'] as const;
export const SignInMethod = z.enum(SIGN_IN_METHODS);
export type SignInMethod = z.infer<typeof SignInMethod>;

/** A signed-in person, as the control log holds it: every process knows it, and that it ended, at once. */
export const Session = z.object({
  id: SessionId,
  /** SHA-256 of the whole token in the cookie, hex. The secret has 192 random bits. */
  hash: KeyHash,
  principal: PrincipalRef,
  /** What this session may do: a subset of the roles of its principal. */
  roles: z.array(Role).min(1),
  method: SignInMethod,
  /** When the person proved it, by the provider's `auth_time` where there is one. Epoch milliseconds. */
  authenticated: z.int(),
  created: z.int(),
  /** Ends then at the latest, and earlier when it is not used. Epoch milliseconds. */
  expires: z.int(),
});
export type Session = z.infer<typeof Session>;

/**
 * A fresh authentication for one vote: bound to who, through which credential, on which containment and which terms. It
 * counts for `LIMITS.step_up_ms_max` after `authenticated` (OIDC Core 1.0, section 3.1.2.1, `max_age` and `auth_time`).
 */
export const StepUp = z.object({
  principal: PrincipalRef,
  credential: CredentialId,
  containment: ContainmentId,
  digest: TermsDigest,
  method: z.enum(['oidc', 'password']),
  authenticated: z.int(),
});
export type StepUp = z.infer<typeof StepUp>;

/** A one-time link, as it is stored: the token is shown once, in the fragment of a URL, and spent by its first use. */
export const SignInLink = z.object({
  id: SessionId,
  hash: KeyHash,
  principal: PrincipalRef,
  expires: z.int(),
});
export type SignInLink = z.infer<typeof SignInLink>;

/** scrypt (RFC 7914) of a local password: parameters, salt and derived key, so that parameters can grow. */
export const PasswordVerifier = z.object({
  algorithm: z.literal('scrypt'),
  n: z.int().min(2 ** 14),
  r: z.int().min(8),
  p: z.int().min(1),
  salt: z.string().regex(/^[A-Za-z0-9+/]{22,}={0,2}$/),
  key: z.string().regex(/^[A-Za-z0-9+/]{43,}={0,2}$/),
});
export type PasswordVerifier = z.infer<typeof PasswordVerifier>;

/** Somebody who signs in at a provider: known from the first time on, with the roles that claims and policy gave then. */
export const SignedIn = Principal.extend({
  /** For people who read the audit log; from the provider's claims, so never used to decide. */
  name: z.string().max(LIMITS.name_chars_max).optional(),
  email: z.string().max(LIMITS.name_chars_max).optional(),
});
export type SignedIn = z.infer<typeof SignedIn>;

/** How a session ended before its time. Votes that were given with a session that was revoked count for nothing. */
export const SESSION_ENDS = ['signed_out', 'replaced', 'revoked'] as const;
export const SessionEnd = z.enum(SESSION_ENDS);
export type SessionEnd = z.infer<typeof SessionEnd>;

/** Why a sign-in or a fresh authentication was refused, for the audit log alone: whoever asked gets one answer for all. */
export const SIGN_IN_REFUSALS = [
  'unknown_name',
  'wrong_password',
  'link_refused',
  'removed',
  'no_role',
  'provider_refused',
  'answer_invalid',
  'too_many',
] as const;
export const SignInRefusal = z.enum(SIGN_IN_REFUSALS);
export type SignInRefusal = z.infer<typeof SignInRefusal>;
