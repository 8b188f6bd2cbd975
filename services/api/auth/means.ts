import type { Command } from '../../../schemas/command.ts';
import { type PrincipalRef, principalKey, type Role, SYSTEM } from '../../../schemas/principal.ts';
import type { Session, SignInRefusal } from '../../../schemas/session.ts';
import { mintToken } from '../../control/tokens.ts';
import { type Refused, refuse, refuseAs } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { type Attempts, createAttempts } from './attempts.ts';
import { createStamps } from './cookies.ts';
import { createTurns, isPassword, type Turns } from './passwords.ts';
import { createSignInAudit } from './sign-in-audit.ts';

/** Somebody who has just signed in, and what their browser is to keep. */
export type SignedInNow = { readonly session: Session; readonly cookie: string };

type Body<T> = T extends Command ? Omit<T, 'id' | 'by' | 'credential' | 'time'> : never;
export type SystemBody = Body<Extract<Command, { type: 'session_start' | 'step_up' }>>;

/** Who was recognised. */
export type Recognised = {
  readonly principal: PrincipalRef;
  readonly roles: readonly Role[];
  /** Epoch milliseconds. */
  readonly authenticated: number;
};
/** By what, and under which name of a command: the responder decides each name once. */
export type ByWhat = Omit<Extract<SystemBody, { type: 'session_start' }>, 'type' | 'session'> & {
  readonly method: Session['method'];
  readonly id: string;
};

/** What all ways to sign in have in common. */
export type Means = {
  readonly ports: Ports;
  readonly attempts: Attempts;
  readonly turns: Turns;
  /** 256 random bits, base64url. */
  random(): string;
  /** Asks the responder in the name of the system. Undefined when it was done. */
  ask(id: string, body: SystemBody): Promise<Refused | undefined>;
  /** Counts, logs and audits an attempt that was turned away. */
  turnedAway(reason: SignInRefusal, address: string, principal?: PrincipalRef): void;
  /** Begins a session. */
  begin(who: Recognised, by: ByWhat): Promise<SignedInNow | Refused>;
  /** Undefined when it is the password of the account; counted and noted when it is not. */
  verify(who: Account, password: string, address: string): Promise<Refused | undefined>;
};

/** `name` is what failures are counted by. */
export type Account = { readonly name: string; readonly principal: PrincipalRef };

export function createMeans(ports: Ports): Means {
  const { auth, clock, randomBytes, telemetry } = ports;
  const attempts = createAttempts(clock);
  const turns = createTurns();
  const audit = createSignInAudit(ports);
  const stamps = createStamps(auth.cookie_key);
  const random = (): string => randomBytes(32).toString('base64url');
  const turnedAway: Means['turnedAway'] = (reason, address, principal) => {
    telemetry.occurred('sign_ins_refused', { reason }, { address });
    audit({ reason, address, principal });
  };
  const ask: Means['ask'] = async (id, body) => {
    const by = { issuer: SYSTEM.issuer, subject: SYSTEM.subject };
    const answer = await ports.commands.ask({ ...body, id, by, time: clock.now() });
    if (answer.kind === 'done') return undefined;
    if (answer.kind === 'refused') return refuseAs(answer.code, answer.message);
    return refuse('command_undecided', { retry_after_s: 1, remedy: 'try again' });
  };
  return {
    ports,
    attempts,
    turns,
    random,
    ask,
    turnedAway,
    async begin({ principal, roles, authenticated }, { method, id, ...rest }) {
      const now = clock.now();
      const { issuer, subject } = principal;
      const minted = mintToken('session', randomBytes);
      const session: Session = {
        id: minted.id,
        hash: minted.hash,
        principal: { issuer, subject },
        roles: [...roles],
        method,
        authenticated,
        created: now,
        expires: now + auth.session_ms,
      };
      const objection = await ask(id, { type: 'session_start', session, ...rest });
      if (objection !== undefined) return objection;
      telemetry.occurred('sign_ins', { method }, { session: session.id });
      return { session, cookie: stamps.write(minted.token, now) };
    },
    verify: (who, password, address) => verify({ ports, attempts, turns, turnedAway }, who, password, address),
  };
}

async function verify(
  { ports: { control }, attempts, turns, turnedAway }: Pick<Means, 'ports' | 'attempts' | 'turns' | 'turnedAway'>,
  { name, principal }: Account,
  password: string,
  address: string,
): Promise<Refused | undefined> {
  const known = control.state.principals.has(principalKey(principal));
  const person = known ? principal : undefined;
  const wait_s = attempts.wait(address, name);
  if (wait_s !== undefined) {
    turnedAway('too_many', address, person);
    return limited(wait_s);
  }
  const verifier = control.state.passwords.get(principalKey(principal));
  const right = await turns.run(() => isPassword(password, verifier));
  if (right === undefined) return busy();
  if (right) return undefined;
  attempts.failed(address, name);
  turnedAway(known ? 'wrong_password' : 'unknown_name', address, person);
  return refuse('sign_in_refused', { remedy: 'check both; an administrator can make a one-time link' });
}

export function limited(wait_s: number): Refused {
  return refuse('sign_in_limited', { retry_after_s: wait_s, remedy: 'wait, then try again' });
}

export function busy(): Refused {
  return refuse('too_busy', { retry_after_s: 1, remedy: 'send the same again' });
}
