import type { PartName } from './names.ts';
import type { OpenPart } from './part.ts';

/** Loaded one at a time: a process begins with the code of its own part only. */
export const PARTS: Readonly<Record<PartName, () => Promise<OpenPart>>> = {
  kafkajs_read: async () => (await import('./kafkajs.ts')).openRead,
  kafkajs_parse: async () => (await import('./kafkajs.ts')).openReadAndParse,
  reader_read: async () => (await import('./reader.ts')).openRead,
  reader_parse: async () => (await import('./reader.ts')).openReadAndParse,
  ingest: async () => (await import('./ingest.ts')).openIngest,
  detect: async () => (await import('./detect.ts')).openDetect,
  road: async () => (await import('./road.ts')).openRoad,
  produce: async () => (await import('./produce.ts')).openProduce,
  produce_burst: async () => (await import('./produce.ts')).openProduceBurst,
  produce_road: async () => (await import('./produce.ts')).openProduceRoad,
  seed: async () => (await import('./seed.ts')).openSeed,
  crowd: async () => (await import('./crowd.ts')).openCrowd,
};
