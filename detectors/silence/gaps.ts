import { AT, SILENCE_GAPS } from '../layout.ts';
import { exp2, log2 } from '../math/logarithm.ts';
import type { StateRef } from '../state.ts';

/**
 * The longest silences of an identity, heaviest first, in steps of 1/64 bit, and what they say of longer ones.
 *
 * A silence weighs the sum of -log2(1 - share) over its hours. Were the hours independent, weights would be exponential
 * with a mean of log2(e) bits (the time change of a point process, Daley and Vere-Jones 2003, section 7.4). Agents work
 * in bursts and people take days off, so the scale is the identity's own: the excesses of the heaviest silences over
 * the lightest of them are exponential if the tail is (Renyi 1953), their rate is a gamma variable a posteriori, and the
 * next excess has the Lomax tail (1 + y / S)^-m that follows from it: little history, heavy tail.
 */
const STEPS = 64;
/** What is believed before anything is known: so many excesses of so many bits on average. */
const PRIOR_EXCESSES = 3;
const PRIOR_BITS = 3;
/** Days that the list stands for at most. With every day, what weighs 8 bits or more fades by a 512th. */
const DAYS_MAX = 512;
const FADE = 9;

type Words = Pick<StateRef, 'u16' | 'at'>;

const first = ({ at }: Words): number => (at + AT.heard_gaps) * 2;

/** Weight of the heaviest silence, bits. */
export function heaviestOf(words: Words): number {
  return (words.u16[first(words)] as number) / STEPS;
}

export function learnGap(words: Words, bits: number): void {
  const { u16 } = words;
  const from = first(words);
  const weight = Math.min(0xffff, Math.round(bits * STEPS));
  let place = from + SILENCE_GAPS - 1;
  if (weight <= (u16[place] as number)) return;
  for (; place > from && (u16[place - 1] as number) < weight; place--) u16[place] = u16[place - 1] as number;
  u16[place] = weight;
}

/** Long silences are forgotten slowly: who took a holiday last year is not for ever excused. */
export function fadeGaps(words: Words, days: number): void {
  const { u16 } = words;
  const from = first(words);
  for (let day = Math.min(days, DAYS_MAX); day > 0; day--) {
    for (let i = from; i < from + SILENCE_GAPS; i++) u16[i] = (u16[i] as number) - ((u16[i] as number) >>> FADE);
  }
}

const tail = { least: 0, excess: 0, often_bits: 0 };

function read(words: Words, days: number): void {
  const { u16 } = words;
  const from = first(words);
  const least = u16[from + SILENCE_GAPS - 1] as number;
  let excess = 0;
  for (let i = from; i < from + SILENCE_GAPS; i++) excess += (u16[i] as number) - least;
  tail.least = least / STEPS;
  tail.excess = excess / STEPS + PRIOR_EXCESSES * PRIOR_BITS;
  tail.often_bits = log2(Math.min(days, DAYS_MAX) / SILENCE_GAPS);
}

const EXCESSES = SILENCE_GAPS - 1 + PRIOR_EXCESSES;

/** Surprise of a silence of this weight in bits: -log2 of how many so heavy a day is expected to bring. At least 0. */
export function surpriseOfGap(words: Words, days: number, weight: number): number {
  read(words, days);
  const beyond = weight - tail.least;
  if (beyond <= 0) return Math.max(0, tail.often_bits);
  return Math.max(0, tail.often_bits + EXCESSES * log2(1 + beyond / tail.excess));
}

/** Weight at which the surprise reaches so many bits; what was heavier before is no surprise. */
export function weightAt(words: Words, days: number, bits: number): number {
  read(words, days);
  const reached = tail.least + tail.excess * Math.max(0, exp2((bits - tail.often_bits) / EXCESSES) - 1);
  return Math.max(reached, heaviestOf(words) + 1 / STEPS);
}
