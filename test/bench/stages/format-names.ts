/** The formats that are measured, apart from their code, so that the parent need not load it. */
export const FORMAT_STAGES = ['otlp_json', 'otlp_proto', 'cloudtrail', 'ocsf', 'mcp'] as const;
export type FormatStage = (typeof FORMAT_STAGES)[number];
