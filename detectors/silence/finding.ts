import type { FindingDraft } from '../contract.ts';
import { exp2 } from '../math/logarithm.ts';
import { plural } from '../sentences.ts';
import type { Silence } from './silence.ts';

/** What a silence says, without the history that it rests on. */
export function draftOfSilence(found: Silence): Omit<FindingDraft, 'history'> {
  const { hours, usual, longest } = found;
  const bits = Math.fround(found.bits);
  const before =
    longest === 0
      ? 'it was never silent like that before'
      : `its longest such silence before weighs ${active(longest)}`;
  return {
    detector: 'silence',
    family: 'silence',
    pattern: 'gone_silent',
    probability: exp2(-bits),
    bits,
    observed: { name: 'usually active hours without an event', value: rounded(usual) },
    expected: { name: 'the longest such silence before', value: rounded(longest) },
    sentence: `The identity sent nothing for ${plural(hours, 'hour', 'hours')}, of which it is usually active in ${rounded(usual)}; ${before}.`,
  };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
const active = (value: number): string => `${rounded(value)} active hours`;
