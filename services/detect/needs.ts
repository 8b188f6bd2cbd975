import { peerGroupOf } from '../../detectors/contract.ts';
import { identityKey, isIdentityKey } from '../platform/partitioner.ts';
import { type Decoded, isPoison } from './decode.ts';
import { type GroupTable, isGroupBlob } from './groups.ts';
import type { Needs } from './handover.ts';
import { staysInGroup } from './identity.ts';
import type { PriorShelf } from './prior-shelf.ts';
import type { Residents } from './residents.ts';

/** Blobs that records will most likely touch, by their keys alone, and that are not in memory yet. */
export function expectedBy(
  records: readonly { readonly key: string }[],
  { residents, groups }: { readonly residents: Residents; readonly groups: GroupTable },
): string[] {
  const blobs = new Set<string>(groups.missing());
  for (const { key } of records) {
    if (isIdentityKey(key) && !isGroupBlob(key) && residents.get(key) === undefined) blobs.add(key);
  }
  return [...blobs];
}

/** Blobs and priors that applying these records will touch and that are not in memory yet. */
export function needsOf(
  records: readonly Decoded[],
  on: { readonly residents: Residents; readonly groups: GroupTable; readonly priors: PriorShelf },
): Needs {
  const { residents, groups } = on;
  const blobs = new Set<string>(groups.missing());
  const priors = new Set<string>();
  const want = (key: string): void => {
    if (residents.get(key) === undefined) blobs.add(key);
  };
  for (const { record, log_ms, recorded } of records) {
    if (isPoison(record)) continue;
    if (record.type === 'event') {
      const key = identityKey(record.event.tenant, record.event.identity.id);
      const state = residents.get(key);
      if (state === undefined) blobs.add(key);
      else if (staysInGroup(state, record.event.identity)) continue;
      for (const group of groups.neededFor(peerGroupOf(record.event))) blobs.add(group);
    } else if (record.type === 'verdict') {
      want(identityKey(record.verdict.tenant, record.verdict.identity));
    } else if (record.type === 'effect_watch') {
      want(identityKey(record.watch.predicate.tenant, record.watch.predicate.identity));
    } else if (record.type === 'prior') {
      priors.add(record.version);
    } else if (record.type === 'tick') {
      for (const key of residents.wake(log_ms, recorded)) want(key);
    }
  }
  return { blobs: [...blobs], priors: [...priors].filter((version) => !on.priors.has(version)) };
}
