import { cp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { dataDirAt } from '../../../services/platform/data-dir.ts';
import { startFront } from '../../support/clickhouse-http-front.ts';
import { type Measured, type Sample, summarise } from '../measure.ts';
import { removeTopics, topicsOf } from './cluster.ts';
import { measurePart, type PartSample, runPart } from './measure-part.ts';
import type { PartArguments } from './messages.ts';
import type { PartName } from './parts/names.ts';
import { WARM_UP_SHARE } from './sizes.ts';
import type { Stage } from './stage.ts';

/** What takes turns in every round. Ceilings read the topic of the hop that they stand beside. */
export const HOPS = [
  'raw_kafkajs_read',
  'raw_kafkajs_parse',
  'raw_reader_read',
  'raw_reader_parse',
  'ingest_1',
  'ingest_2',
  'events_kafkajs_parse',
  'events_reader_parse',
  'detect_1',
  'detect_1_embedded',
  'detect_2',
  'road_1',
  'road_1_embedded',
  'road_2',
] as const;
export type HopName = (typeof HOPS)[number];
export type HopFigures = Readonly<Record<HopName, Measured>>;

type Hop = {
  readonly part: PartName;
  readonly processes: number;
  /** Who filled the topic that it reads. */
  readonly reads: 'raw' | 'events' | 'road';
  /** Begins behind the history, with what a process knows that has worked it off. */
  readonly seeded?: boolean;
  /** Where ClickHouse runs: in a process of its own, which all share and whose CPU is not counted, or within the one. */
  readonly store?: 'server' | 'embedded';
};

const HOP: Readonly<Record<HopName, Hop>> = {
  raw_kafkajs_read: { part: 'kafkajs_read', processes: 1, reads: 'raw' },
  raw_kafkajs_parse: { part: 'kafkajs_parse', processes: 1, reads: 'raw' },
  raw_reader_read: { part: 'reader_read', processes: 1, reads: 'raw' },
  raw_reader_parse: { part: 'reader_parse', processes: 1, reads: 'raw' },
  ingest_1: { part: 'ingest', processes: 1, reads: 'raw' },
  ingest_2: { part: 'ingest', processes: 2, reads: 'raw' },
  events_kafkajs_parse: { part: 'kafkajs_parse', processes: 1, reads: 'events' },
  events_reader_parse: { part: 'reader_parse', processes: 1, reads: 'events' },
  detect_1: { part: 'detect', processes: 1, reads: 'events', seeded: true, store: 'server' },
  detect_1_embedded: { part: 'detect', processes: 1, reads: 'events', seeded: true, store: 'embedded' },
  detect_2: { part: 'detect', processes: 2, reads: 'events', seeded: true, store: 'server' },
  road_1: { part: 'road', processes: 1, reads: 'road', store: 'server' },
  road_1_embedded: { part: 'road', processes: 1, reads: 'road', store: 'embedded' },
  road_2: { part: 'road', processes: 2, reads: 'road', store: 'server' },
};

/** Fills the topics that the hops read, and the store with which detect begins. */
export async function fillTopics(stage: Stage): Promise<void> {
  const { size } = stage;
  const { events, history_events, repeats } = size;
  await runPart(argumentsOf(stage, { part: 'produce', name: 'raw', topics: {} }), events * repeats);
  await runPart(argumentsOf(stage, { part: 'produce_road', name: 'road', topics: {} }), history_events + events);
  await runPart(argumentsOf(stage, { part: 'seed', name: 'events', topics: {} }), 1);
}

/** One measurement of each hop. */
export async function measureRound(stage: Stage, round: number, onHop: (hop: HopName) => void): Promise<Samples> {
  const samples: Partial<Record<HopName, PartSample>> = {};
  for (const hop of HOPS) {
    onHop(hop);
    samples[hop] = await measureHop(stage, hop, `run-${round}-${hop.replaceAll('_', '-')}`);
  }
  return samples as Samples;
}

export type Samples = Readonly<Record<HopName, PartSample>>;

export async function measureHop(stage: Stage, hop: HopName, name: string): Promise<PartSample> {
  const { part, processes, seeded = false, store } = HOP[hop];
  const seed = seeded ? join(stage.directory, 'events') : undefined;
  const server =
    store === 'server' ? await startFront(seed === undefined ? {} : { copy_of: storeIn(seed) }) : undefined;
  const all = Array.from({ length: processes }, (_, place): PartArguments => {
    const own = { part, name, topics: topicsRead(HOP[hop]), data: `${name}-${place}` };
    return { ...argumentsOf(stage, own), ...(server === undefined ? {} : { store_url: server.url }) };
  });
  try {
    if (seed !== undefined && store === 'embedded') for (const { data } of all) await seedCopy(seed, data);
    return await measurePart({ processes: all, ...extentOf(stage, HOP[hop]) });
  } finally {
    await server?.close();
    for (const { data } of all) await rm(data, { recursive: true, force: true });
    await removeTopics(all[0] as PartArguments);
  }
}

/** Topics that others have filled. The ledger goes with the events: without it they are not opened. */
function topicsRead({ reads }: Hop): PartArguments['topics'] {
  const { raw, events, ledger } = topicsOf({ name: reads, topics: {} });
  return reads === 'events' ? { events, ledger } : { raw };
}

const storeIn = (data: string): string => dataDirAt(data).store;

function argumentsOf(
  { brokers, directory, size }: Stage,
  { data, ...own }: Pick<PartArguments, 'part' | 'name' | 'topics'> & { readonly data?: string },
): PartArguments {
  return { ...own, size, brokers, data: join(directory, data ?? own.name) };
}

/** Everything but the name under which a process appears to others: two of one name would shut each other out. */
function seedCopy(seed: string, data: string): Promise<void> {
  return cp(seed, data, { recursive: true, filter: (from) => basename(from) !== 'instance' });
}

const CEILINGS: ReadonlySet<PartName> = new Set(['kafkajs_parse', 'reader_parse']);

function extentOf({ size }: Stage, { part, reads }: Hop): { warm_up: number; total: number } {
  const { history_events, events, repeats } = size;
  if (reads === 'raw') return { warm_up: WARM_UP_SHARE * events * repeats, total: events * repeats };
  const total = history_events + events;
  // What was restored counts as done; the road works its history off itself.
  return { warm_up: CEILINGS.has(part) ? WARM_UP_SHARE * total : history_events + WARM_UP_SHARE * events, total };
}

/** The figures of a hop over all rounds, each sample taken to the same number of events. */
export function figuresOf(samples: readonly Samples[], { events }: Stage['size'], bytes: number): HopFigures {
  const of = (hop: HopName): Measured => {
    return summarise(
      { events, bytes },
      samples.map((round) => perEvents(round[hop], events)),
    );
  };
  return Object.fromEntries(HOPS.map((hop) => [hop, of(hop)])) as HopFigures;
}

function perEvents({ events, wall_ms, cpu_ms }: PartSample, nominal: number): Sample {
  return { wall_ms: (wall_ms * nominal) / events, cpu_ms: (cpu_ms * nominal) / events };
}
