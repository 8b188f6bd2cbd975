import { UNITS } from '../../../schemas/limits.ts';
import type { Ports } from '../ports.ts';

/** Each is explained in docs/access.md. */
export const SIGN_IN_WARNINGS = ['cookie_key_not_shared'] as const;
export type SignInWarning = { readonly code: (typeof SIGN_IN_WARNINGS)[number]; readonly message: string };

/** Cookies that are true and that another process sealed with another key: a sign that the processes share none. */
export type Elsewhere = {
  /** Notes one. */
  seen(): void;
  /** What an operator should know, as long as such a cookie may still be in use. */
  warnings(): readonly SignInWarning[];
};

export function createElsewhere({ clock, telemetry, auth }: Pick<Ports, 'clock' | 'telemetry' | 'auth'>): Elsewhere {
  let last = Number.NEGATIVE_INFINITY;
  let told = Number.NEGATIVE_INFINITY;
  return {
    seen() {
      last = clock.elapsed();
      // One line a minute: whoever holds such a cookie decides how often it comes.
      if (last - told < UNITS.MINUTE_MS) return;
      told = last;
      telemetry.occurred('cookie_keys_differ', {});
    },
    warnings: () => (clock.elapsed() - last < auth.idle_ms ? [NOT_SHARED] : []),
  };
}

const NOT_SHARED: SignInWarning = {
  code: 'cookie_key_not_shared',
  message:
    'people who signed in at another process are turned away here, as its cookie key is another: give all processes with ' +
    'the role api the same auth.cookie_key_file',
};
