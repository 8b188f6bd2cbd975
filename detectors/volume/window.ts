import type { Detector } from '../detector.ts';
import { momentAt } from '../layout.ts';
import { exp2 } from '../math/logarithm.ts';
import { bytes, count } from '../sentences.ts';
import { compared, looksOf, strongest } from '../spans.ts';
import { MEASURE, SPAN, SPAN_NAMES } from '../windows.ts';

/** log2 of the nine looks. */
const CORRECTION = 3.17;
const LOOKS = looksOf(CORRECTION, [
  { span: SPAN.minute, measure: MEASURE.bytes_out },
  { span: SPAN.hour, measure: MEASURE.bytes_out },
  { span: SPAN.day, measure: MEASURE.bytes_out },
  { span: SPAN.session, measure: MEASURE.bytes_out },
  { span: SPAN.hour, measure: MEASURE.records },
  { span: SPAN.day, measure: MEASURE.records },
  { span: SPAN.session, measure: MEASURE.records },
  { span: SPAN.hour, measure: MEASURE.bytes_in },
  { span: SPAN.day, measure: MEASURE.bytes_in },
]);
const found = { bits: 0, span: 0, measure: 0 };
const WHAT = ['bytes out', 'bytes in', 'records'] as const;

/**
 * Running totals of a minute, hour, day or session above what this identity moves.
 *
 * Statistics: each total is logistic in octaves around its own mean, that of the hour moved by the week's rhythm (rhythm.ts). A
 * running total can only grow, so it is judged at once against what a whole span usually holds; the best of nine looks pays
 * log2 9 bits (Bonferroni). State: moments of five totals by span (60 words, shared with breadth and rate), 18 of running totals.
 *
 * Wrong about work that doubles for good reason (a month's end), until it is learned; blind below the spread of the habit,
 * which low_and_slow is for, and for what leaves beside much larger reading, which egress_volume is for.
 */
export const windowVolume: Detector = {
  name: 'window_volume',
  family: 'data_volume',
  weighed: 'fully',
  voice: 1,

  score: (c) => strongest(c, LOOKS, found),

  explain(c) {
    strongest(c, LOOKS, found);
    const { span, total, usual, yardstick, own } = compared(c, found);
    const what = WHAT[found.measure] as string;
    const unit = found.measure === MEASURE.records ? 'records' : 'bytes';
    const amount = unit === 'records' ? (value: number) => `${count(value)} records` : bytes;
    const direction = found.measure === MEASURE.bytes_in ? 'came in' : 'went out';
    return {
      pattern: `volume_${span}`,
      observed: { name: `${what} this ${span}`, value: total, unit },
      expected: { name: `usual ${what} per ${span}`, value: Math.round(usual), unit },
      basis: own ? 'identity' : c.near_basis,
      sentence: `${amount(total)} ${unit === 'records' ? 'were handled' : direction} within one ${span}; about ${amount(usual)} are usual ${yardstick}.`,
    };
  },

  baselines(state) {
    const list = [];
    for (const span of [SPAN.hour, SPAN.day, SPAN.session]) {
      for (const measure of [MEASURE.bytes_out, MEASURE.records]) {
        const at = state.at + momentAt(span, measure);
        if ((state.f32[at] as number) === 0) continue;
        const value = Math.round(exp2(state.f32[at + 1] as number) - 1);
        list.push({
          name: `usual ${WHAT[measure]} per ${SPAN_NAMES[span]}`,
          value,
          unit: measure === 2 ? 'records' : 'bytes',
        });
      }
    }
    return list;
  },
};
