import type { Context } from './context.ts';
import type { Detector } from './detector.ts';
import { OUTCOME } from './features.ts';
import { exp2 } from './math/logarithm.ts';
import { vouchers } from './vouchers.ts';

/**
 * One number from the surprises of all detectors: of those that judge the work, the root of the sum of their squares; to
 * it is added the same of those that judge when and with which credential, and what the place says.
 *
 * The root lies between the largest of them (Tippett 1931, which throws corroboration away) and their sum (Fisher 1932,
 * which takes dependent detectors for independent ones). What detectors say of ordinary events is noise of one or two
 * bits, and squares keep that many voices from shouting one real surprise down. A detector that repeats what a
 * stronger one says speaks with half a voice. What an identity does and where from, when and with which credential it
 * does it are independent for ordinary work, however, so their probabilities multiply (Fisher) and their bits add: that
 * is how unusual work from an unusual place rises above either. The scale is nominal; thresholds are taken from what
 * the fleet really scores (threshold.ts), so the budget holds whatever the dependence.
 *
 * A place is taken as it is: from where it never acted is one observation, that it acts from two places to and fro another,
 * and both are bounded by what the sessions can bear (access/habit.ts). Credentials and hours level off as other rarities
 * do: whoever runs the fleet renews credentials, and a renewed one surprises as much as a stolen one.
 */
export function combine(voices: Voices, parts: readonly number[], c: Context): number {
  const weight = operationWeight(c);
  let work = 0;
  let access = 0;
  let place = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as number;
    if (part === 0) continue;
    const bits = entering(voices, i, part, weight);
    const kind = voices.kind[i];
    if (kind === PLACE) place += bits;
    else if (kind === CONTEXT) access += bits * bits;
    else work += bits * bits;
  }
  return together(work, access, place);
}

/** The bits with which the part of one detector enters the score. */
export function entering(voices: Voices, index: number, part: number, weight: number): number {
  const loudness = voices.loudness[index] as number;
  const kind = voices.kind[index] as number;
  if (kind === APART) return 0;
  if (kind === WORK_AMOUNT) return loudness * unusual(part);
  if (kind === WORK_DAY || kind === PLACE) return loudness * part;
  return kind === WORK_RARITY ? weight * loudness * saturated(part) : loudness * saturated(part);
}

/** Number of the root of squares that the detector enters: 0 of work, 1 of access; what the place says is added as it is. */
export function rootOf(voices: Voices, index: number): number {
  const kind = voices.kind[index] as number;
  if (kind === PLACE) return index + 2;
  return kind === CONTEXT ? 1 : 0;
}

/** From the sums of squares of what the detectors of work and of access say, and the sum of what the place says. */
export function together(work: number, access: number, place: number): number {
  return Math.sqrt(work) + Math.sqrt(access) + place;
}

const WORK_AMOUNT = 0;
const WORK_RARITY = 1;
const CONTEXT = 2;
const PLACE = 3;
const WORK_DAY = 4;
const APART = 5;

/** Voice of each detector, and what it judges: plain arrays, as this is read for every part of every event. */
export type Voices = { readonly loudness: Float64Array; readonly kind: Uint8Array };

const KIND_OF: Readonly<Record<Detector['weighed'], number>> = {
  fully: WORK_AMOUNT,
  operation: WORK_RARITY,
  context: CONTEXT,
  place: PLACE,
  daily: WORK_DAY,
  apart: APART,
};

export function voicesOf(detectors: readonly Detector[]): Voices {
  return {
    loudness: Float64Array.from(detectors, (detector) => detector.voice),
    kind: Uint8Array.from(detectors, (detector) => KIND_OF[detector.weighed]),
  };
}

/**
 * New is new: that something never happened in ten thousand events instead of one thousand makes it rarer, not worse,
 * and all that is new about one step is said by several detectors at once. Rarity therefore levels off, towards
 * `NOVELTY_MAX` bits; an amount, a count or a run has no such end.
 */
const NOVELTY_MAX = 16;

export function saturated(bits: number): number {
  return NOVELTY_MAX * (1 - exp2(-bits / NOVELTY_MAX));
}

/**
 * Amounts, counts and runs are looked at anew with every event: log2 of eight looks is their price (Bonferroni). What adds up
 * from day to day pays none, as the looks of one day are one.
 */
const LOOKS_BITS = 3;

function unusual(bits: number): number {
  return Math.max(0, bits - LOOKS_BITS);
}

/** An exact repeat of a call of the session says little more than the call did, and a call that failed did no harm yet. */
const REPEATED = 0.6;
const FAILED = 0.6;

/** What the operation can do, less for an exact repeat and for a call that failed. */
export function operationWeight(c: Context): number {
  let weight = c.f.weight;
  if (c.repeated) weight *= REPEATED;
  if (c.f.outcome === OUTCOME.error || c.f.outcome === OUTCOME.denied) weight *= FAILED;
  return c.known.tool === 0 ? weight / (1 + vouchers(c)) : weight;
}
