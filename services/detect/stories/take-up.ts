import { STORY_RULES_VERSION } from '../../../detectors/stories/book.ts';
import type { Gap, GapResume } from '../../../schemas/gap.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Manifest } from '../../../schemas/outputs.ts';
import {
  type EventLog,
  FINDINGS_PARTITION,
  type PartitionBounds,
  RecordsUnreadable,
  TOPICS,
  type TopicInfo,
} from '../../platform/event-log.ts';
import { type GapPlace, gapOf, HIDDEN_BY_GROWTH } from '../../platform/gaps.ts';
import type { DetectStore } from '../../platform/store.ts';
import { evidenceOf } from '../gap.ts';
import { StoryWorker } from './worker.ts';

const TOPIC = TOPICS.findings;
const PARTITION = FINDINGS_PARTITION;

export const STORIES_PLACE: GapPlace = { stage: 'detect', topic: TOPIC, partition: PARTITION };

export type StoriesGround = { readonly info: TopicInfo; readonly bounds: PartitionBounds };

export type TakenUp =
  | { readonly kind: 'ready'; readonly worker: StoryWorker; readonly manifest: Manifest }
  | { readonly kind: 'gap'; readonly gap: Gap; readonly manifest: Manifest | undefined };

type Seams = { readonly log: EventLog; readonly store: DetectStore };

/** Takes the stories up where their manifest left them, or says why that cannot be done honestly. */
export async function takeUpStories({ log, store }: Seams): Promise<TakenUp> {
  const ground = await readGround(log);
  const manifest = await store.readManifest(TOPIC, PARTITION);
  if (manifest === undefined && (await store.hasHistory(TOPIC, PARTITION))) {
    const message = `${TOPIC} has state in the store but no manifest: part of the store was lost`;
    const highest = (await store.highestOffset(TOPIC, PARTITION)) ?? -1;
    const gap = gapOf({ ...STORIES_PLACE, reason: 'manifest_missing', message }, [ground.info.generation, highest]);
    return { kind: 'gap', gap, manifest };
  }
  const gap = manifest && gapBefore(manifest, ground);
  if (gap !== undefined) return { kind: 'gap', gap, manifest };
  const from = manifest ?? firstManifest(ground);
  // Written before anything else is: from now on state without a manifest can only mean that the manifest was lost.
  if (manifest === undefined) await store.writeManifests([from]);
  const worker = new StoryWorker(from, await store.readBlobs(TOPIC, PARTITION, from.groups));
  await remember(log, worker, from, ground.bounds);
  return { kind: 'ready', worker, manifest: from };
}

export async function readGround(log: EventLog): Promise<StoriesGround> {
  return { info: await log.describe(TOPIC), bounds: await log.bounds(TOPIC, PARTITION) };
}

/** What is needed to tell repeats stands in the log itself: every record bears its id as its key. */
async function remember(
  log: EventLog,
  worker: StoryWorker,
  manifest: Manifest,
  bounds: PartitionBounds,
): Promise<void> {
  const { next_offset, offset_base } = manifest;
  const to = next_offset - offset_base;
  const most = { records: LIMITS.fetch_records_max, bytes: LIMITS.fetch_bytes_max };
  let at = Math.max(manifest.dedup_from - offset_base, bounds.start);
  while (at < to) {
    try {
      const { records, next } = await log.read(TOPIC, PARTITION, at, most);
      const below = records.filter(({ offset }) => offset < to);
      worker.remember(below.map(({ offset, key }) => ({ offset: offset + offset_base, key })));
      at = next;
    } catch (error) {
      if (!(error instanceof RecordsUnreadable)) throw error;
      at = error.next;
    }
  }
}

/** Why the stories cannot go on honestly; undefined when they can. */
export function gapBefore(manifest: Manifest, { info, bounds }: StoriesGround): Gap | undefined {
  const next = manifest.next_offset - manifest.offset_base;
  const gap = (reason: string, message: string, lost?: number): Gap =>
    gapOf({ ...STORIES_PLACE, reason, message, ...(lost === undefined ? {} : { lost }) }, evidenceOf(manifest));
  if (manifest.generation !== info.generation) {
    return gap('generation_changed', `${TOPIC} was deleted and made anew: its offsets mean something else now`);
  }
  if (next < bounds.start) {
    const lost = bounds.start - next;
    return gap(
      'offset_before_log',
      `${TOPIC}: ${lost} offsets from ${next} on were deleted before they were read`,
      lost,
    );
  }
  if (next > bounds.end) {
    const message = `${TOPIC} ends at ${bounds.end}, but ${next} was applied: the log lost records`;
    return gap(HIDDEN_BY_GROWTH, message);
  }
  return undefined;
}

/** Goes on behind a gap, with what was known before: learned rates, and open stories, which end by themselves. */
export async function goOnBehind(
  { log, store }: Seams,
  { gap, manifest }: Extract<TakenUp, { readonly kind: 'gap' }>,
  resume: GapResume,
): Promise<number> {
  const ground = await readGround(log);
  const { info, bounds } = ground;
  const another = gap.reason !== 'offset_before_log' || manifest === undefined;
  const next = another ? bounds.start : manifest.next_offset - manifest.offset_base;
  const at = resume === 'end' ? bounds.end : Math.max(next, bounds.start);
  const highest = (await store.highestOffset(TOPIC, PARTITION)) ?? -1;
  const next_offset = Math.max(highest + 1, manifest?.next_offset ?? 0, at) + LIMITS.gap_margin_offsets;
  const before = manifest ?? firstManifest(ground);
  await store.writeManifests([
    {
      ...before,
      generation: info.generation,
      partitions: info.partitions,
      next_offset,
      offset_base: next_offset - at,
      dedup_from: next_offset,
      counters: { ...before.counters, 'gap.accepted': (before.counters['gap.accepted'] ?? 0) + 1 },
    },
  ]);
  return at;
}

/** Where stories begin that never were. */
export function firstManifest({ info, bounds }: StoriesGround): Manifest {
  return {
    topic: TOPIC,
    partition: PARTITION,
    partitions: info.partitions,
    generation: info.generation,
    next_offset: bounds.start,
    offset_base: 0,
    watermark_live: 0,
    watermark_recorded: 0,
    dedup_from: bounds.start,
    prior_version: '',
    groups: [],
    rules_version: STORY_RULES_VERSION,
    counters: {},
  };
}
