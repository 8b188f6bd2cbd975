import type { Prior, Profile } from '../../../detectors/contract.ts';
import { createModel } from '../../../detectors/model.ts';
import { StateSlab } from '../../../detectors/state.ts';
import { decodeIdentity } from '../../detect/blob.ts';
import { TOPICS } from '../../platform/event-log.ts';
import { identityKey, partitionOf } from '../../platform/partitioner.ts';
import type { DetectStore } from '../../platform/store.ts';

/** Reads baselines as they were last made durable, for people to look at; detect's own memory is not touched. */
export function createProfileReader(
  store: Pick<DetectStore, 'readManifest' | 'readBlobs' | 'readPrior'>,
  partitions: number,
): (tenant: string, identity: string) => Promise<Profile | undefined> {
  const model = createModel();
  const slab = new StateSlab(model.words);
  let newest: Prior = model.emptyPrior();
  /** The prior that the partition had adopted; the one before it where it is not to be had any more. */
  const priorOf = async (partition: number): Promise<Prior> => {
    const version = (await store.readManifest(TOPICS.events, partition))?.prior_version ?? newest.version;
    if (version === newest.version) return newest;
    const bytes = await store.readPrior(version);
    if (bytes !== undefined) newest = model.openPrior(bytes, version);
    return newest;
  };
  return async (tenant, identity) => {
    const key = identityKey(tenant, identity);
    const partition = partitionOf(key, partitions);
    const blobs = await store.readBlobs(TOPICS.events, partition, [key]);
    const blob = blobs.get(key);
    if (blob === undefined) return undefined;
    const prior = await priorOf(partition);
    const state = decodeIdentity(key, blob.version, blob.bytes, model, slab);
    const profile = model.profile(state.slot, { prior, group: state.group });
    slab.give(state.slot);
    return profile;
  };
}
