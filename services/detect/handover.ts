import type { Manifest, Outputs, StateBlob } from '../../schemas/outputs.ts';

/** What passes between a partition worker and its shell. */

/** What the shell has to fetch before the records may be applied. */
export type Needs = { readonly blobs: string[]; readonly priors: string[] };

/** One partition's peer groups as of a cut: written once, under the name of the cut. */
export type GroupCut = { readonly version: string; readonly partition: number; readonly bytes: Uint8Array };

/** Written in this order: groups, then identities, then the manifest. Each rests on the one before it. */
export type Checkpoint = {
  readonly groups: StateBlob[];
  readonly identities: StateBlob[];
  readonly manifest: Manifest;
};

/** A checkpoint that is encoded piece by piece: others may run between them, but no record is applied before the last. */
export type Snapshot = {
  readonly groups: Iterable<readonly StateBlob[]>;
  readonly identities: Iterable<readonly StateBlob[]>;
  readonly manifest: Manifest;
};

export function emptyOutputs(): Outputs {
  return { events: [], findings: [], alerts: [], aliases: [], poison: [], handed: [], effects: [] };
}
