import { UNITS } from './units.ts';

/** Bounds of votes, policies and requests, apart from the others for their number; read them as part of LIMITS. */
export const CONTAINMENT_LIMITS = {
  /** So far a fresh authentication may lie in the future: the clock of whoever saw it is not the responder's. */
  step_up_skew_ms: 30 * UNITS.SECOND_MS,
  /** Without a policy document: an account does not count beside whoever made it, or its roles, for so long. */
  made_excluded_ms: UNITS.DAY_MS,
  editors_excluded_ms: UNITS.DAY_MS,
  /** Those remembered of an account who made it or its roles, and versions of the policy. */
  makers_max: 16,
  policies_kept_max: 64,
  /** Parameters of an action, open requests of people on one alert, and votes kept of terms that were changed. */
  parameters_max: 16,
  requests_per_alert_max: 16,
  voided_votes_max: 64,
} as const;
