import type { Command, Outcome } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import {
  LOCAL_ISSUER,
  type PrincipalRef,
  principalKey,
  type Role,
  SYSTEM,
  samePrincipal,
} from '../../schemas/principal.ts';
import type { Session, SessionEnd } from '../../schemas/session.ts';
import { holderOf, keyRefusal, standingOf } from '../control/keys.ts';
import { isLive, liveSessions } from '../control/sessions.ts';
import { audit, refusal, type Turn, write } from './turn.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/**
 * Lets somebody in whom a process of ours has recognised. What that process says is held against what is on record: who was
 * removed stays removed, a link opens once, a provider speaks for its own people only, and roles are at most those held.
 */
export function start(turn: Turn, command: Of<'session_start'>): Outcome {
  const { session } = command;
  const objection = lifetimeObjection(turn, session) ?? personObjection(turn, command);
  if (objection !== undefined) return objection;
  if (session.method === 'oidc') keepPerson(turn, command);
  const held = turn.state.principals.get(principalKey(session.principal))?.roles ?? [];
  if (!session.roles.every((role) => held.includes(role))) {
    return refusal('role_not_held', `the principal holds only ${held.join(', ')}`);
  }
  if (command.link !== undefined) openLink(turn, command, command.link);
  const live = liveSessions(turn.state, session.principal, turn.context.now);
  for (const { id } of live.slice(0, Math.max(0, live.length + 1 - LIMITS.sign_in_sessions_max))) {
    endOne(turn, id, 'replaced', command);
  }
  const what = `session ${session.id} of ${principalKey(session.principal)} started by ${session.method}`;
  write(turn, {
    ...audit(turn, { who: session.principal, what, command: command.id }),
    kind: 'session_started',
    session,
    ...(command.signed_in !== undefined && { signed_in: command.signed_in }),
  });
  return { kind: 'done', subject: session.id, state: 'started' };
}

function lifetimeObjection({ state, context }: Turn, session: Session): Outcome | undefined {
  if (state.sessions.has(session.id)) return refusal('session_exists', 'a session with this id exists; make another');
  const { now } = context;
  const skew = LIMITS.oidc_skew_ms;
  if (session.expires > now + LIMITS.sign_in_ms_max + skew || session.expires <= now) {
    return refusal('session_too_long', `a session lasts until a moment within ${LIMITS.sign_in_ms_max} ms`);
  }
  if (session.authenticated > now + skew || session.created > now + skew) {
    return refusal('step_up_untimely', 'the authentication lies in the future: check the clocks');
  }
  const live = [...state.sessions.values()].filter((entry) => isLive(entry, now)).length;
  return live >= LIMITS.sign_in_sessions_kept_max
    ? refusal('too_many', `at most ${LIMITS.sign_in_sessions_kept_max} sessions`)
    : undefined;
}

function personObjection(turn: Turn, { session, signed_in, link, password }: Of<'session_start'>): Outcome | undefined {
  const { state, context } = turn;
  const { principal, method } = session;
  const entry = state.principals.get(principalKey(principal));
  if (entry?.revoked !== undefined) return refusal('already_revoked', 'this principal was removed');
  if (method === 'oidc') {
    const fits = signed_in !== undefined && samePrincipal(signed_in, principal) && signed_in.human;
    const ours = principal.issuer === LOCAL_ISSUER || principal.issuer === SYSTEM.issuer;
    if (!fits || ours || link !== undefined || password !== undefined) {
      return refusal('sign_in_mismatch', 'a provider lets in its own people, each as who they are there');
    }
    if (entry !== undefined && !entry.principal.human) return refusal('not_human', 'this principal is a machine');
    if (entry === undefined && state.principals.size >= LIMITS.principals_max) {
      return refusal('too_many', `at most ${LIMITS.principals_max} principals`);
    }
    return undefined;
  }
  if (entry === undefined) return refusal('principal_unknown', 'there is no such principal');
  if (principal.issuer !== LOCAL_ISSUER || signed_in !== undefined) {
    return refusal('not_local', 'passwords and links are for local people; others sign in where they come from');
  }
  if (!entry.principal.human) return refusal('not_human', 'machines have keys; only people sign in');
  if (method === 'password') {
    if (link !== undefined || password !== undefined) {
      return refusal('sign_in_mismatch', 'a link is opened by a session of its own');
    }
    return state.passwords.has(principalKey(principal))
      ? undefined
      : refusal('sign_in_mismatch', 'this principal has no password');
  }
  const known = link === undefined ? undefined : state.links.get(link);
  if (known === undefined || known.expires <= context.now || !samePrincipal(known.principal, principal)) {
    return refusal('link_refused', 'the link was used, has expired, or is of somebody else; ask for a new one');
  }
  return undefined;
}

/** The roles of people of a provider are those of their last sign-in. */
function keepPerson(turn: Turn, { id, session }: Of<'session_start'>): void {
  const { issuer, subject } = session.principal;
  const roles = [...session.roles];
  const entry = turn.state.principals.get(principalKey(session.principal));
  if (entry === undefined) {
    const what = `principal ${principalKey(session.principal)} created at its first sign-in`;
    const principal = { issuer, subject, human: true };
    write(turn, { ...audit(turn, { who: SYSTEM, what, command: id }), kind: 'principal_created', principal, roles });
  } else if (!sameRoles(entry.roles, roles)) {
    const what = `principal ${principalKey(session.principal)} has the roles ${roles.join(', ')} by its provider`;
    const principal = { issuer, subject };
    write(turn, { ...audit(turn, { who: SYSTEM, what, command: id }), kind: 'roles_set', principal, roles });
  }
}

export function sameRoles(a: readonly Role[], b: readonly Role[]): boolean {
  return a.length === b.length && a.every((role) => b.includes(role));
}

/** Whoever opens a link may not know who else is signed in under the name, so all others are out. */
function openLink(turn: Turn, command: Of<'session_start'>, link: string): void {
  const { principal } = command.session;
  const what = `link ${link} of ${principalKey(principal)} opened`;
  write(turn, { ...audit(turn, { who: principal, what, command: command.id }), kind: 'link_spent', link });
  endAll(turn, principal, 'revoked', command);
  if (command.password !== undefined) writePassword(turn, principal, command.password, command.id);
}

/** Own sessions, or with the role admin any. */
export function end(turn: Turn, command: Of<'session_end'>): Outcome {
  const entry = turn.state.sessions.get(command.session);
  const own = entry !== undefined && samePrincipal(entry.session.principal, command.by);
  // Nobody guesses 128 random bits, so saying that there is none tells nothing.
  if (entry === undefined) return refusal('session_unknown', 'there is no such session');
  if (!own && !isAdmin(turn, command))
    return refusal('role_missing', 'ending a session of another needs the role admin');
  if (entry.ended?.how === 'revoked') return refusal('already_revoked', 'this session was revoked before');
  // Leaving is no doubt about what was done before; ending a session from elsewhere is.
  const how = own && command.credential === command.session ? 'signed_out' : 'revoked';
  endOne(turn, command.session, how, command);
  return { kind: 'done', subject: command.session, state: how };
}

export function endEvery(turn: Turn, command: Of<'sessions_end'>): Outcome {
  const { principal } = command;
  if (!samePrincipal(principal, command.by) && !isAdmin(turn, command)) {
    return refusal('role_missing', 'ending the sessions of another needs the role admin');
  }
  if (!turn.state.principals.has(principalKey(principal))) {
    return refusal('principal_unknown', 'there is no such principal');
  }
  endAll(turn, principal, 'revoked', command);
  return { kind: 'done', subject: principalKey(principal), state: 'signed_out' };
}

function isAdmin(turn: Turn, { by, credential }: Command): boolean {
  return standingOf(turn.state, by, credential).roles.includes('admin');
}

/** Ends what can still be used. With `keep`, but for that session. */
function endAll(
  turn: Turn,
  principal: PrincipalRef,
  how: SessionEnd,
  command: Command,
  keep: string | undefined = undefined,
): void {
  for (const { id } of liveSessions(turn.state, principal, turn.context.now)) {
    if (id !== keep) endOne(turn, id, how, command);
  }
}

function endOne(turn: Turn, session: string, how: SessionEnd, { by, id }: Command): void {
  const what = `session ${session} ended: ${how}`;
  write(turn, { ...audit(turn, { who: by, what, command: id }), kind: 'session_ended', session, how });
}

/** Under another policy people of providers may hold other roles: they sign in anew, and are looked up by it. */
export function endProviderSessions(turn: Turn, command: Command): void {
  for (const [id, entry] of turn.state.sessions) {
    if (entry.session.method === 'oidc' && isLive(entry, turn.context.now)) endOne(turn, id, 'revoked', command);
  }
}

/** A fresh authentication for one vote, on exactly what the person has before them. */
export function stepUp(turn: Turn, command: Of<'step_up'>): Outcome {
  const { step_up } = command;
  const { state, context } = turn;
  const refused = keyRefusal(state, step_up.credential, context.now);
  const holder = holderOf(state, step_up.credential);
  const entry = state.principals.get(principalKey(step_up.principal));
  if (refused !== undefined || holder === undefined || !samePrincipal(holder, step_up.principal)) {
    return refusal('credential_refused', 'the key or session is unknown, ended, expired or of somebody else');
  }
  if (entry === undefined || entry.revoked !== undefined) {
    return refusal('principal_unknown', 'there is no such principal, or it was removed');
  }
  if (!entry.principal.human) return refusal('not_human', 'only people authenticate for a vote');
  const local = step_up.principal.issuer === LOCAL_ISSUER;
  if (local !== (step_up.method === 'password')) {
    return refusal('sign_in_mismatch', 'local people give their password, others authenticate where they come from');
  }
  const containment = state.containments.get(step_up.containment);
  if (containment === undefined) return refusal('unknown_containment', 'no containment has this id');
  if (containment.digest !== step_up.digest) {
    return refusal('digest_mismatch', 'what would be done has changed; read it again, then authenticate');
  }
  const age_ms = context.now - step_up.authenticated;
  if (age_ms < -LIMITS.oidc_skew_ms || age_ms > LIMITS.step_up_ms_max) {
    return refusal('step_up_untimely', 'the authentication is too old, or lies in the future; authenticate again');
  }
  const what = `${principalKey(step_up.principal)} authenticated for a vote on ${step_up.containment}`;
  const who = step_up.principal;
  write(turn, { ...audit(turn, { who, what, command: command.id }), kind: 'stepped_up', step_up });
  return { kind: 'done', subject: step_up.containment, state: 'stepped_up' };
}

/** Makes the one link of a local person; an earlier one opens nothing any more. */
export function createLink(turn: Turn, command: Of<'link_create'>): Outcome {
  const { link } = command;
  const entry = turn.state.principals.get(principalKey(link.principal));
  if (entry === undefined || entry.revoked !== undefined) {
    return refusal('principal_unknown', 'there is no such principal, or it was removed');
  }
  const objection = linkObjection(turn, link, entry.principal);
  if (objection !== undefined) return objection;
  writeLink(turn, link, command);
  return { kind: 'done', subject: link.id, state: 'created' };
}

export function linkObjection(
  turn: Turn,
  link: Of<'link_create'>['link'],
  { issuer, human }: { readonly issuer: string; readonly human: boolean },
): Outcome | undefined {
  if (issuer !== LOCAL_ISSUER) return refusal('not_local', 'links are for local people');
  if (!human) return refusal('not_human', 'machines have keys; only people sign in');
  const { now } = turn.context;
  if (turn.state.links.has(link.id) || link.expires <= now || link.expires > now + LIMITS.link_ms_max) {
    return refusal('link_refused', `a link is new and expires within ${LIMITS.link_ms_max} ms`);
  }
  return undefined;
}

export function writeLink(turn: Turn, link: Of<'link_create'>['link'], { by, id }: Command): void {
  const what = `link ${link.id} created for ${principalKey(link.principal)}`;
  write(turn, { ...audit(turn, { who: by, what, command: id }), kind: 'link_created', link });
}

/** One's own password, from a session in which it or a link was given. All other sessions end. */
export function setPassword(turn: Turn, command: Of<'password_set'>): Outcome {
  const { principal, verifier, by, credential } = command;
  const session = credential === undefined ? undefined : turn.state.sessions.get(credential)?.session;
  if (!samePrincipal(principal, by)) return refusal('role_missing', 'everybody sets their own password alone');
  if (principal.issuer !== LOCAL_ISSUER) return refusal('not_local', 'passwords are for local people');
  if (session === undefined || session.method === 'oidc') {
    return refusal('sign_in_mismatch', 'sign in with the password or a link, and set it there');
  }
  writePassword(turn, principal, verifier, command.id);
  endAll(turn, principal, 'revoked', command, session.id);
  return { kind: 'done', subject: principalKey(principal), state: 'password_set' };
}

function writePassword(
  turn: Turn,
  { issuer, subject }: PrincipalRef,
  verifier: Of<'password_set'>['verifier'],
  command: string,
): void {
  const principal = { issuer, subject };
  const what = `password of ${principalKey(principal)} set`;
  write(turn, { ...audit(turn, { who: principal, what, command }), kind: 'password_set', principal, verifier });
}

/** Attempts that were turned away, as whoever turned them away tells. */
export function noteRefused(turn: Turn, command: Of<'sign_in_refused'>): Outcome {
  const { reason, principal, address, more } = command;
  const whom = principal === undefined ? '' : ` for ${principalKey(principal)}`;
  const what = `sign-in refused${whom}: ${reason}`;
  write(turn, {
    ...audit(turn, { who: SYSTEM, what, command: command.id }),
    kind: 'sign_in_refused',
    reason,
    more,
    ...(principal !== undefined && { principal }),
    ...(address !== undefined && { address }),
  });
  return { kind: 'done', subject: reason, state: 'noted' };
}
