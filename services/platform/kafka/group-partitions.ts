import type { AssignmentListener } from '../event-log.ts';
import type { Membership } from './group-requests.ts';

/** The partitions that a member has, and what its listener was told of each: one call at a time, in order. */
export type GroupPartitions = {
  owned(): readonly number[];
  /** Takes on partitions; those that are owned already only change their membership. */
  assign(partitions: readonly number[], membership: Membership): void;
  /** Gives partitions up. Resolves when the listener is through with all of them. */
  revoke(partitions: readonly number[], how: 'handed_over' | 'lost'): Promise<void>;
  /** The membership with which a partition was had last; undefined when it never was. */
  membershipOf(partition: number): Membership | undefined;
  /** Resolves when the listener is through with everything it was told. */
  settled(): Promise<void>;
};

export function createGroupPartitions(options: {
  readonly listener: AssignmentListener;
  /** Told of what the listener rejected with. */
  readonly failed: (error: unknown) => void;
}): GroupPartitions {
  const { listener, failed } = options;
  const owned = new Set<number>();
  const memberships = new Map<number, Membership>();
  /** Ends of what is under way for each partition; none of them rejects. */
  const tails = new Map<number, Promise<void>>();

  const tell = (partition: number, call: () => Promise<void>): Promise<void> => {
    const told = (tails.get(partition) ?? Promise.resolve()).then(call).catch(failed);
    tails.set(partition, told);
    void told.then(() => {
      if (tails.get(partition) === told) tails.delete(partition);
    });
    return told;
  };
  return {
    owned: () => [...owned].sort((a, b) => a - b),
    assign: (partitions, membership) => {
      for (const partition of partitions) {
        memberships.set(partition, membership);
        if (owned.has(partition)) continue;
        owned.add(partition);
        void tell(partition, () => listener.assigned(partition));
      }
    },
    revoke: async (partitions, how) => {
      const had = partitions.filter((partition) => owned.delete(partition));
      await Promise.all(had.map((partition) => tell(partition, () => listener.revoked(partition, how))));
    },
    membershipOf: (partition) => memberships.get(partition),
    settled: async () => {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
