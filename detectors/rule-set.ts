import type { Detector } from './detector.ts';
import { DETECTORS } from './ensemble.ts';

/** Which detectors speak. What is left out says nothing of any event, and goes on learning for those that read it. */
export type RuleSet = { readonly without?: readonly string[] };

export const DETECTOR_NAMES: readonly string[] = DETECTORS.map(({ name }) => name);

const silent: Detector['score'] = () => 0;

/** The scores of all detectors in their order, 0 of those that are left out. Throws RangeError on a name of none. */
export function scoresOf({ without = [] }: RuleSet): Detector['score'][] {
  const unknown = without.find((name) => !DETECTOR_NAMES.includes(name));
  if (unknown !== undefined) throw new RangeError(`no detector is called ${unknown}`);
  return DETECTORS.map(({ name, score }) => (without.includes(name) ? silent : score));
}
