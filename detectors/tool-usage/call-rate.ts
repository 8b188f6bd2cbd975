import type { Detector } from '../detector.ts';
import { count, plural } from '../sentences.ts';
import { compared, looksOf, strongest } from '../spans.ts';
import { MEASURE, SPAN } from '../windows.ts';

const LOOKS = looksOf(2, [
  { span: SPAN.minute, measure: MEASURE.calls },
  { span: SPAN.hour, measure: MEASURE.calls },
  { span: SPAN.day, measure: MEASURE.calls },
  { span: SPAN.session, measure: MEASURE.calls },
]);
const found = { bits: 0, span: 0, measure: 0 };

/** More calls in a minute, hour, day or session than this identity makes. */
/**
 * More calls in a minute, hour, day or session than this identity makes.
 *
 * Statistics and state as in volume/window.ts, for calls; the best of four looks pays two bits. Wrong about a backlog that is
 * worked off, and about timers whose runs fall together; blind for another mix of as many calls (mix_shift).
 */
export const callRate: Detector = {
  name: 'call_rate',
  family: 'tool_usage',
  weighed: 'fully',
  voice: 1,

  score: (c) => strongest(c, LOOKS, found),

  explain(c) {
    strongest(c, LOOKS, found);
    const { span, total, usual, yardstick, own } = compared(c, found);
    return {
      pattern: 'call_rate',
      observed: { name: `calls this ${span}`, value: total, unit: 'calls' },
      expected: { name: `usual calls per ${span}`, value: Math.round(usual), unit: 'calls' },
      basis: own ? 'identity' : c.near_basis,
      sentence: `${plural(total, 'call', 'calls')} in one ${span}; about ${count(usual)} are usual ${yardstick}.`,
    };
  },
};
