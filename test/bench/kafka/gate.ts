import type { AssignmentListener, EventLog, Topic } from '../../../services/platform/event-log.ts';

/**
 * A log whose subscribers are told of their partitions only when the gate opens: until then a group of several processes
 * can settle, so that what is measured is work and not its beginning.
 */
export type Gate = {
  readonly log: EventLog;
  /** Partitions that the group has given this process, of each topic. */
  readonly held: readonly number[];
  open(): Promise<void>;
};

export function gate(
  log: EventLog,
  topics: readonly Topic[],
  { joins_late = false }: { readonly joins_late?: boolean | undefined },
): Gate {
  const held = new Map<Topic, Set<number>>(topics.map((topic) => [topic, new Set<number>()]));
  const listeners = new Map<Topic, AssignmentListener>();
  const opened = Promise.withResolvers<void>();
  let is_open = false;

  const gated = (topic: Topic, own: Set<number>, listener: AssignmentListener): AssignmentListener => ({
    assigned: async (partition) => {
      own.add(partition);
      if (is_open) await listener.assigned(partition);
    },
    revoked: async (partition, how) => {
      own.delete(partition);
      if (is_open) await listeners.get(topic)?.revoked(partition, how);
    },
  });
  return {
    log: {
      ...log,
      subscribe: async (topic, group, listener) => {
        const own = held.get(topic);
        if (own === undefined) return log.subscribe(topic, group, listener);
        if (joins_late) await opened.promise;
        listeners.set(topic, listener);
        return log.subscribe(topic, group, gated(topic, own, listener));
      },
    },
    get held() {
      return [...held.values()].map(({ size }) => size);
    },
    open: async () => {
      is_open = true;
      opened.resolve();
      const waiting = [...held].flatMap(([topic, own]) => [...own].map((partition) => ({ topic, partition })));
      await Promise.all(waiting.map(({ topic, partition }) => listeners.get(topic)?.assigned(partition)));
    },
  };
}
