import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';

/**
 * Counts failed authentications by address, in fixed spans. A valid key is never held up by the failures of others behind
 * the same address: 192 random bits are not guessed, so what is limited is noise and work, not luck.
 */
export type Failures = {
  /** Counts one. Seconds to wait when the address is beyond its share, undefined while it is not. */
  count(address: string): number | undefined;
};

export function createFailures(clock: Clock): Failures {
  const spans = new Map<string, { readonly began: number; count: number }>();
  return {
    count(address) {
      const now = clock.elapsed();
      const name = networkOf(address);
      const known = spans.get(name);
      const current = known !== undefined && now - known.began < LIMITS.auth_failures_span_ms;
      const span = current ? known : { began: now, count: 0 };
      span.count++;
      spans.delete(name);
      spans.set(name, span);
      if (spans.size > LIMITS.auth_addresses_max) forgetOldest(spans);
      if (span.count <= LIMITS.auth_failures_max) return undefined;
      return Math.max(1, Math.ceil((span.began + LIMITS.auth_failures_span_ms - now) / 1000));
    },
  };
}

function forgetOldest(spans: Map<string, unknown>): void {
  const [oldest] = spans.keys();
  if (oldest !== undefined) spans.delete(oldest);
}

/** An IPv6 host can use any address of its /64, so the network is what is counted. */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  const all = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...(tail ?? '').split(':')];
  return all.slice(0, 4).join(':');
}
