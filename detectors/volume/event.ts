import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { exp2 } from '../math/logarithm.ts';
import { upperTailBits } from '../math/moments.ts';
import { bytes, count, learnedFrom, learnedFromPeers, name, toolName } from '../sentences.ts';
import { expectSize, learnSizes } from '../sizes.ts';

const scratch = { n: 0, centre: 0, scale: 1 };
/** Bytes out and records; arguments have a detector of their own. */
const LOOKS = [0, 2] as const;
const found = { bits: 0, measure: 0 };

function look(c: Context): number {
  found.bits = 0;
  for (const measure of LOOKS) {
    const octaves = c.f.octaves[measure] as number;
    if (octaves < 0 || !expectSize(c, measure, scratch)) continue;
    const above = (octaves - scratch.centre) / scratch.scale;
    const bits = above <= 0 ? 0 : upperTailBits(above) - 1;
    if (bits > found.bits) {
      found.bits = bits;
      found.measure = measure;
    }
  }
  return found.bits;
}

/** One call that moves more than this tool usually moves. */
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
