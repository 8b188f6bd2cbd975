/** The stages in the order of an event's road. Apart from their code, so that the parent need not load it. */
export const STAGE_NAMES = ['decode', 'formats', 'score', 'store', 'log', 'road', 'latency', 'memory'] as const;
export type StageName = (typeof STAGE_NAMES)[number];
