import { UNITS } from './units.ts';

const { SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS } = UNITS;

/** What detection remembers and waits for: a part of `LIMITS`, where everybody reads them. */
export const DETECTION_LIMITS = {
  // --- sessions, learning, alerts -------------------------------------------------------------------------------
  session_idle_ms: 30 * MINUTE_MS,
  /** A session that goes on for longer is ended and begun anew: an agent that never rests would never teach. */
  session_ms_max: 12 * HOUR_MS,
  sessions_open_per_identity_max: 16,
  session_events_max: 256,
  /** Sessions an open alert keeps from being learned, per identity. The oldest is discarded beyond that. */
  held_sessions_max: 8,
  held_expiry_ms: 14 * DAY_MS,
  alert_quiet_ms: 4 * HOUR_MS,
  /** An alert about an identity that fell silent stays open until it is heard of again, or for so long. */
  silence_alert_ms: 14 * DAY_MS,
  /** Sources, and peer groups, of a partition of which it is known when they fall silent as a whole. */
  pulses_max: 32,
  /** Shares of a source's events of the last day from which a warning is given, and events without which none is. */
  coverage_late_share: 0.1,
  coverage_unresolved_share: 0.1,
  coverage_unsized_share: 0.5,
  coverage_events_min: 200,
  /** A log whose clock jumps by more than this was not watched in between. */
  unwatched_ms: 1 * HOUR_MS,
  alerts_open_per_identity_max: 8,
  /** Containments of one identity whose effect is watched at the same time; each may open an alert beyond the others. */
  effect_watches_per_identity_max: 16,
  /** How long an alert that tells of other tools or access comes back instead of a new one, and how many of an identity do. */
  alert_rest_ms: 7 * DAY_MS,
  alerts_resting_per_identity_max: 4,
  /** Subjects by which an alert knows again what it showed. */
  alert_shown_max: 32,
  findings_per_alert_max: 16,
  evidence_per_alert_max: 32,
  peer_groups_max: 256,

  // --- stories over several identities ----------------------------------------------------------------------------
  /** Patterns and subjects that are handed on of one event. */
  handed_patterns_max: 6,
  handed_subjects_max: 8,
  /** Characters of a subject and of a sentence that a story keeps. */
  story_value_chars_max: 256,
  story_sentence_chars_max: 320,
  /** How soon another identity has to follow for a story to go on. */
  story_gap_ms: 4 * HOUR_MS,
  /** Span in which members of a group that show the same pattern are counted. */
  story_outbreak_ms: 1 * HOUR_MS,
  /** Subjects that are followed, how many of them one identity alone may hold, and those over that are remembered. */
  story_chains_max: 8_192,
  story_chains_per_identity_max: 256,
  story_past_max: 16_384,
  /** Identities that a story names, and open stories of a tenant. */
  story_identities_max: 16,
  stories_open_max: 64,
  /** Whom work was handed to, and by how many each. */
  story_delegations_max: 4_096,
  story_delegators_max: 8,
  /** Groups with patterns whose rates are kept, and kinds of subjects. */
  story_rates_max: 4_096,
  story_classes_max: 256,
  /** Tenants that the worker of stories keeps apart; beyond it the longest idle one is forgotten. */
  story_tenants_max: 1_024,
  /** Findings of a recording that wait until all of its partitions have come so far. */
  story_waiting_max: 4_096,
  /** Time between ticks that a partition hands on, and how often their worker's state is stored. */
  story_tick_ms: 10 * MINUTE_MS,
  story_checkpoint_ms: 30 * SECOND_MS,
  /** Handed findings whose repeats after a crash of detect are recognised. */
  findings_memory_max: 100_000,
} as const;
