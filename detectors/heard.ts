import type { Context } from './context.ts';
import type { Detector } from './detector.ts';
import { relearning, relearningVoice } from './relearn.ts';

/**
 * The surprises as they are heard: more quietly where a declared change is being learned (relearn.ts). The same array
 * where none is, which is nearly always.
 */
export function heard(c: Context, parts: readonly number[], detectors: readonly Detector[]): readonly number[] {
  const touched = relearning(c);
  if (touched === 0) return parts;
  return parts.map((bits, i) => bits * relearningVoice((detectors[i] as Detector).name, touched));
}
