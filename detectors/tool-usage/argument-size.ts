import type { Detector } from '../detector.ts';
import { exp2 } from '../math/logarithm.ts';
import { upperTailBits } from '../math/moments.ts';
import { bytes, learnedFrom, learnedFromPeers, name, toolName } from '../sentences.ts';
import { expectSize, sizeDeviations } from '../sizes.ts';

const scratch = { n: 0, centre: 0, scale: 1 };
const ARGUMENTS = 1;

/**
 * Arguments much larger than this tool is usually given: instructions or data ride along.
 *
 * Statistics and state as in volume/event.ts, for the size of the arguments. Wrong for tools that take free text of any length;
 * blind where sources do not tell sizes.
 */
export const argumentSize: Detector = {
  name: 'argument_size',
  family: 'tool_usage',
  weighed: 'operation',
  voice: 0.4,

  score(c) {
    const above = sizeDeviations(c, ARGUMENTS, scratch);
    return above === 0 ? 0 : upperTailBits(above);
  },

  explain(c) {
    expectSize(c, ARGUMENTS, scratch);
    const usual = exp2(scratch.centre) - 1;
    return {
      pattern: 'argument_size',
      subject: { kind: 'tool', value: toolName(c) },
      observed: { name: 'bytes of arguments', value: c.f.size[ARGUMENTS] as number, unit: 'bytes' },
      expected: { name: 'usual bytes of arguments', value: Math.round(usual), unit: 'bytes' },
      basis: scratch.n > 0 ? 'identity' : c.near_basis,
      sentence: `${name(toolName(c))} was given ${bytes(c.f.size[ARGUMENTS] as number)} of arguments; about ${bytes(usual)} are usual ${scratch.n > 0 ? learnedFrom(c) : learnedFromPeers(c)}.`,
    };
  },
};
