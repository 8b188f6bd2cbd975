import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import { type PrincipalRef, SYSTEM } from '../../../schemas/principal.ts';
import type { SignInRefusal } from '../../../schemas/session.ts';
import type { Ports } from '../ports.ts';

export type RefusedSignIn = {
  readonly reason: SignInRefusal;
  readonly address: string;
  readonly principal: PrincipalRef | undefined;
};

/**
 * Puts refused sign-ins into the audit log: so many a minute with a record each; the number of the others stands in the next
 * record, so that whoever tries a million passwords fills neither the log nor a hole in it.
 */
export function createSignInAudit({
  clock,
  commands,
  randomBytes,
}: Pick<Ports, 'clock' | 'commands' | 'randomBytes'>): (refused: RefusedSignIn) => void {
  let began = Number.NEGATIVE_INFINITY;
  let written = 0;
  let more = 0;
  return ({ reason, address, principal }) => {
    const now = clock.elapsed();
    if (now - began >= UNITS.MINUTE_MS) [began, written] = [now, 0];
    if (written >= LIMITS.sign_in_audits_per_minute) {
      more++;
      return;
    }
    written++;
    const id = `refused-${randomBytes(16).toString('hex')}`;
    const by = { issuer: SYSTEM.issuer, subject: SYSTEM.subject };
    const counted = more;
    more = 0;
    const who = principal === undefined ? {} : { principal: { issuer: principal.issuer, subject: principal.subject } };
    const asked = {
      type: 'sign_in_refused' as const,
      id,
      by,
      time: clock.now(),
      reason,
      address,
      more: counted,
      ...who,
    };
    // Nobody waits for it, and while the log is away nobody signs in either.
    commands.ask(asked).catch(() => {
      more += counted + 1;
    });
  };
}
