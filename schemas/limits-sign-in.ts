import { UNITS } from './units.ts';

const { SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS } = UNITS;

/** How people sign in: a part of `LIMITS`. */
export const SIGN_IN_LIMITS = {
  /** A signed-in session ends after so long at the latest, and after so long without use; what may be configured. */
  sign_in_ms: 12 * HOUR_MS,
  sign_in_ms_max: 7 * DAY_MS,
  sign_in_idle_ms: 30 * MINUTE_MS,
  /** The stamp of last use in the cookie is renewed when it is so old. */
  sign_in_stamp_ms: MINUTE_MS,
  /** Sessions of one person; a further one replaces the oldest. Sessions that stay in memory, ended ones too. */
  sign_in_sessions_max: 16,
  sign_in_sessions_kept_max: 20_000,
  /** A one-time link is good for so long, and so is one of a first start. */
  link_ms: DAY_MS,
  link_ms_max: 7 * DAY_MS,
  /** From leaving for a provider to coming back. */
  oidc_round_trip_ms: 10 * MINUTE_MS,
  /** Clocks of providers and of ours may differ by so much. */
  oidc_skew_ms: 10 * SECOND_MS,
  oidc_answer_bytes_max: UNITS.MIB,
  oidc_timeout_ms: 10 * SECOND_MS,
  oidc_providers_max: 16,
  /** A provider's published configuration is read again after so long; its keys when an unknown one appears. */
  oidc_discovery_ms: HOUR_MS,
  password_chars_min: 12,
  password_chars_max: 256,
  /** Passwords that are verified at the same time, each in 32 MiB, and that wait for their turn. */
  password_checks_max: 2,
  password_checks_waiting_max: 32,
  /** Wrong passwords and links within a span: of one network, of one account from one network, of one account. */
  sign_in_span_ms: 15 * MINUTE_MS,
  sign_in_failures_network_max: 30,
  sign_in_failures_pair_max: 8,
  sign_in_failures_account_max: 60,
  /** Refused sign-ins with an audit record of their own in a minute, of one process; the others are counted in the next. */
  sign_in_audits_per_minute: 20,
} as const;
