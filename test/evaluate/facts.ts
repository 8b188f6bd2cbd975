/** What one run of the detectors over one simulated fleet came to: plain data, as it passes between threads. */

export type FleetJob = {
  readonly kind: 'fleet';
  readonly seed: number;
  readonly identities: number;
  readonly days: number;
  /** `name:intensity`, attacks and look-alikes; none for a quiet fleet. */
  readonly stories: readonly string[];
  /** Names of the stories of which a picture is wanted. */
  readonly pictures: readonly string[];
};

/** The first finding of an alert that rests on an event of the story. */
export type Hit = {
  /** Events of the story before that one, and minutes of event time since the first. */
  readonly events: number;
  readonly minutes: number;
  /** Of the strongest finding about that event. */
  readonly family: string;
  readonly detector: string;
  readonly pattern: string;
  readonly bits: number;
};

/** An event of the story that scored higher than all of the story before it. */
export type Peak = { readonly events: number; readonly minutes: number; readonly bits: number };

export type StoryFacts = {
  readonly seed: number;
  readonly story: string;
  readonly kind: 'attack' | 'benign';
  readonly intensity: number;
  readonly events: number;
  /** At the shipped budget; undefined when no alert rests on the story. */
  readonly hit: Hit | undefined;
  /** From these it follows when, and whether, any other threshold would have caught it. */
  readonly peaks: readonly Peak[];
  readonly picture: Picture | undefined;
};

/**
 * Whose an alert is: an attack's when it rests on one of its events; `beside` when it is on an attacked identity while
 * the attack goes on, without resting on it; a look-alike's by either rule; else nobody's, which is a false alarm.
 */
export type Owner = 'attack' | 'beside' | 'look_alike' | 'nobody';

export type AlertFacts = {
  readonly owner: Owner;
  readonly story: string | undefined;
  /** Raised in the first half of the run, while baselines form and no story takes place. */
  readonly learning: boolean;
  readonly detector: string;
  readonly pattern: string;
};

/** The strongest event of an identity-day of the second half, and whose day it is by the same rule. */
export type DayFacts = { readonly bits: number; readonly owner: Owner; readonly story: string | undefined };

export type FleetFacts = {
  readonly seed: number;
  readonly quiet: boolean;
  readonly events: number;
  readonly learning_identity_days: number;
  readonly stories: readonly StoryFacts[];
  readonly alerts: readonly AlertFacts[];
  readonly days: readonly DayFacts[];
  /** Stories for which this fleet had no fitting agent. */
  readonly left_out: readonly string[];
};

/** One hour of the identity that a story is about. `usual` and `high`: median and 95th percentile of like hours before. */
export type Hour = {
  readonly bytes: number;
  readonly usual: number;
  readonly high: number;
  readonly calls: number;
  readonly bits: number;
};

export type Picture = {
  readonly story: string;
  readonly kind: 'attack' | 'benign';
  readonly intensity: number;
  readonly identity: string;
  readonly description: string;
  readonly from_ms: number;
  readonly hours: readonly Hour[];
  readonly span: { readonly from_ms: number; readonly to_ms: number };
  /** Alerts on the identity, and whether they rest on the story. */
  readonly alerts: readonly { readonly time_ms: number; readonly own: boolean; readonly sentence: string }[];
  /** The alert threshold from these times on. */
  readonly thresholds: readonly Threshold[];
};

export type Threshold = { readonly from_ms: number; readonly bits: number };
