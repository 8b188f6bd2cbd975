/**
 * The names of input formats, everywhere the same: configuration, HTTP, command line, metrics. `auto` finds the format
 * out record by record; `mapped` takes the first configured mapping that fits; `otlp` takes both encodings of OTLP.
 */
export const FORMAT_NAMES = [
  'auto',
  'canonical',
  'mapped',
  'otlp',
  'otlp_json',
  'otlp_proto',
  'cloudtrail',
  'ocsf',
  'mcp',
] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];
