/** What runs in processes of its own. Apart from the code, so that the parent need not load it. */
export const PART_NAMES = [
  'kafkajs_read',
  'kafkajs_parse',
  'reader_read',
  'reader_parse',
  'ingest',
  'detect',
  'road',
  'produce',
  'produce_burst',
  'produce_road',
  'seed',
  'crowd',
] as const;
export type PartName = (typeof PART_NAMES)[number];
