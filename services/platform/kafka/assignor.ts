/** A member of a group, with what it says it owns and the generation in which it got that. */
export type MemberClaim = {
  readonly id: string;
  readonly owned: readonly number[];
  readonly generation: number;
};

export type Assignment = {
  /** What each member is to have in the end. */
  readonly target: ReadonlyMap<string, readonly number[]>;
  /** What it may have now: without what another member still owns and has to hand over first. */
  readonly given: ReadonlyMap<string, readonly number[]>;
};

/**
 * Shares out partitions evenly, moving as few as that allows (cooperative sticky assignment, KIP-429): a partition that
 * moves is given to nobody until its owner has handed it over and joined again. The same members and claims always make the
 * same assignment.
 */
export function assignPartitions(partitions: number, members: readonly MemberClaim[]): Assignment {
  const owners = ownersOf(partitions, members);
  const held = new Map<string, number[]>(members.map(({ id }) => [id, []]));
  owners.forEach((owner, partition) => {
    if (owner !== undefined) held.get(owner)?.push(partition);
  });
  const target = new Map<string, number[]>();
  const free: number[] = [];
  owners.forEach((owner, partition) => {
    if (owner === undefined) free.push(partition);
  });
  // Those that own most keep one more where it does not come out even.
  const order = [...held.keys()].sort((a, b) => lengthOf(held, b) - lengthOf(held, a) || compare(a, b));
  const least = Math.floor(partitions / Math.max(1, order.length));
  const rest = partitions - least * order.length;
  const shares = new Map(order.map((id, index) => [id, index < rest ? least + 1 : least]));
  for (const id of order) {
    const own = held.get(id) ?? [];
    const share = shares.get(id) ?? 0;
    target.set(id, own.slice(0, share));
    free.push(...own.slice(share));
  }
  free.sort((a, b) => a - b);
  for (const id of order) {
    const own = target.get(id) ?? [];
    own.push(...free.splice(0, (shares.get(id) ?? 0) - own.length));
    own.sort((a, b) => a - b);
  }
  const given = new Map(
    [...target].map(([id, own]) => [
      id,
      own.filter((partition) => owners[partition] === undefined || owners[partition] === id),
    ]),
  );
  return { target, given };
}

/** Who owns each partition. Of two that claim the same, the one of the later generation is right. */
function ownersOf(partitions: number, members: readonly MemberClaim[]): (string | undefined)[] {
  const owners = new Array<string | undefined>(partitions).fill(undefined);
  const generations = new Array<number>(partitions).fill(Number.NEGATIVE_INFINITY);
  for (const { id, owned, generation } of [...members].sort((a, b) => compare(a.id, b.id))) {
    for (const partition of owned) {
      if (generation <= (generations[partition] ?? Number.POSITIVE_INFINITY)) continue;
      owners[partition] = id;
      generations[partition] = generation;
    }
  }
  return owners;
}

const lengthOf = (held: ReadonlyMap<string, readonly number[]>, id: string): number => held.get(id)?.length ?? 0;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
