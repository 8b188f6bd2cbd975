import type { ControlRecord } from '../../schemas/control.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type PrincipalRef, principalKey } from '../../schemas/principal.ts';
import type { PasswordVerifier, Session, SessionEnd, SignInLink } from '../../schemas/session.ts';
import { madeBy, namedBy } from './policies.ts';
import type { ControlState } from './state.ts';

export type SessionEntry = {
  readonly session: Session;
  /** Absent while it was neither ended nor revoked; it may have expired all the same. */
  readonly ended: { readonly how: SessionEnd; readonly when: number } | undefined;
};

/** How people sign in, folded from the control log. All maps are by id or `principalKey`, oldest first. */
export type SignIns = {
  readonly sessions: Map<string, SessionEntry>;
  /** Links that were not spent. Of one person there is one at most, the last. */
  readonly links: Map<string, SignInLink>;
  readonly passwords: Map<string, PasswordVerifier>;
};

export const emptySignIns = (): SignIns => ({ sessions: new Map(), links: new Map(), passwords: new Map() });

const KINDS = [
  'session_started',
  'session_ended',
  'link_created',
  'link_spent',
  'password_set',
  'key_rotated',
  'roles_set',
  'sign_in_refused',
] as const;
type SignInRecord = Extract<ControlRecord, { kind: (typeof KINDS)[number] }>;

/** Records of how somebody gets in, and of what they may do then. */
export function isSignIn(record: ControlRecord): record is SignInRecord {
  return (KINDS as readonly ControlRecord['kind'][]).includes(record.kind);
}

/** Folds one of them, in place. */
export function applySignIn(state: ControlState, record: SignInRecord): ControlState {
  switch (record.kind) {
    case 'session_started':
      state.sessions.set(record.session.id, { session: record.session, ended: undefined });
      forgetSessions(state.sessions, record.when);
      return state;
    case 'session_ended':
      endSession(state.sessions, record.session, { how: record.how, when: record.when });
      return state;
    case 'link_created':
      forgetLinks(state.links, record.link.principal);
      state.links.set(record.link.id, record.link);
      return handedOut(state, record.link.principal, record);
    case 'link_spent':
      state.links.delete(record.link);
      return state;
    case 'password_set':
      state.passwords.set(principalKey(record.principal), record.verifier);
      return state;
    case 'key_rotated': {
      const { key, replaced_by, expires } = record;
      const entry = state.keys.get(key);
      if (entry !== undefined) state.keys.set(key, { ...entry, key: { ...entry.key, expires }, replaced_by });
      return state;
    }
    case 'roles_set': {
      const { who, when, roles } = record;
      const name = principalKey(record.principal);
      const entry = state.principals.get(name);
      if (entry !== undefined) {
        state.principals.set(name, namedBy(state, madeBy(state, { ...entry, roles }, who, when)));
      }
      return state;
    }
    case 'sign_in_refused':
      return state;
  }
}

/** Whoever makes a link or a key for another could use it: the account is in their hands as if they had made it. */
export function handedOut(
  state: ControlState,
  principal: PrincipalRef,
  { who, when }: Pick<ControlRecord, 'who' | 'when'>,
): ControlState {
  const name = principalKey(principal);
  const entry = state.principals.get(name);
  if (entry !== undefined) state.principals.set(name, madeBy(state, entry, who, when));
  return state;
}

/** Nobody signs in as a principal that was revoked, and what it was signed in with is over. */
export function revokeSignIns(state: SignIns, principal: PrincipalRef, when: number): void {
  const name = principalKey(principal);
  state.passwords.delete(name);
  forgetLinks(state.links, principal);
  for (const { session } of state.sessions.values()) {
    if (principalKey(session.principal) === name) endSession(state.sessions, session.id, { how: 'revoked', when });
  }
}

/** Sessions of a person that can still be used, oldest first. */
export function liveSessions(state: Pick<ControlState, 'sessions'>, of: PrincipalRef, now: number): readonly Session[] {
  const name = principalKey(of);
  return [...state.sessions.values()]
    .filter((entry) => isLive(entry, now) && principalKey(entry.session.principal) === name)
    .map(({ session }) => session);
}

export function isLive({ session, ended }: SessionEntry, now: number): boolean {
  return ended === undefined && now < session.expires;
}

/** A session that was revoked after it had ended otherwise counts as revoked: its votes must not stand. */
function endSession(sessions: SignIns['sessions'], id: string, ended: NonNullable<SessionEntry['ended']>): void {
  const entry = sessions.get(id);
  if (entry === undefined || entry.ended?.how === 'revoked') return;
  if (entry.ended === undefined || ended.how === 'revoked') sessions.set(id, { ...entry, ended });
}

function forgetLinks(links: SignIns['links'], principal: PrincipalRef): void {
  const name = principalKey(principal);
  for (const link of links.values()) if (principalKey(link.principal) === name) links.delete(link.id);
}

/** A vote by a session that is forgotten counts no more, so those that can still be used are forgotten last. */
function forgetSessions(sessions: SignIns['sessions'], when: number): void {
  if (sessions.size <= LIMITS.sign_in_sessions_kept_max) return;
  for (const [id, entry] of sessions) {
    if (isLive(entry, when)) continue;
    sessions.delete(id);
    if (sessions.size <= LIMITS.sign_in_sessions_kept_max) return;
  }
}
