import type { AssignmentListener, EventLog, Topic } from '../../services/platform/event-log.ts';

/** Processes that share one partition of one topic, as a broker would let them: for tests of who holds what. */
export type Member = Pick<EventLog, 'subscribe'> & {
  /** The broker has not heard of this one for too long: it learns so late, and the others go on at once. */
  expire(): Promise<void>;
  /** Its membership ends by itself, with this. */
  fail(error: unknown): Promise<void>;
  readonly subscriptions: number;
};

type Joined = { readonly listener: AssignmentListener; readonly end: (error: unknown) => void };

export function createGroup(): { member(): Member } {
  /** The first one has the partition. */
  const joined: Joined[] = [];
  let holder: Joined | undefined;

  const settle = async (): Promise<void> => {
    const next = joined[0];
    if (holder === next) return;
    holder = next;
    await next?.listener.assigned(0);
  };
  const leave = async (one: Joined): Promise<void> => {
    const at = joined.indexOf(one);
    if (at === -1) return;
    joined.splice(at, 1);
    if (holder === one) holder = undefined;
    await settle();
  };
  return {
    member() {
      let mine: Joined | undefined;
      let subscriptions = 0;
      return {
        get subscriptions() {
          return subscriptions;
        },
        async subscribe(_topic: Topic, _group: string, listener: AssignmentListener) {
          subscriptions++;
          const ended = Promise.withResolvers<unknown>();
          const one: Joined = { listener, end: ended.resolve };
          mine = one;
          joined.push(one);
          await settle();
          return {
            show: async () => {},
            failed: ended.promise,
            close: async () => {
              if (holder === one) await listener.revoked(0, 'handed_over');
              await leave(one);
            },
          };
        },
        async expire() {
          const one = mine as Joined;
          await leave(one);
          await one.listener.revoked(0, 'lost');
        },
        async fail(error) {
          const one = mine as Joined;
          await leave(one);
          one.end(error);
        },
      };
    },
  };
}
