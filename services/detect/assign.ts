import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Model } from '../../detectors/contract.ts';
import type { Gap } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Manifest } from '../../schemas/outputs.ts';
import type { EventLog, PartitionBounds, TopicInfo } from '../platform/event-log.ts';
import { TOPICS } from '../platform/event-log.ts';
import type { DetectStore } from '../platform/store.ts';
import { detectGap, evidenceOf, type GapReason } from './gap.ts';
import { KnownKeys } from './known-keys.ts';
import { PartitionWorker, type WorkerOptions } from './worker.ts';

export type Assigned =
  | { readonly kind: 'ready'; readonly worker: PartitionWorker; readonly known: KnownKeys; readonly manifest: Manifest }
  /** `manifest` is the last one, where there is one. */
  | { readonly kind: 'gap'; readonly gap: Gap; readonly manifest: Manifest | undefined };

export type AssignOptions = Omit<WorkerOptions, 'topic' | 'partition' | 'partitions' | 'generation'>;

/** Keys remembered between two turns of the event loop: about 5 ms. */
const REMEMBER_STEP = 8_192;

/** Takes a partition up where its manifest left it, or says why that cannot be done honestly. */
export async function assignPartition(
  log: EventLog,
  store: DetectStore,
  partition: number,
  options: AssignOptions,
): Promise<Assigned> {
  const topic = TOPICS.events;
  const info = await log.describe(topic);
  const bounds = await log.bounds(topic, partition);
  const manifest = await store.readManifest(topic, partition);
  if (manifest === undefined && (await store.hasHistory(topic, partition))) {
    return {
      kind: 'gap',
      manifest,
      gap: manifestMissing(partition, info, await store.highestOffset(topic, partition)),
    };
  }
  const gap = manifest && findGap(manifest, info, bounds);
  if (gap !== undefined) return { kind: 'gap', manifest, gap };

  const from = manifest ?? firstManifest(topic, partition, info, bounds, options.model);
  // Written before anything else is: from now on state without a manifest can only mean that the manifest was lost.
  if (manifest === undefined) await store.writeManifests([from]);
  const worker = new PartitionWorker(
    { ...options, topic, partition, partitions: info.partitions, generation: info.generation },
    from,
  );
  if (manifest === undefined) return { kind: 'ready', worker, known: new KnownKeys(new Uint32Array()), manifest: from };
  if (!(await restorePrior(store, worker, manifest, options.model))) {
    return { kind: 'gap', manifest, gap: priorMissing(manifest) };
  }
  for await (const seen of store.readKeys(topic, partition, manifest.dedup_from, manifest.next_offset)) {
    for (let at = 0; at < seen.length; at += REMEMBER_STEP) {
      worker.remember(seen.slice(at, at + REMEMBER_STEP));
      await nextTurn();
    }
  }
  worker.arm(await store.readDue(topic, partition));
  const known = new KnownKeys(await store.readFingerprints(topic, partition, LIMITS.known_identities_max));
  return { kind: 'ready', worker, known, manifest };
}

/** False when the prior in use is gone from the store. */
async function restorePrior(
  store: DetectStore,
  worker: PartitionWorker,
  { prior_version }: Manifest,
  model: Model,
): Promise<boolean> {
  if (prior_version === model.emptyPrior().version) return true;
  const bytes = await store.readPrior(prior_version);
  if (bytes === undefined) return false;
  worker.addPrior(prior_version, bytes);
  worker.adoptPrior(prior_version);
  return true;
}

function findGap(manifest: Manifest, info: TopicInfo, bounds: PartitionBounds): Gap | undefined {
  const { partition, generation, partitions } = manifest;
  const next = manifest.next_offset - manifest.offset_base;
  const where = `partition ${partition} of ${TOPICS.events}`;
  const gap = (reason: GapReason, message: string, lost?: number): Gap =>
    detectGap(partition, reason, message, evidenceOf(manifest), lost);
  if (generation !== info.generation) {
    return gap('generation_changed', `${where} was deleted and made anew: its offsets mean something else now`);
  }
  if (partitions !== info.partitions) {
    return gap('partition_count_changed', `${where}: ${partitions} partitions became ${info.partitions}`);
  }
  if (next < bounds.start) {
    const lost = bounds.start - next;
    return gap(
      'offset_before_log',
      `${where}: ${lost} offsets from ${next} on were deleted before they were read`,
      lost,
    );
  }
  if (next > bounds.end) {
    const message = `${where} ends at ${bounds.end}, but ${next} was applied: the log lost records`;
    return gap('offset_beyond_log', message);
  }
  return undefined;
}

function manifestMissing(partition: number, { generation }: TopicInfo, highest: number | undefined): Gap {
  const message = `partition ${partition} of ${TOPICS.events} has state in the store but no manifest: part of the store was lost`;
  return detectGap(partition, 'manifest_missing', message, [generation, highest ?? -1]);
}

function priorMissing({ partition, generation, next_offset, prior_version }: Manifest): Gap {
  const message = `prior ${prior_version}, in use at offset ${next_offset}, is not in the store`;
  return detectGap(partition, 'prior_missing', message, [generation, next_offset, prior_version]);
}

function firstManifest(
  topic: string,
  partition: number,
  info: TopicInfo,
  bounds: PartitionBounds,
  model: Model,
): Manifest {
  return {
    topic,
    partition,
    partitions: info.partitions,
    generation: info.generation,
    next_offset: bounds.start,
    offset_base: 0,
    watermark_live: 0,
    watermark_recorded: 0,
    dedup_from: bounds.start,
    prior_version: model.emptyPrior().version,
    groups: [],
    rules_version: model.rules_version,
    counters: {},
  };
}

/** What a partition begins with behind a gap, and where that is in the log. */
export type Resumption = { readonly manifest: Manifest; readonly at: number };

/**
 * The manifest with which a partition goes on behind a gap that an operator accepted. Its logical offsets lie beyond all
 * that is stored, with a margin for what a process that was given up may still write: nothing of either is ever ahead.
 */
export function manifestBehind(
  gap: Gap,
  on: {
    readonly resume: 'start' | 'end';
    readonly last: Manifest | undefined;
    readonly info: TopicInfo;
    readonly bounds: PartitionBounds;
    /** Highest offset that anything stored carries. */
    readonly highest: number | undefined;
    readonly model: Model;
  },
): Resumption {
  const { resume, last, info, bounds, highest = -1, model } = on;
  const { at, lost } = resumptionIn(gap, resume, last, bounds);
  const next_offset = Math.max(highest + 1, last?.next_offset ?? 0, at) + LIMITS.gap_margin_offsets;
  const before = last ?? {
    ...firstManifest(TOPICS.events, gap.partition, info, bounds, model),
    dedup_from: Math.max(0, highest + 1 - LIMITS.dedup_keys_per_partition),
  };
  const { counters } = before;
  return {
    at,
    manifest: {
      ...before,
      partitions: info.partitions,
      generation: info.generation,
      next_offset,
      offset_base: next_offset - at,
      prior_version: gap.reason === 'prior_missing' ? model.emptyPrior().version : before.prior_version,
      counters: {
        ...counters,
        'gap.accepted': (counters['gap.accepted'] ?? 0) + 1,
        'gap.lost': (counters['gap.lost'] ?? 0) + lost,
      },
    },
  };
}

/**
 * Where in the log a partition goes on, and how many offsets are passed over. In a log that is still the one it has read,
 * the oldest record that is there for it is the next one; in any other nobody knows what was applied, so all of it is
 * read, and what is known by its key is a redelivery.
 */
function resumptionIn(
  gap: Gap,
  resume: 'start' | 'end',
  last: Manifest | undefined,
  bounds: PartitionBounds,
): { readonly at: number; readonly lost: number } {
  const another = gap.reason === 'generation_changed' || gap.reason === 'offset_beyond_log' || last === undefined;
  const next = another ? bounds.start : last.next_offset - last.offset_base;
  const at = resume === 'end' ? bounds.end : Math.max(next, bounds.start);
  return { at, lost: Math.max(0, at - next) };
}
