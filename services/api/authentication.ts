import type { Principal, Role } from '../../schemas/principal.ts';
import { type AuthenticationRefusal, authenticate, keyRefusal, standingOf } from '../control/keys.ts';
import { type Refused, refuse, refuseAs } from './errors.ts';
import { createFailures } from './failures.ts';
import type { Ports } from './ports.ts';

/** Who asks. Everything that is decided for a request rests on this, never on what the request says of itself. */
export type Caller = {
  readonly principal: Principal;
  readonly roles: readonly Role[];
  /** Id of the key. */
  readonly credential: string;
  readonly expires: number | undefined;
};

/** Who may call a route: everybody, everybody with a valid key, or holders of one of the roles. */
export type Access = 'open' | 'authenticated' | readonly Role[];

export type Authenticator = {
  /** Who it is, or why not. Counts failures against the address. */
  identify(header: string | undefined, address: string): Caller | Refused;
  /** Undefined when the caller may; asked once for a request. */
  objection(caller: Caller, access: Access): Refused | undefined;
  /** Whether the caller still may, for requests that last. */
  stillMay(caller: Caller, access: Access): boolean;
};

/** RFC 6750, section 2.1. */
const BEARER = /^Bearer +([\x21-\x7e]{1,256})$/i;

export function createAuthenticator(ports: Pick<Ports, 'control' | 'clock' | 'telemetry'>): Authenticator {
  const { control, clock, telemetry } = ports;
  const failures = createFailures(clock);

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
    identify(header, address) {
      if (header === undefined) {
        const remedy = 'send the header authorization: Bearer csk_...';
        return failed(refuse('credential_missing', { remedy }), 'missing', address);
      }
      const token = BEARER.exec(header)?.[1];
      const known = token === undefined ? MALFORMED : authenticate(token, control.state, clock.now());
      if (known.kind === 'refused') return failed(KEY_REFUSED, known.code, address);
      const { principal, roles, credential, expires } = known;
      return { principal, roles, credential, expires };
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

const MALFORMED = { kind: 'refused', code: 'key_malformed' } as const;

/** One answer for every reason: a stranger learns nothing about which keys there are. */
const KEY_REFUSED = refuseAs('credential_refused', 'this API key is not valid', {
  remedy: 'use a key that is neither revoked nor expired',
});
