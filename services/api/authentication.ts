import type { Principal, Role } from '../../schemas/principal.ts';
import type { Session } from '../../schemas/session.ts';
import { type AuthenticationRefusal, authenticate, keyRefusal, standingOf } from '../control/keys.ts';
import { authenticateSession } from '../control/tokens.ts';
import { createStamps } from './auth/cookies.ts';
import { createElsewhere, type Elsewhere, type SignInWarning } from './auth/elsewhere.ts';
import { type Refused, refuse, refuseAs } from './errors.ts';
import { createFailures } from './failures.ts';
import type { Ports } from './ports.ts';

/** Who asks. Everything that is decided for a request rests on this, never on what the request says of itself. */
export type Caller = {
  readonly principal: Principal;
  readonly roles: readonly Role[];
  /** Id of the key or of the session. */
  readonly credential: string;
  readonly expires: number | undefined;
  /** Tenants that the key is bound to; undefined: all. */
  readonly tenants: readonly string[] | undefined;
  /** Who is signed in, with a browser's cookie instead of a key. Then every change needs `csrfTokenOf(session)`. */
  readonly session: Session | undefined;
};

/** Who may call a route: everybody, everybody with a valid key, or holders of one of the roles. */
export type Access = 'open' | 'authenticated' | readonly Role[];

export type Authenticator = {
  /** Who it is, or why not. Counts failures against the address. */
  identify(shown: Shown, address: string): Caller | Refused;
  /** Who is signed in, for pages that everybody may see. Nothing is refused or counted. */
  signedIn(cookie: string | undefined): Caller | undefined;
  /** Undefined when the caller may; asked once for a request. */
  objection(caller: Caller, access: Access): Refused | undefined;
  /** When a key was last used here, epoch milliseconds; undefined: not since this process started. */
  lastUsed(key: string): number | undefined;
  /** What an operator should know of sessions. */
  warnings(): readonly SignInWarning[];
  /** Whether the caller still may, for requests that last. */
  stillMay(caller: Caller, access: Access): boolean;
};

/** What a request shows of who sends it: the header `authorization`, and the value of the session's cookie. */
export type Shown = { readonly authorization: string | undefined; readonly cookie: string | undefined };

/** RFC 6750, section 2.1. */
const BEARER = /^Bearer +([\x21-\x7e]{1,256})$/i;

/** Without `auth` nobody signs in here: keys alone count. */
export function createAuthenticator(
  ports: Pick<Ports, 'control' | 'clock' | 'telemetry'> & Partial<Pick<Ports, 'auth'>>,
): Authenticator {
  const { control, clock, telemetry, auth } = ports;
  const failures = createFailures(clock);
  /** No more than there are keys: only valid ones get here. */
  const used = new Map<string, number>();
  const elsewhere = auth === undefined ? undefined : createElsewhere({ clock, telemetry, auth });
  const bySession =
    auth === undefined || elsewhere === undefined
      ? () => 'session_malformed' as const
      : createBySession({ control, clock, auth }, elsewhere);

  const failed = (refused: Refused, reason: AuthenticationRefusal | 'missing', address: string): Refused => {
    const wait_s = failures.count(address);
    if (wait_s === undefined) {
      telemetry.occurred('authentications_refused', { reason }, { address });
      return refused;
    }
    // Counted without a line in the log, which a flood would fill.
    telemetry.occurred('authentications_limited', {}, { address });
    return refuse('too_many_failures', {
      retry_after_s: wait_s,
      remedy: 'check the key that this client uses, and wait before the next attempt',
    });
  };

  return {
    identify({ authorization: header, cookie }, address) {
      if (header === undefined && cookie !== undefined) {
        const caller = bySession(cookie);
        if (typeof caller === 'object') return caller;
        // Sessions end in the ordinary course of things; only what was never one is worth counting.
        if (!GUESSED.has(caller)) return SESSION_OVER;
        return failed(SESSION_OVER, caller, address);
      }
      if (header === undefined) {
        const remedy = 'send the header authorization: Bearer csk_...';
        return failed(refuse('credential_missing', { remedy }), 'missing', address);
      }
      const token = BEARER.exec(header)?.[1];
      const known = token === undefined ? MALFORMED : authenticate(token, control.state, clock.now());
      if (known.kind === 'refused') return failed(KEY_REFUSED, known.code, address);
      const { principal, roles, credential, expires, tenants } = known;
      used.set(credential, clock.now());
      return { principal, roles, credential, expires, tenants, session: undefined };
    },

    lastUsed: (key) => used.get(key),
    warnings: () => elsewhere?.warnings() ?? [],

    signedIn(cookie) {
      const caller = cookie === undefined ? 'missing' : bySession(cookie);
      return typeof caller === 'object' ? caller : undefined;
    },

    objection(caller, access) {
      if (access === 'open' || access === 'authenticated') return undefined;
      if (access.some((role) => caller.roles.includes(role))) return undefined;
      return refuseAs('role_missing', `it needs one of the roles ${access.join(', ')}`, {
        remedy: 'use a key that holds the role; an administrator can make one',
      });
    },

    stillMay(caller, access) {
      const { state } = control;
      if (keyRefusal(state, caller.credential, clock.now()) !== undefined) return false;
      const { roles } = standingOf(state, caller.principal, caller.credential);
      return access === 'open' || access === 'authenticated' || access.some((role) => roles.includes(role));
    },
  };
}

/** Who shows the value of a session's cookie, or why it counts for nothing. */
function createBySession(
  { control, clock, auth }: Pick<Ports, 'control' | 'clock' | 'auth'>,
  elsewhere: Elsewhere,
): (cookie: string) => Caller | AuthenticationRefusal {
  const stamps = createStamps(auth.cookie_key);
  /** Why a cookie that we did not seal is none. Only who was given it has the token of a session. */
  const foreign = (cookie: string, now: number): AuthenticationRefusal => {
    const known = authenticateSession(stamps.tokenIn(cookie) ?? '', control.state, now);
    if (known.kind === 'refused') return 'session_malformed';
    elsewhere.seen();
    return 'session_elsewhere';
  };
  return (cookie) => {
    const now = clock.now();
    const stamped = stamps.read(cookie);
    if (stamped === undefined) return foreign(cookie, now);
    const known = authenticateSession(stamped.token, control.state, now);
    if (known.kind === 'refused') return known.code;
    if (now - stamped.seen >= auth.idle_ms) return 'session_idle';
    const { principal, roles, session } = known;
    return { principal, roles, credential: session.id, expires: session.expires, tenants: undefined, session };
  };
}

const MALFORMED = { kind: 'refused', code: 'key_malformed' } as const;

/** One answer for every reason: a stranger learns nothing about which keys there are. */
export const KEY_REFUSED = refuseAs('credential_refused', 'this API key is not valid', {
  remedy: 'use a key that is neither revoked nor expired',
});

const GUESSED: ReadonlySet<AuthenticationRefusal> = new Set(['session_malformed', 'session_refused']);

const SESSION_OVER = refuse('session_over', { remedy: 'sign in again' });
