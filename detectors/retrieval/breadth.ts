import type { Detector } from '../detector.ts';
import { count, plural } from '../sentences.ts';
import { compared, looksOf, strongest } from '../spans.ts';
import { MEASURE, SPAN } from '../windows.ts';

const CORRECTION = 1.585;
const LOOKS = looksOf(CORRECTION, [
  { span: SPAN.hour, measure: MEASURE.distinct },
  { span: SPAN.day, measure: MEASURE.distinct },
  { span: SPAN.session, measure: MEASURE.distinct },
]);
const found = { bits: 0, span: 0, measure: 0 };

/**
 * More distinct resources in an hour, day or session than this identity touches.
 *
 * Statistics: the number of distinct resources, estimated from a small bitmap (linear counting: Whang, Vander-Zanden and Taylor
 * 1990), is logistic in octaves as other totals are (volume/window.ts); the best of three looks pays log2 3 bits. State: six
 * words of bitmaps and the moments.
 *
 * Wrong about a back-fill or an audit, which is as broad as a theft; counts saturate at some hundreds in an hour.
 */
export const resourceBreadth: Detector = {
  name: 'resource_breadth',
  family: 'retrieval_pattern',
  weighed: 'fully',
  voice: 1,

  score: (c) => strongest(c, LOOKS, found),

  explain(c) {
    strongest(c, LOOKS, found);
    const { span, total, usual, yardstick, own } = compared(c, found);
    return {
      pattern: 'resource_breadth',
      observed: { name: `distinct resources this ${span}`, value: total, unit: 'resources' },
      expected: { name: `usual distinct resources per ${span}`, value: Math.round(usual), unit: 'resources' },
      basis: own ? 'identity' : c.near_basis,
      sentence: `${plural(total, 'distinct resource', 'distinct resources')} in one ${span}; about ${count(usual)} are usual ${yardstick}.`,
    };
  },
};
