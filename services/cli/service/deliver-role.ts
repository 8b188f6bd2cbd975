import { randomBytes } from 'node:crypto';
import { SYSTEM } from '../../../schemas/principal.ts';
import { CONFIGURED_SUBSCRIPTION, type SubscriptionEntry } from '../../../schemas/subscription.ts';
import type { WebhooksPort } from '../../api/ports.ts';
import { runFeed } from '../../deliver/feed.ts';
import { runNotify } from '../../deliver/notify/notify.ts';
import { type SubscriptionSource, subscriptionsOf } from '../../deliver/subscriptions.ts';
import { startWebhooks, type Webhooks } from '../../deliver/webhook.ts';
import { webhooksElsewhere } from '../../deliver/webhook-elsewhere.ts';
import { systemClock } from '../../platform/clock.ts';
import { TOPICS } from '../../platform/event-log.ts';
import { post } from '../../platform/http-post.ts';
import type { Control } from './control.ts';
import { copyControl, copyDeadLetters } from './copies.ts';
import type { Foundation, Ground } from './foundation.ts';
import { notifyTargets } from './notify-role.ts';
import { holdOffice, type Office, together } from './office.ts';
import { outboundPolicy } from './outbound.ts';

/** Feed, webhooks, notifications and copies, in the one process that holds the office. */
export type DeliverRole = {
  readonly office: Office;
  /** Its lanes while they run here. */
  readonly webhooks: () => Webhooks | undefined;
};

export function startDeliver(foundation: Foundation, control: Control): DeliverRole {
  const { log, store, telemetry, config } = foundation;
  const clock = systemClock;
  const { allow_private_networks = false } = config.deliver.webhook ?? {};
  const policy = outboundPolicy(config, { allow_private_networks });
  const random = (): number => randomBytes(4).readUInt32LE() / 2 ** 32;
  const subscriptions = subscriptionsFor(foundation, control);
  const targets = notifyTargets(foundation);
  const notify = { log, view: control.view, clock, telemetry, random, settings: config.notify };
  let lanes: Webhooks | undefined;
  const webhooks = async (signal: AbortSignal): Promise<void> => {
    lanes = startWebhooks({ log, clock, telemetry, random, post, policy, subscriptions }, signal);
    try {
      await lanes.stopped;
    } finally {
      lanes = undefined;
    }
  };
  const work = (signal: AbortSignal): Promise<void> =>
    together(signal, [
      (either) => runFeed({ log, clock, telemetry, gaps: control.gaps }, either),
      webhooks,
      (either) => runNotify(notify, targets, either),
      (either) => copyDeadLetters({ log, store, telemetry }, either),
      (either) => copyControl({ log, store, telemetry }, either),
    ]);
  const office = holdOffice({ name: 'deliver', log, clock, telemetry, topic: TOPICS.feed, work });
  return { office, webhooks: () => lanes };
}

/** What the API asks of webhooks, wherever their lanes run. */
export function webhooksPort(ground: Ground, control: Control, deliver: DeliverRole | undefined): WebhooksPort {
  const { view, bus } = control;
  const subscriptions = subscriptionsFor(ground, control);
  const elsewhere = webhooksElsewhere({ log: ground.log, bus, view, clock: systemClock, subscriptions });
  const here = (): WebhooksPort => deliver?.webhooks() ?? elsewhere;
  return {
    status: () => here().status(),
    redeliver: (subscription, range) => here().redeliver(subscription, range),
    retryNow: (subscription) => here().retryNow(subscription),
  };
}

function subscriptionsFor(ground: Ground, { view, bus }: Control): SubscriptionSource {
  return withConfigured(subscriptionsOf({ view, bus, clock: systemClock }), configuredOf(ground));
}

/** The subscription that the configuration file names, beside those that were made through the API. */
function configuredOf({ config, secrets }: Ground): SubscriptionEntry | undefined {
  const webhook = config.deliver.webhook;
  if (webhook === undefined || secrets.deliver_webhook_secret === undefined) return undefined;
  return {
    subscription: {
      id: CONFIGURED_SUBSCRIPTION,
      url: webhook.url,
      secrets: [secrets.deliver_webhook_secret],
      format: 'ocsf',
      severity_min: webhook.severity_min,
    },
    status: { state: 'active', reason: 'set', since: systemClock.now() },
    set_by: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
  };
}

/** A configured receiver that answers 410 is left alone until the next start; the control log knows nothing of it. */
function withConfigured(source: SubscriptionSource, configured: SubscriptionEntry | undefined): SubscriptionSource {
  if (configured === undefined) return source;
  let entry = configured;
  return {
    ...source,
    current: () => [entry, ...source.current()],
    async disableGone(gone) {
      if (gone.subscription.id !== entry.subscription.id) return source.disableGone(gone);
      entry = { ...entry, status: { state: 'disabled', reason: 'gone', since: systemClock.now() } };
      return true;
    },
  };
}
