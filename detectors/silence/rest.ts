import type { Hours, Pulse } from '../../schemas/pulse.ts';
import { log2 } from '../math/logarithm.ts';
import { slotOf, weekendSlotOf } from '../rhythm.ts';
import type { StateRef } from '../state.ts';
import { rateOf } from './rates.ts';
import { LEFT, usualIn } from './source.ts';

/**
 * Working days on which the others of an identity's peer group work as at a weekend: a holiday of theirs, and most likely
 * its own. On such a day it is expected as at a weekend too, so what always works is missed as ever.
 *
 * Statistics: the others that were heard of in the hours of the day so far, under Poisson counts with the means of a
 * weekend against those of working days (source.ts), without what the identity itself adds to either (rates.ts). So a
 * single other agent that rests with it is heard, and the silence of the identity says nothing of its group. Source:
 * likelihood ratio of two simple hypotheses (Neyman and Pearson 1933).
 *
 * Blind where no other of the group is in the partition, for groups whose weekends are like their working days, and for
 * what is left of a holiday on another day of UTC.
 */

/**
 * Likelihood ratio at which the day is taken for a rest. About one working day in 25 is one (-4.6 bits), and a silence that
 * is looked at surprises by 10 bits and more itself: it takes little.
 */
const BELIEVED_BITS = 2;
/** Others that must be usual in an hour, lest rounded means weigh anything. */
const OTHERS_MIN = 0.05;
const DAY_HOURS = 24;

type Words = Pick<StateRef, 'u16' | 'at'>;

/** Hours of such days, up to now, as far as the group's last hours are remembered. In order. */
export function restsOf(state: Words, peers: Pulse): Hours[] {
  const first = peers.hour - peers.heard.length;
  const rests: Hours[] = [];
  for (let day = startOfDay(first); day < peers.hour; day += DAY_HOURS) {
    const span = { from: Math.max(day, first), to: Math.min(day + DAY_HOURS, peers.hour) };
    if (bitsOfRest(state, peers, span) >= BELIEVED_BITS) rests.push(span);
  }
  return rests;
}

const startOfDay = (hour: number): number => hour - ((hour - 1) % DAY_HOURS);

function bitsOfRest(state: Words, peers: Pulse, { from, to }: Hours): number {
  const first = peers.hour - peers.heard.length;
  let bits = 0;
  for (let hour = from; hour < to; hour++) {
    const [slot, weekend] = [slotOf(hour), weekendSlotOf(hour)];
    if (slot === weekend) return 0;
    const working = othersIn(state, peers, slot);
    const resting = Math.max(LEFT * working, othersIn(state, peers, weekend));
    if (working < OTHERS_MIN || resting >= working) continue;
    bits += (working - resting) * Math.LOG2E - (peers.heard[hour - first] as number) * log2(working / resting);
  }
  return bits;
}

const othersIn = (state: Words, peers: Pulse, slot: number): number => usualIn(peers, slot) - rateOf(state, slot);
