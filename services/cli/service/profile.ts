import type { Prior, Profile } from '../../../detectors/contract.ts';
import { type StateFacts, stateFactsOf } from '../../../detectors/coverage.ts';
import { createModel } from '../../../detectors/model.ts';
import { StateSlab } from '../../../detectors/state.ts';
import type { Manifest, StateBlob } from '../../../schemas/outputs.ts';
import { decodeIdentity } from '../../detect/blob.ts';
import { Sources } from '../../detect/sources.ts';
import { TOPICS } from '../../platform/event-log.ts';
import { identityKey, partitionOf } from '../../platform/partitioner.ts';
import type { DetectStore } from '../../platform/store.ts';

/** Reads baselines as they were last made durable, for people to look at; detect's own memory is not touched. */
export function createProfileReader(
  store: Pick<DetectStore, 'readManifest' | 'readBlobs' | 'readPrior'>,
  partitions: number,
): (tenant: string, identity: string) => Promise<(Profile & { readonly muted_findings: number }) | undefined> {
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
    return { ...profile, muted_findings: state.directed?.muted ?? 0 };
  };
}

/** What the states say of coverage as they were last made durable, as of the log clock that each of them follows. */
export function createStateReader(
  store: DetectStore,
  partitions: number,
): (tenant: string, identities: readonly string[]) => Promise<Map<string, StateFacts>> {
  const model = createModel();
  const slab = new StateSlab(model.words);
  const factsOf = (blob: StateBlob, manifest: Manifest | undefined): StateFacts => {
    const state = decodeIdentity(blob.key, blob.version, blob.bytes, model, slab);
    const { recorded, clock_ms } = state;
    const log_ms = (recorded ? manifest?.watermark_recorded : manifest?.watermark_live) ?? 0;
    const away = new Sources(manifest?.pulses).away(state);
    const facts = stateFactsOf(state.slot, model.profile(state.slot).maturity, Math.max(log_ms, clock_ms), away);
    slab.give(state.slot);
    return facts;
  };
  return async (tenant, identities) => {
    const facts = new Map<string, StateFacts>();
    const byPartition = Map.groupBy(identities, (identity) => partitionOf(identityKey(tenant, identity), partitions));
    for (const [partition, names] of byPartition) {
      const keys = names.map((identity) => identityKey(tenant, identity));
      const blobs = await store.readBlobs(TOPICS.events, partition, keys);
      if (blobs.size === 0) continue;
      const manifest = await store.readManifest(TOPICS.events, partition);
      for (const identity of names) {
        const blob = blobs.get(identityKey(tenant, identity));
        if (blob !== undefined) facts.set(identity, factsOf(blob, manifest));
      }
    }
    return facts;
  };
}
