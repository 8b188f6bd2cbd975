import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { EGRESS, egressMomentAt, egressOf, egressSoFar, learnEgress } from '../egress.ts';
import { exp2, log2 } from '../math/logarithm.ts';
import { type Expectation, expect, upperTailBits } from '../math/moments.ts';
import { bytes, learnedFrom } from '../sentences.ts';
import { TRACE } from '../trace.ts';
import { SPAN } from '../windows.ts';

const SPAN_NAMES = ['hour', 'day', 'session'] as const;
/** log2 of the looks: three totals. */
const LOOKS_BITS = 1.58;
/** Windows with data that left, without which there is no habit. */
const HISTORY_MIN = 4;

const nobody = { mean: 0, variance: 0, lean: 0 };
const scratch: Expectation = { n: 0, centre: 0, scale: 1 };
const found = { bits: 0, span: 0, total: 0, usual: 0 };

/** Total of the span with the event at hand. */
function totalOf(c: Context, span: number, sent: number): number {
  if (span === EGRESS.session) return sent + (c.trace.f32[TRACE.egress] as number);
  const kind = span === EGRESS.hour ? SPAN.hour : SPAN.day;
  return c.windows.index[kind] === c.windows.open[kind] ? sent + egressSoFar(c, span) : sent;
}

function note(bits: number, span: number, total: number): void {
  if (bits <= found.bits) return;
  found.bits = bits;
  found.span = span;
  found.total = total;
  found.usual = Math.max(0, exp2(scratch.centre) - 1);
}

function look(c: Context): number {
  found.bits = 0;
  const sent = egressOf(c.f);
  if (sent <= 0) return 0;
  for (let span = 0; span < SPAN_NAMES.length; span++) {
    if (span !== EGRESS.session && !c.windows.in_window) continue;
    const at = c.at + egressMomentAt(span);
    if ((c.f32[at] as number) < HISTORY_MIN) continue;
    const total = totalOf(c, span, sent);
    expect(c.f32, at, nobody, scratch);
    const above = (log2(1 + total) - scratch.centre) / scratch.scale;
    if (above > 0) note(upperTailBits(above) - LOOKS_BITS, span, total);
  }
  return found.bits;
}

/**
 * More data handed on (exported, delegated) in an hour, a day or a session than this identity hands on (MITRE ATLAS AML.T0086).
 *
 * Statistics: a total is logistic in octaves around the identity's own mean (moments.ts). Three totals are three looks, paid
 * for by log2 3 bits (Bonferroni). State: 11 words (egress.ts), one of the session.
 *
 * Wrong about work that grows for good reason, until it has learned it (a month of days), and blind for what leaves by calls
 * that do not say so: their operation is not export or delegate, or their sizes are unknown.
 */
export const egressVolume: Detector = {
  name: 'egress_volume',
  family: 'data_volume',
  weighed: 'fully',
  voice: 0.8,
  score: look,
  learnSession({ state, trace }) {
    learnEgress(state, EGRESS.session, trace.f32[TRACE.egress] as number);
  },

  explain(c) {
    look(c);
    const span = SPAN_NAMES[found.span] as string;
    return {
      pattern: `egress_${span}`,
      observed: { name: `bytes handed on this ${span}`, value: found.total, unit: 'bytes' },
      expected: { name: `usual bytes handed on per ${span}`, value: Math.round(found.usual), unit: 'bytes' },
      basis: 'identity',
      sentence: `${bytes(found.total)} were handed on so far this ${span}; about ${bytes(found.usual)} are usual for a whole ${span} ${learnedFrom(c)}.`,
    };
  },

  baselines: (state) =>
    [EGRESS.hour, EGRESS.day, EGRESS.session]
      .filter((span) => (state.f32[state.at + egressMomentAt(span)] as number) > 0)
      .map((span) => ({
        name: `usual bytes handed on per ${SPAN_NAMES[span]}`,
        value: Math.round(exp2(state.f32[state.at + egressMomentAt(span) + 1] as number) - 1),
        unit: 'bytes',
      })),
};
