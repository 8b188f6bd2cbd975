import type { Family, Measure } from '../schemas/finding.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { StateRef } from './state.ts';
import type { RecordView, Trace } from './trace.ts';

/** What a detector says about its surprise; the model adds who, when and how much history. */
export type Explanation = {
  readonly pattern: string;
  readonly subject?: { readonly kind: string; readonly value: string };
  readonly observed: Measure;
  readonly expected: Measure;
  readonly basis: 'identity' | 'peer_group' | 'population';
  readonly sentence: string;
};

/** An ended session being learned, event by event. */
export type Lesson = {
  readonly state: StateRef;
  readonly group: Group;
  /** What those taught that are nearest to it: a part of the group, or the group itself (peers/member.ts). */
  readonly part: Group;
  readonly trace: Trace;
  readonly record: RecordView;
  /** Parts of TRUST_FULL that the session counts in its group's tables. */
  readonly trust: number;
  /** Tools before the record's: 0 before the first. */
  previous: number;
  before: number;
  /** Outcome of the call before, and whether the last call with resources touched unknown ones. */
  failed: number;
  novel: boolean;
};

export type Baseline = { readonly name: string; readonly value: number; readonly unit: string };

/**
 * One detector: a pure object over the identity's words, of which it owns the regions it learns (layout.ts). Zeroed
 * words are its initial state. Window closing and the upgrade of layouts are the model's.
 */
export type Detector = {
  readonly name: string;
  readonly family: Family;
  /**
   * "operation": weighed by what the operation can do, and halved for repeats and failures. "daily": adds up from day to day, so
   * that it pays no price for many looks. "context": says when and with which credential an identity acts, "place" from where,
   * whatever it does; added to what the others say (combine.ts). "apart": its bits are those of an identity-day, and enter
   * no score of an event.
   */
  readonly weighed: 'operation' | 'fully' | 'daily' | 'context' | 'place' | 'apart';
  /** Weight in the combination: 1, or less for what mostly repeats another detector. */
  readonly voice: number;
  /** Surprise in bits, 0 to BITS_MAX. Changes nothing. */
  score(c: Context): number;
  /** One event of an ended session teaches. */
  learn?(lesson: Lesson): void;
  /** The ended session as a whole teaches, after its events. */
  learnSession?(lesson: Lesson): void;
  /** Why the last score was what it was; `bits` is that score. */
  explain(c: Context, bits: number): Explanation;
  baselines?(state: StateRef): Baseline[];
};
