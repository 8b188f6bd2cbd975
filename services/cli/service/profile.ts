import type { Profile } from '../../../detectors/contract.ts';
import { createModel } from '../../../detectors/model.ts';
import { StateSlab } from '../../../detectors/state.ts';
import { decodeIdentity } from '../../detect/blob.ts';
import { TOPICS } from '../../platform/event-log.ts';
import { identityKey, partitionOf } from '../../platform/partitioner.ts';
import type { DetectStore } from '../../platform/store.ts';

/** Reads baselines as they were last made durable, for people to look at; detect's own memory is not touched. */
export function createProfileReader(
  store: DetectStore,
  partitions: number,
): (tenant: string, identity: string) => Promise<(Profile & { readonly muted_findings: number }) | undefined> {
  const model = createModel();
  const slab = new StateSlab(model.words);
  return async (tenant, identity) => {
    const key = identityKey(tenant, identity);
    const blobs = await store.readBlobs(TOPICS.events, partitionOf(key, partitions), [key]);
    const blob = blobs.get(key);
    if (blob === undefined) return undefined;
    const state = decodeIdentity(key, blob.version, blob.bytes, model, slab);
    const profile = model.profile(state.slot);
    slab.give(state.slot);
    return { ...profile, muted_findings: state.directed?.muted ?? 0 };
  };
}
