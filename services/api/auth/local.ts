import { LOCAL_ISSUER, principalKey } from '../../../schemas/principal.ts';
import { linkOf } from '../../control/tokens.ts';
import { type Refused, refuse, refuseAs } from '../errors.ts';
import { busy, limited, type Means } from './means.ts';
import { makeVerifier, passwordObjection } from './passwords.ts';
import type { LocalSignIn } from './sign-in.ts';

/** How local people get in: with a password, or once with a link. */
export function createLocalSignIn(means: Means): LocalSignIn {
  const { ports, random } = means;
  const { clock, control } = ports;
  return {
    async byPassword({ name, password, address }) {
      const principal = { issuer: LOCAL_ISSUER, subject: name };
      const objection = await means.verify({ name: `sign-in ${name}`, principal }, password, address);
      if (objection !== undefined) return objection;
      const roles = control.state.principals.get(principalKey(principal))?.roles ?? [];
      const who = { principal, roles, authenticated: clock.now() };
      return means.begin(who, { method: 'password', id: `sign-in-${random()}` });
    },
    byLink: (given) => byLink(means, given),
    changePassword: (caller, given) => changePassword(means, caller, given),
    stepUp: (caller, vote, given) => stepUp(means, caller, vote, given),
  };
}

const byLink = async (
  means: Means,
  { token, password, address }: Parameters<LocalSignIn['byLink']>[0],
): ReturnType<LocalSignIn['byLink']> => {
  const { attempts, turns, ports, random } = means;
  const { clock, control, randomBytes } = ports;
  const wait_s = attempts.wait(address, undefined);
  if (wait_s !== undefined) {
    means.turnedAway('too_many', address);
    return limited(wait_s);
  }
  const link = linkOf(token, control.state, clock.now());
  const holder = link && control.state.principals.get(principalKey(link.principal));
  if (link === undefined || holder === undefined) {
    attempts.failed(address, undefined);
    means.turnedAway('link_refused', address);
    return refuseAs('link_refused', 'this link was used before, has expired, or was never one', {
      remedy: 'ask an administrator for a new one',
    });
  }
  const objection = passwordObjection(password, link.principal.subject);
  if (objection !== undefined) return refuse('password_unsuitable', { message: objection, field: 'body.password' });
  const verifier = await turns.run(() => makeVerifier(password, randomBytes));
  if (verifier === undefined) return busy();
  const who = { principal: link.principal, roles: holder.roles, authenticated: clock.now() };
  return means.begin(who, {
    method: 'link',
    link: link.id,
    password: verifier,
    id: `link-${link.id}-${random()}`,
  });
};

const changePassword = async (
  means: Means,
  caller: Parameters<LocalSignIn['changePassword']>[0],
  { password, new_password, address }: Parameters<LocalSignIn['changePassword']>[1],
): Promise<Refused | undefined> => {
  const { turns, ports, random } = means;
  const { issuer, subject } = caller.principal;
  const by = { issuer, subject };
  if (caller.session === undefined || issuer !== LOCAL_ISSUER) {
    return refuse('session_needed', { remedy: 'sign in with the password that is to be changed' });
  }
  const wrong = await means.verify(again(by), password, address);
  if (wrong !== undefined) return wrong;
  const objection = passwordObjection(new_password, subject);
  if (objection !== undefined) return refuse('password_unsuitable', { message: objection, field: 'body.new_password' });
  const verifier = await turns.run(() => makeVerifier(new_password, ports.randomBytes));
  if (verifier === undefined) return busy();
  const { credential } = caller;
  const asked = { id: `password-${random()}`, by, credential, time: ports.clock.now() };
  const answer = await ports.commands.ask({ type: 'password_set', principal: by, verifier, ...asked });
  if (answer.kind === 'done') return undefined;
  if (answer.kind === 'refused') return refuseAs(answer.code, answer.message);
  return refuse('command_undecided', { retry_after_s: 1, remedy: 'sign in with the new password to see' });
};

const stepUp = async (
  means: Means,
  caller: Parameters<LocalSignIn['stepUp']>[0],
  { containment, digest }: Parameters<LocalSignIn['stepUp']>[1],
  { password, address }: Parameters<LocalSignIn['stepUp']>[2],
): Promise<Refused | undefined> => {
  const { auth, clock } = means.ports;
  const { issuer, subject, human } = caller.principal;
  if (!human) return refuseAs('not_human', 'only people vote');
  if (issuer !== LOCAL_ISSUER) {
    const page = `${auth.public_url ?? ''}/containments/${containment}`;
    return refuse('session_needed', {
      message: 'people of a provider authenticate there, in a browser',
      remedy: `open ${page}`,
    });
  }
  const principal = { issuer, subject };
  const objection = await means.verify(again(principal), password, address);
  if (objection !== undefined) return objection;
  const { credential } = caller;
  const step_up = {
    principal,
    credential,
    containment,
    digest,
    method: 'password' as const,
    authenticated: clock.now(),
  };
  return means.ask(`step-up-${means.random()}`, { type: 'step_up', step_up });
};

/** Counted apart from sign-ins, whatever name is tried there: strangers must not keep its holder from voting. */
const again = (principal: { readonly issuer: string; readonly subject: string }) => ({
  name: `again ${principal.subject}`,
  principal,
});
