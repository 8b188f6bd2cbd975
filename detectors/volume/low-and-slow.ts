import { commonDrift, teachDrift } from '../common-drift.ts';
import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { DRIFT_DAYS_MIN, DRIFT_MEASURES, driftBits, driftWith } from '../drift.ts';
import { AT, MEASURES, momentAt } from '../layout.ts';
import { exp2 } from '../math/logarithm.ts';
import { bytes, count, learnedFrom } from '../sentences.ts';
import { SPAN } from '../windows.ts';

const found = { bits: 0, which: 0 as 0 | 1 };

/** Less one bit: the price of two looks. */
function bitsOf(drift: number): number {
  return driftBits(drift) - 1;
}

function look(c: Context): number {
  found.bits = 0;
  for (const which of [0, 1] as const) {
    const measure = DRIFT_MEASURES[which];
    const total = c.windows.totals[SPAN.day * MEASURES + measure] as number;
    if (total <= 0 || (c.f.size[measure] as number) <= 0) continue;
    if ((c.f32[c.at + momentAt(SPAN.day, measure)] as number) < DRIFT_DAYS_MIN) continue;
    const drift = driftWith(c, which, total);
    // What the group drifts by only takes off, so it is not looked up where nothing would be left.
    if (bitsOf(drift) <= found.bits) continue;
    const bits = bitsOf(Math.max(0, drift - commonDrift(c, which)));
    if (bits > found.bits) {
      found.bits = bits;
      found.which = which;
    }
  }
  return found.bits;
}

/**
 * Days that are each a little high, for many days: exfiltration in small portions, or a sustained shift. What the whole
 * group drifts by is taken off (common-drift.ts).
 *
 * Statistics: Page's CUSUM over standardised daily totals of bytes out and of records (drift.ts: Page 1954, Siegmund 1985). The
 * better of two looks pays one bit. State: two words, and the daily moments.
 *
 * Wrong about a growth of this identity alone for good reason; blind for a group that grows as a whole, in the first days
 * of a habit, and for what stays within half a standard deviation of it.
 */
export const lowAndSlow: Detector = {
  name: 'low_and_slow',
  family: 'data_volume',
  weighed: 'daily',
  voice: 1,

  score: look,

  learnSession(lesson) {
    const { f32, at } = lesson.state;
    for (const which of [0, 1] as const) teachDrift(lesson, which, f32[at + AT.drift + which] as number);
  },

  explain(c) {
    look(c);
    const measure = DRIFT_MEASURES[found.which];
    const unit = measure === 2 ? 'records' : 'bytes';
    const amount = unit === 'records' ? (value: number) => `${count(value)} records` : bytes;
    const total = c.windows.totals[SPAN.day * MEASURES + measure] as number;
    const usual = Math.max(0, exp2(c.f32[c.at + momentAt(SPAN.day, measure) + 1] as number) - 1);
    const before = (c.f32[c.at + AT.drift + found.which] as number) > 0.5;
    return {
      pattern: 'low_and_slow',
      observed: { name: `${unit} today`, value: total, unit },
      expected: { name: `usual ${unit} per day`, value: Math.round(usual), unit },
      basis: 'identity',
      sentence: `${amount(total)} ${measure === 2 ? 'were handled' : 'went out'} so far this day; about ${amount(usual)} are usual for a whole day${before ? ', and the days before were above it as well' : ''}: the excess adds up ${learnedFrom(c)}.`,
    };
  },
};
