import { timingSafeEqual } from 'node:crypto';
import { LIMITS } from '../../schemas/limits.ts';
import { type Principal, principalKey, type Role } from '../../schemas/principal.ts';
import type { Session, SignInLink } from '../../schemas/session.ts';
import { type AuthenticationRefusal, hashToken, keyRefusal, type RandomBytes } from './keys.ts';
import type { ControlState } from './state.ts';

const ID_BYTES = 16;
const SECRET_BYTES = 24;

/** What a browser holds of a session, and what a one-time link holds. Different prefixes: none passes for another. */
const PREFIXES = { session: 'css', link: 'csl' } as const;
const PATTERNS = {
  session: /^css_([0-9a-f]{32})_[A-Za-z0-9_-]{32}$/,
  link: /^csl_([0-9a-f]{32})_[A-Za-z0-9_-]{32}$/,
} as const;
type TokenKind = keyof typeof PREFIXES;

export type Minted = { readonly id: string; readonly token: string; readonly hash: string };

/** Makes `css_<id>_<secret>` or `csl_<id>_<secret>`. Only the hash of it is stored. */
export function mintToken(kind: TokenKind, randomBytes: RandomBytes): Minted {
  const id = randomBytes(ID_BYTES).toString('hex');
  const token = `${PREFIXES[kind]}_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, token, hash: hashToken(token).toString('hex') };
}

const NOBODY = Buffer.alloc(32);

function isOf(token: string, stored: { readonly hash: string } | undefined): boolean {
  const expected = stored === undefined ? NOBODY : Buffer.from(stored.hash, 'hex');
  return timingSafeEqual(hashToken(token), expected) && stored !== undefined;
}

export type SessionAuthentication =
  | {
      readonly kind: 'authenticated';
      readonly principal: Principal;
      readonly roles: readonly Role[];
      readonly session: Session;
    }
  | { readonly kind: 'refused'; readonly code: AuthenticationRefusal };

/** Who a session's token belongs to, compared in constant time, and what the session may do now. */
export function authenticateSession(token: string, state: ControlState, now: number): SessionAuthentication {
  const id = PATTERNS.session.exec(token)?.[1];
  if (id === undefined) return { kind: 'refused', code: 'session_malformed' };
  const entry = state.sessions.get(id);
  if (!isOf(token, entry?.session) || entry === undefined) return { kind: 'refused', code: 'session_refused' };
  const { session } = entry;
  const refusal = keyRefusal(state, id, now);
  const holder = state.principals.get(principalKey(session.principal));
  if (refusal !== undefined || holder === undefined || holder.revoked !== undefined) {
    return { kind: 'refused', code: refusal ?? 'session_refused' };
  }
  const roles = session.roles.filter((role) => holder.roles.includes(role));
  return { kind: 'authenticated', principal: holder.principal, roles, session };
}

/** The unspent link that a token opens; undefined when there is none, or it has expired. */
export function linkOf(token: string, state: Pick<ControlState, 'links'>, now: number): SignInLink | undefined {
  const link = state.links.get(PATTERNS.link.exec(token)?.[1] ?? '');
  return isOf(token, link) && link !== undefined && now < link.expires ? link : undefined;
}

/** A new link for a person, and its token, which is shown once. */
export function mintLink(
  principal: SignInLink['principal'],
  { randomBytes, now }: { readonly randomBytes: RandomBytes; readonly now: number },
): { readonly link: SignInLink; readonly token: string } {
  const { id, hash, token } = mintToken('link', randomBytes);
  const { issuer, subject } = principal;
  return { link: { id, hash, principal: { issuer, subject }, expires: now + LIMITS.link_ms }, token };
}
