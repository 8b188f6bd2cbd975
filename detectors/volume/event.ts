import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { exp2 } from '../math/logarithm.ts';
import { upperTailBits } from '../math/moments.ts';
import { bytes, count, learnedFrom, learnedFromPeers, name, toolName } from '../sentences.ts';
import { expectSize, learnSizes, sizeDeviations } from '../sizes.ts';

const scratch = { n: 0, centre: 0, scale: 1 };
/** Bytes out and records; arguments have a detector of their own. */
const LOOKS = [0, 2] as const;
const found = { bits: 0, measure: 0 };

function look(c: Context): number {
  found.bits = 0;
  for (const measure of LOOKS) {
    const above = sizeDeviations(c, measure, scratch);
    if (above === 0) continue;
    const bits = upperTailBits(above) - 1;
    if (bits > found.bits) {
      found.bits = bits;
      found.measure = measure;
    }
  }
  return found.bits;
}

/**
 * One call that moves more than this tool usually moves.
 *
 * Statistics: bytes out and records of a call are logistic in octaves around the tool's own mean, leaning on its peers' (moments.ts:
 * Gelman et al., Bayesian Data Analysis, section 3.3; heavy tails of transfers: Crovella and Bestavros 1997). The better of the
 * two pays one bit. State: moments of three sizes for 14 tools (140 words, shared with argument_size).
 *
 * Wrong for a tool of two kinds of calls, small and huge, whose huge ones it finds until their spread is learned; blind where
 * sizes are unknown, and for many calls each as large as usual (window_volume, egress_volume).
 */
export const eventVolume: Detector = {
  name: 'event_volume',
  family: 'data_volume',
  weighed: 'fully',
  voice: 0.8,

  score: look,
  learn: learnSizes,

  explain(c) {
    look(c);
    expectSize(c, found.measure, scratch);
    const total = c.f.size[found.measure] as number;
    const usual = Math.max(0, exp2(scratch.centre) - 1);
    const records = found.measure === 2;
    const amount = records ? (value: number) => `${count(value)} records` : bytes;
    const unit = records ? 'records' : 'bytes';
    return {
      pattern: 'volume_event',
      subject: { kind: 'tool', value: toolName(c) },
      observed: { name: `${unit} moved by the call`, value: total, unit },
      expected: { name: `usual ${unit} of this tool`, value: Math.round(usual), unit },
      basis: scratch.n > 0 ? 'identity' : c.near_basis,
      sentence: `One call of ${name(toolName(c))} moved ${amount(total)}; about ${amount(usual)} are usual ${scratch.n > 0 ? learnedFrom(c) : learnedFromPeers(c)}.`,
    };
  },
};
