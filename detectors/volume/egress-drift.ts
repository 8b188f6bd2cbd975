import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { driftBits } from '../drift.ts';
import { EGRESS, EGRESS_DAYS_MIN, egressDriftWith, egressMomentAt, egressOf, egressSoFar } from '../egress.ts';
import { AT } from '../layout.ts';
import { exp2 } from '../math/logarithm.ts';
import { bytes, learnedFrom } from '../sentences.ts';
import { SPAN } from '../windows.ts';

/** What the day handed on with the event at hand; -1 where the event hands on nothing or counts in no window. */
function totalOf(c: Context): number {
  const sent = egressOf(c.f);
  if (sent <= 0 || !c.windows.in_window) return -1;
  return sent + (c.windows.index[SPAN.day] === c.windows.open[SPAN.day] ? egressSoFar(c, EGRESS.day) : 0);
}

/**
 * Bits of an identity-day on which the sum stands as it does with this total. Under no change it exceeds h with a probability near
 * e^(-2 x slack x (h + 1.166)): what it overshoots a level by is 0.583 at either end (Siegmund 1985, section 10.2).
 */
function bitsAt(c: Context, total: number): number {
  const sum = egressDriftWith(c, total);
  return sum === 0 ? 0 : driftBits(sum + OVERSHOOT);
}
const OVERSHOOT = 1.166;

/** The day is judged once a bit: by the call with which what it says becomes another whole bit. */
function look(c: Context): number {
  const total = totalOf(c);
  if (total < 0 || (c.f32[c.at + egressMomentAt(EGRESS.day)] as number) < EGRESS_DAYS_MIN) return 0;
  const bits = bitsAt(c, total);
  return Math.floor(bits) > Math.floor(bitsAt(c, total - egressOf(c.f))) ? bits : 0;
}

/**
 * Days that each hand on (export, delegate) somewhat more than usual, for many days (MITRE ATLAS AML.T0086): exfiltration by
 * the agent's own tasks, of which no call, no hour and no day need be strange.
 *
 * Statistics: Page's CUSUM over daily totals in octaves, each standardised by what the days before it predict, a t
 * distribution (egress.ts; drift.ts has the source). It is judged by the day, apart from the scores of its calls. State: two
 * words, and the daily moments of egress.ts.
 *
 * Wrong about work that grows for good reason, until it has learned it (a month of days); blind for what leaves by calls that
 * do not say so: their operation is not export or delegate, or their sizes are unknown.
 */
export const egressDrift: Detector = {
  name: 'egress_drift',
  family: 'data_volume',
  weighed: 'apart',
  voice: 1,
  score: look,

  explain(c) {
    const total = totalOf(c);
    const usual = Math.max(0, exp2(c.f32[c.at + egressMomentAt(EGRESS.day) + 1] as number) - 1);
    const before = (c.f32[c.at + AT.egress_drift] as number) > 0.5;
    return {
      pattern: 'egress_drift',
      observed: { name: 'bytes handed on this day', value: total, unit: 'bytes' },
      expected: { name: 'usual bytes handed on per day', value: Math.round(usual), unit: 'bytes' },
      basis: 'identity',
      sentence: `${bytes(total)} were handed on so far this day; about ${bytes(usual)} are usual for a whole day${before ? ', and the days before were already higher than usual: the excess adds up' : ''} ${learnedFrom(c)}.`,
    };
  },
};
