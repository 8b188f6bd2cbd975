import type { Size } from '../modes.ts';
import { measureDecode } from './decode.ts';
import { measureFormats } from './formats.ts';
import { measureLatency } from './latency.ts';
import { measureLog } from './log.ts';
import { measureMemory } from './memory.ts';
import type { StageName } from './names.ts';
import { measureRoad } from './road.ts';
import { measureScore } from './score.ts';
import { measureStore } from './store.ts';

export const STAGES = {
  decode: measureDecode,
  formats: measureFormats,
  score: measureScore,
  store: measureStore,
  log: measureLog,
  road: measureRoad,
  latency: measureLatency,
  memory: measureMemory,
} as const satisfies Readonly<Record<StageName, (size: Size) => Promise<unknown>>>;

export type Figures = { readonly [Stage in keyof typeof STAGES]: Awaited<ReturnType<(typeof STAGES)[Stage]>> };
