import { FORMAT_NAMES, type FormatName } from '../../schemas/format.ts';
import { cloudtrailNormaliser } from './cloudtrail/index.ts';
import { mcpNormaliser } from './mcp/index.ts';
import { canonicalNormaliser } from './normalise-canonical.ts';
import type { Normaliser } from './normaliser.ts';
import { ocsfNormaliser } from './ocsf/index.ts';
import { otlpJsonNormaliser, otlpNormaliser, otlpProtoNormaliser } from './otlp/normalisers.ts';
import { DEFAULT_SETTINGS, type IngestSettings } from './settings.ts';

export const FORMATS = FORMAT_NAMES;
export type Format = FormatName;

type Make = (settings: IngestSettings) => readonly Normaliser[];

/**
 * The formats that need no mapping, each one or several normalisers made for the settings. `auto` tries all of them in
 * this order, after canonical JSON and the operator's own mappings. `otlp_json` and `otlp_proto` are parts of `otlp`.
 */
const BUILT_IN: ReadonlyMap<Format, Make> = new Map<Format, Make>([
  ['otlp', (settings) => [otlpNormaliser(settings)]],
  ['otlp_json', (settings) => [otlpJsonNormaliser(settings)]],
  ['otlp_proto', (settings) => [otlpProtoNormaliser(settings)]],
  ['cloudtrail', () => [cloudtrailNormaliser]],
  ['ocsf', () => [ocsfNormaliser]],
  ['mcp', (settings) => [mcpNormaliser(settings)]],
]);

/** Parts of another format, which `auto` has tried already. */
const PARTS: ReadonlySet<Format> = new Set(['otlp_json', 'otlp_proto']);

/** The normalisers that a format name stands for, in the order in which they are tried. */
export function normalisersOf(
  format: Format,
  mappings: readonly Normaliser[],
  settings: IngestSettings = DEFAULT_SETTINGS,
): readonly Normaliser[] {
  if (format === 'canonical') return [canonicalNormaliser];
  if (format === 'mapped') {
    if (mappings.length === 0) throw new Error('format `mapped` needs at least one mapping');
    return mappings;
  }
  if (format !== 'auto') return makerOf(format)(settings);
  const whole = [...BUILT_IN].filter(([name]) => !PARTS.has(name));
  return [canonicalNormaliser, ...mappings, ...whole.flatMap(([, make]) => make(settings))];
}

function makerOf(format: Format): Make {
  const make = BUILT_IN.get(format);
  if (make === undefined) throw new Error(`format ${format} has no normaliser`);
  return make;
}
