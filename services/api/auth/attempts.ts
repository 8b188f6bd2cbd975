import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../../platform/clock.ts';
import { networkOf } from '../failures.ts';

/**
 * Failed sign-ins in fixed spans: of a network, of an account from a network, and of an account from anywhere. Whoever is
 * beyond one of them is turned away before anything is looked up, right or wrong. Names are counted whether they exist or not.
 */
export type Attempts = {
  /** Seconds to wait; undefined when an attempt may be made. */
  wait(address: string, account: string | undefined): number | undefined;
  failed(address: string, account: string | undefined): void;
};

export function createAttempts(clock: Clock): Attempts {
  const counted = new Map<string, { readonly began: number; count: number }>();
  const current = (name: string, now: number) => {
    const known = counted.get(name);
    return known !== undefined && now - known.began < LIMITS.sign_in_span_ms ? known : undefined;
  };
  return {
    wait(address, account) {
      const now = clock.elapsed();
      for (const [name, most] of namesOf(address, account)) {
        const span = current(name, now);
        if (span === undefined || span.count < most) continue;
        return Math.max(1, Math.ceil((span.began + LIMITS.sign_in_span_ms - now) / 1000));
      }
      return undefined;
    },
    failed(address, account) {
      const now = clock.elapsed();
      for (const [name] of namesOf(address, account)) {
        const span = current(name, now) ?? { began: now, count: 0 };
        span.count++;
        counted.delete(name);
        counted.set(name, span);
      }
      while (counted.size > LIMITS.auth_addresses_max) {
        const [oldest] = counted.keys();
        if (oldest !== undefined) counted.delete(oldest);
      }
    },
  };
}

function namesOf(address: string, account: string | undefined): readonly (readonly [string, number])[] {
  const network = networkOf(address);
  const all: [string, number][] = [[`network ${network}`, LIMITS.sign_in_failures_network_max]];
  if (account === undefined) return all;
  all.push([`pair ${network} ${account}`, LIMITS.sign_in_failures_pair_max]);
  all.push([`account ${account}`, LIMITS.sign_in_failures_account_max]);
  return all;
}
