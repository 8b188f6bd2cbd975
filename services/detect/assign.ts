import type { Model } from '../../detectors/contract.ts';
import type { Manifest } from '../../schemas/outputs.ts';
import type { EventLog, PartitionBounds, TopicInfo } from '../platform/event-log.ts';
import { TOPICS } from '../platform/event-log.ts';
import type { DetectStore } from '../platform/store.ts';
import type { Gap, GapReason } from './gap.ts';
import { PartitionWorker, type WorkerOptions } from './worker.ts';

export type Assigned =
  | { readonly kind: 'ready'; readonly worker: PartitionWorker }
  | { readonly kind: 'gap'; readonly gap: Gap };

export type AssignOptions = Omit<WorkerOptions, 'topic' | 'partition' | 'partitions' | 'generation'>;

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
  const history = manifest !== undefined || (await store.hasHistory(topic, partition));
  const gap = findGap(manifest, history, info, bounds, partition);
  if (gap !== undefined) return gap;

  const fresh = manifest === undefined;
  const from = manifest ?? firstManifest(topic, partition, info, bounds, options.model);
  // Written before anything else is: from now on state without a manifest can only mean that the manifest was lost.
  if (fresh) await store.writeManifest(from);
  const worker = new PartitionWorker(
    { ...options, topic, partition, partitions: info.partitions, generation: info.generation },
    from,
  );
  if (fresh) return { kind: 'ready', worker };
  if (manifest.prior_version !== options.model.emptyPrior().version) {
    const bytes = await store.readPrior(manifest.prior_version);
    if (bytes === undefined) return gapOf('prior_missing', `prior ${manifest.prior_version} is not in the store`);
    worker.addPrior(manifest.prior_version, bytes);
    worker.adoptPrior(manifest.prior_version);
  }
  for await (const seen of store.readKeys(topic, partition, manifest.dedup_from, manifest.next_offset)) {
    worker.remember(seen);
  }
  worker.arm(await store.readDue(topic, partition));
  return { kind: 'ready', worker };
}

function findGap(
  manifest: Manifest | undefined,
  history: boolean,
  info: TopicInfo,
  bounds: PartitionBounds,
  partition: number,
): Assigned | undefined {
  const where = `partition ${partition} of ${TOPICS.events}`;
  if (manifest === undefined) {
    if (!history) return undefined;
    return gapOf('manifest_missing', `${where} has state in the store but no manifest: part of the store was lost`);
  }
  if (manifest.generation !== info.generation) {
    return gapOf('generation_changed', `${where} was deleted and made anew: its offsets mean something else now`);
  }
  if (manifest.partitions !== info.partitions) {
    return gapOf('partition_count_changed', `${where}: ${manifest.partitions} partitions became ${info.partitions}`);
  }
  if (manifest.next_offset < bounds.start) {
    const lost = bounds.start - manifest.next_offset;
    return gapOf('offset_before_log', `${where}: ${lost} records were deleted before they were read`);
  }
  if (manifest.next_offset > bounds.end) {
    const message = `${where} ends at ${bounds.end}, but ${manifest.next_offset} was applied: the log lost records`;
    return gapOf('offset_beyond_log', message);
  }
  return undefined;
}

function gapOf(reason: GapReason, message: string): Assigned {
  return { kind: 'gap', gap: { reason, message } };
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
    watermark_live: 0,
    watermark_recorded: 0,
    dedup_from: bounds.start,
    prior_version: model.emptyPrior().version,
    groups: [],
    rules_version: model.rules_version,
    counters: {},
  };
}
