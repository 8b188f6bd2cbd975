import type { Command, Outcome } from '../../schemas/command.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import type { Clock } from '../platform/clock.ts';

/** Who wants alerts pushed, as deliver sees it: the control log's subscriptions. */
export type SubscriptionSource = {
  /** An entry is the same object until it changes. */
  current(): readonly SubscriptionEntry[];
  /** Resolves when the list may have changed, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Disables a subscription whose receiver answered 410 Gone. False: not decided yet, ask again. */
  disableGone(entry: SubscriptionEntry): Promise<boolean>;
  /** Called with the id of a subscription that somebody asked to try again, anywhere; returns the way to stop that. */
  retried(listener: (subscription: string) => void): () => void;
};

/** What is needed of the control view and of the command bus (services/control). */
export type ControlPorts = {
  readonly view: {
    readonly state: { readonly subscriptions: ReadonlyMap<string, SubscriptionEntry> };
    listen(listener: (entry: { readonly record: ControlRecord }) => void): () => void;
  };
  readonly bus: { ask(command: Command): Promise<Outcome | { readonly kind: 'unanswered' }> };
  readonly clock: Clock;
};

export function subscriptionsOf({ view, bus, clock }: ControlPorts): SubscriptionSource {
  return {
    current: () => [...view.state.subscriptions.values()],
    changed: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = (): void => {
          unlisten();
          signal.removeEventListener('abort', done);
          resolve();
        };
        const unlisten = view.listen(done);
        signal.addEventListener('abort', done, { once: true });
      }),
    disableGone: async ({ subscription, status }) => {
      const answer = await bus.ask({
        // One command for one activation: asked again after a crash, it is decided once.
        id: `subscription-gone:${subscription.id}:${status.since}`,
        by: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
        time: clock.now(),
        type: 'subscription_status',
        subscription: subscription.id,
        status: { state: 'disabled', reason: 'gone', since: clock.now() },
      });
      return answer.kind === 'done';
    },
    retried: (listener) =>
      view.listen(({ record }) => {
        if (record.kind === 'subscription_retried') listener(record.subscription);
      }),
  };
}
