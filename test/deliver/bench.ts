import type { TestContext } from 'node:test';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import { startWebhooks, type Webhooks } from '../../services/deliver/webhook.ts';
import { webhookId } from '../../services/deliver/webhook-core.ts';
import type { WebhookPorts } from '../../services/deliver/webhook-walk.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { post } from '../../services/platform/http-post.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import type { SimulatedDisk } from '../support/simulated-log.ts';
import { entryFor, type FakeSubscriptions, fakeSubscriptions, openReceiver, type Receiver } from './receiver.ts';
import { constantRandom, hastyClock, revisionOf, simulated } from './support.ts';

export type Bench = {
  readonly receiver: Receiver;
  readonly log: EventLog;
  readonly disk: SimulatedDisk;
  readonly clock: ReturnType<typeof hastyClock>;
  readonly subscriptions: FakeSubscriptions;
  /** Starts delivering; an earlier run is stopped first. */
  start(changes?: Partial<WebhookPorts>): Promise<Webhooks>;
  stop(): Promise<void>;
};

/** A receiver, a log and a subscription, with deliveries that can be stopped and started. */
export async function bench(
  t: TestContext,
  options: { readonly reply?: Receiver['reply']; readonly entry?: (url: string) => SubscriptionEntry } = {},
): Promise<Bench> {
  const receiver = await openReceiver(options.reply);
  const clock = hastyClock(systemClock.now());
  const { disk, log } = simulated({ clock });
  const subscriptions = fakeSubscriptions((options.entry ?? entryFor)(receiver.url));
  let running: { readonly stop: AbortController; readonly webhooks: Webhooks } | undefined;
  const stop = async (): Promise<void> => {
    running?.stop.abort();
    await running?.webhooks.stopped;
    running = undefined;
  };
  t.after(async () => {
    await stop();
    await receiver.close();
  });
  const start: Bench['start'] = async (changes = {}) => {
    await stop();
    const ports: WebhookPorts = {
      log,
      clock,
      telemetry: silentTelemetry(),
      random: constantRandom(),
      post,
      policy: { allow_private_networks: false },
      subscriptions,
      ...changes,
    };
    const ending = new AbortController();
    running = { stop: ending, webhooks: startWebhooks(ports, ending.signal) };
    return running.webhooks;
  };
  return { receiver, log, disk, clock, subscriptions, start, stop };
}

export const alerts = (...uids: string[]) => uids.map((uid) => revisionOf(uid, 1));
export const idOf = (uid: string) => webhookId('siem', uid, 1);

export async function deadLetters(log: EventLog): Promise<{ key: string; letter: DeadLetter }[]> {
  const { partitions } = await log.describe(TOPICS.dead);
  const all = [];
  for (let partition = 0; partition < partitions; partition++) {
    for (const { key, value } of (await log.read(TOPICS.dead, partition, 0, { records: 100, bytes: 1 << 24 }))
      .records) {
      all.push({ key, letter: DeadLetter.parse(JSON.parse(value.toString())) });
    }
  }
  return all;
}

export const counter = async (log: EventLog, name: string) => (await log.counters()).get(name) ?? 0;

/** A clock on which no pause ever ends. */
export function stoppedClock(): ReturnType<typeof hastyClock> {
  return { ...hastyClock(), sleep: (_ms, signal) => forever(signal) };
}

function forever(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
