import type { GroupState, Model } from '../../detectors/contract.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { StateBlob } from '../../schemas/outputs.ts';

/**
 * What the peer groups of one partition taught. Their blobs stand beside those of the identities, under keys that no
 * identity can have (an identity's key begins with its tenant, which is never empty).
 *
 * A group's blob is written before those of its identities. So after a crash a group may be ahead of an identity, never
 * behind it, and a session that the group has learned already is taught to the identity alone.
 */
export type Group = {
  readonly state: GroupState;
  /** Highest offset of which the state holds the effect. */
  applied: number;
  dirty: boolean;
};

const PREFIX = '\u0000group\u0000';
/** Where groups beyond the limit go: hostile group names cost one table, not memory. */
const OVERFLOW = '\u0000overflow';

export const groupBlobKey = (name: string): string => PREFIX + name;
export const isGroupBlob = (key: string): boolean => key.startsWith(PREFIX);

export class GroupTable {
  readonly #model: Model;
  readonly #loaded = new Map<string, Group>();
  /** In order of first appearance, which is log order and so the same in every run. */
  readonly #registered: Set<string>;

  constructor(model: Model, registered: readonly string[]) {
    this.#model = model;
    this.#registered = new Set(registered);
  }

  names(): string[] {
    return [...this.#registered];
  }

  /** Blob keys that an event of this group, or the groups known from the manifest, still need. */
  neededFor(name: string): string[] {
    const full = this.#registered.size >= LIMITS.peer_groups_max;
    // Before the limit is reached, records of the same batch may still reach it.
    const candidates = this.#registered.has(name) ? [name] : full ? [OVERFLOW] : [name, OVERFLOW];
    return candidates.filter((n) => !this.#loaded.has(n)).map(groupBlobKey);
  }

  missing(): string[] {
    return [...this.#registered].filter((name) => !this.#loaded.has(name)).map(groupBlobKey);
  }

  /** Takes a blob in if its key is a group's; without a blob the group begins empty. */
  loadBlob(key: string, blob: StateBlob | undefined): boolean {
    if (!isGroupBlob(key)) return false;
    const name = key.slice(PREFIX.length);
    if (this.#loaded.has(name)) return true;
    const state = blob === undefined ? this.#model.newGroup() : this.#model.decodeGroup(blob.bytes);
    this.#loaded.set(name, { state, applied: blob?.version ?? -1, dirty: false });
    return true;
  }

  /** Blob keys of all groups in memory. */
  keys(): string[] {
    return [...this.#loaded.keys()].map(groupBlobKey);
  }

  /** Takes a blob that holds more of the log than memory does. */
  replace(key: string, blob: StateBlob): void {
    const name = key.slice(PREFIX.length);
    if (this.get(name).applied >= blob.version) return;
    this.#loaded.set(name, { state: this.#model.decodeGroup(blob.bytes), applied: blob.version, dirty: false });
  }

  /** The name under which an event's group is kept, registered from now on. */
  register(name: string): string {
    if (this.#registered.has(name)) return name;
    const kept = this.#registered.size < LIMITS.peer_groups_max ? name : OVERFLOW;
    this.#registered.add(kept);
    // It was loaded in case there was room.
    if (kept !== name) this.#loaded.delete(name);
    return kept;
  }

  get(name: string): Group {
    const group = this.#loaded.get(name);
    if (group === undefined) throw new Error(`peer group ${JSON.stringify(name)} was not loaded`);
    return group;
  }

  anyAppliedBeyond(offset: number): boolean {
    for (const name of this.#registered) if (this.get(name).applied > offset) return true;
    return false;
  }

  /** Blobs of what changed since the last snapshot, as of `version`, one at a time. */
  *snapshot(version: number): Generator<StateBlob[]> {
    for (const name of this.#registered) {
      const group = this.get(name);
      if (!group.dirty) continue;
      group.dirty = false;
      group.applied = version;
      yield [{ key: groupBlobKey(name), version, due: undefined, bytes: this.#model.encodeGroup(group.state) }];
    }
  }

  /** All groups by name: the cut from which a prior is built. With a pause after each group. */
  *encodeCut(): Generator<undefined, Uint8Array> {
    const parts: { readonly name: string; readonly bytes: Uint8Array }[] = [];
    for (const name of this.names()) {
      parts.push({ name, bytes: this.#model.encodeGroup(this.get(name).state) });
      yield;
    }
    const header = Buffer.from(
      JSON.stringify(parts.map(({ name, bytes }) => ({ name, length: bytes.length }))),
      'utf8',
    );
    const length = Buffer.alloc(4);
    length.writeUInt32LE(header.length);
    return Buffer.concat([length, header, ...parts.map((part) => part.bytes)]);
  }
}

/** Reads what `encodeCut` wrote. */
export function decodeCut(bytes: Uint8Array, model: Model): Map<string, GroupState> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 4 + buffer.readUInt32LE(0);
  const header = JSON.parse(buffer.toString('utf8', 4, at)) as { name: string; length: number }[];
  const groups = new Map<string, GroupState>();
  for (const { name, length } of header) {
    groups.set(name, model.decodeGroup(buffer.subarray(at, at + length)));
    at += length;
  }
  return groups;
}
