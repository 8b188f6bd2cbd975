import { lineAt, type SourceFile, type Violation } from './source.ts';

/** Put together from parts, so that this file is not its own finding. */
const any = (...parts: readonly string[][]): string => parts.map((part) => part.join('')).join('|');
const MACHINE_PATH = new RegExp(
  any(['/wo', 'rk/(main|shared)\\b'], ['/ro', 'ot/'], ['/Us', 'ers/[a-z]'], ['file:///', 'ho', 'me']),
  'g',
);
const REGISTRY = new RegExp(
  any(['https?://[^\\s"\'/]*(regi', 'stry|arti', 'factory|verda', 'ccio)'], ['"resol', 'ved": "http']),
  'g',
);

/** Paths that exist on one machine only, and hosts that packages came from there. */
export function hostViolations({ name, text }: SourceFile): Violation[] {
  const scan = (pattern: RegExp, what: string): Violation[] =>
    [...text.matchAll(pattern)].map((match) => ({
      name,
      line: lineAt(text, match.index),
      what: `${match[0]} ${what}`,
    }));
  return [...scan(MACHINE_PATH, 'is a path of one machine'), ...scan(REGISTRY, 'is a registry host')];
}
