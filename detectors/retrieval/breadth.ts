import type { Detector } from '../detector.ts';
import { count, plural } from '../sentences.ts';
import { compared, strongest } from '../spans.ts';
import { MEASURE, SPAN } from '../windows.ts';

const LOOKS = [
  { span: SPAN.hour, measure: MEASURE.distinct },
  { span: SPAN.day, measure: MEASURE.distinct },
  { span: SPAN.session, measure: MEASURE.distinct },
];
const CORRECTION = 1.585;
const found = { bits: 0, span: 0, measure: 0 };

/** More distinct resources in an hour, day or session than this identity touches. */
export const resourceBreadth: Detector = {
  name: 'resource_breadth',
  family: 'retrieval_pattern',
  weighed: 'fully',
  voice: 1,

  score: (c) => strongest(c, LOOKS, CORRECTION, found),

  explain(c) {
    strongest(c, LOOKS, CORRECTION, found);
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
