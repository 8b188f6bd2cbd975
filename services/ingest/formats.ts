import { canonicalNormaliser } from './normalise-canonical.ts';
import type { Normaliser } from './normaliser.ts';

export const FORMATS = ['auto', 'canonical', 'mapped'] as const;
/** `auto` finds the format out; `mapped` takes the first configured mapping that fits. */
export type Format = (typeof FORMATS)[number];

/** The normalisers that a format name stands for, in the order in which they are tried. */
export function normalisersOf(format: Format, mappings: readonly Normaliser[]): readonly Normaliser[] {
  if (format === 'canonical') return [canonicalNormaliser];
  if (format === 'auto') return [canonicalNormaliser, ...mappings];
  if (mappings.length === 0) throw new Error('format `mapped` needs at least one mapping');
  return mappings;
}
