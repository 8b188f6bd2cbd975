import { randomBytes } from 'node:crypto';
import { SYSTEM } from '../../../schemas/principal.ts';
import { CONFIGURED_SUBSCRIPTION, type SubscriptionEntry } from '../../../schemas/subscription.ts';
import type { Executor } from '../../contain/executor.ts';
import { createWebhookExecutor } from '../../contain/executors/webhook.ts';
import { BUILT_IN_POLICY, type ContainmentPolicy, definePolicy } from '../../contain/policy.ts';
import { startResponder } from '../../contain/responder.ts';
import { type CommandBus, createCommandBus } from '../../control/command-bus.ts';
import { type ControlView, openControlView } from '../../control/view.ts';
import { type FeedGap, runFeed } from '../../deliver/feed.ts';
import { type SubscriptionSource, subscriptionsOf } from '../../deliver/subscriptions.ts';
import { startWebhooks, type Webhooks } from '../../deliver/webhook.ts';
import { systemClock } from '../../platform/clock.ts';
import { post } from '../../platform/http-post.ts';
import { Problem } from '../problem.ts';
import type { Foundation } from './foundation.ts';

/** What happens with alerts: the feed, webhooks, and the responder that waits for people. */
export type Response = {
  readonly view: ControlView;
  readonly bus: CommandBus;
  readonly webhooks: Webhooks;
  /** Resolves with the gap at which the feed stopped, undefined after `stop`. */
  readonly feedEnded: Promise<FeedGap | undefined>;
  readonly responderEnded: ReturnType<typeof startResponder>['ended'];
  stop(): Promise<void>;
};

export async function startResponse(foundation: Foundation): Promise<Response> {
  const { log, telemetry, config } = foundation;
  const clock = systemClock;
  const executor = executorOf(foundation);
  const view = await openControlView(log, clock);
  const bus = createCommandBus({ log, view, clock });
  const stopping = new AbortController();
  const responder = startResponder({
    log,
    clock,
    telemetry,
    policy: policyOf(foundation),
    executor,
    instance: randomBytes(8).toString('hex'),
  });
  const feedEnded = runFeed({ log, clock, telemetry }, stopping.signal);
  const subscriptions = withConfigured(subscriptionsOf({ view, bus, clock }), configuredOf(foundation));
  const allow_private_networks = config.deliver.webhook?.allow_private_networks ?? false;
  const random = (): number => randomBytes(4).readUInt32LE() / 2 ** 32;
  const webhooks = startWebhooks(
    { log, clock, telemetry, random, post, policy: { allow_private_networks }, subscriptions },
    stopping.signal,
  );
  return {
    view,
    bus,
    webhooks,
    feedEnded,
    responderEnded: responder.ended,
    async stop() {
      stopping.abort();
      await Promise.allSettled([responder.stop(), feedEnded, webhooks.stopped]);
      await view.close();
    },
  };
}

/** The built-in policy with what the configuration asks beyond it. Its version says which of both it is. */
function policyOf({ config }: Foundation): ContainmentPolicy {
  const { approvals, approval_expiry_ms, execution_expiry_ms } = config.contain;
  const policy = { ...BUILT_IN_POLICY, approvals, approval_expiry_ms, execution_expiry_ms };
  const changed = (['approvals', 'approval_expiry_ms', 'execution_expiry_ms'] as const).some(
    (name) => policy[name] !== BUILT_IN_POLICY[name],
  );
  const version = `config-${approvals}-${approval_expiry_ms}-${execution_expiry_ms}`;
  return changed ? definePolicy({ ...policy, version }) : BUILT_IN_POLICY;
}

function executorOf({ config, secrets }: Foundation): Executor | undefined {
  const webhook = config.contain.executor_webhook;
  if (webhook === undefined || secrets.contain_executor_secret === undefined) return undefined;
  const made = createWebhookExecutor({
    url: webhook.url,
    secret: secrets.contain_executor_secret,
    clock: systemClock,
    deduplicates: webhook.deduplicates,
    plaintext: webhook.allow_plaintext,
  });
  if (made.kind === 'ready') return made.executor;
  const field = made.problem.field === 'secret' ? 'secret_file' : made.problem.field;
  throw new Problem('config_invalid', `contain.executor_webhook.${field}: ${made.problem.message}`);
}

/** The subscription that the configuration file names, beside those that were made through the API. */
function configuredOf({ config, secrets }: Foundation): SubscriptionEntry | undefined {
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
    current: () => [entry, ...source.current()],
    changed: (signal) => source.changed(signal),
    async disableGone(gone) {
      if (gone.subscription.id !== entry.subscription.id) return source.disableGone(gone);
      entry = { ...entry, status: { state: 'disabled', reason: 'gone', since: systemClock.now() } };
      return true;
    },
  };
}

/** Containments that wait for people, for those who count them. */
export function pendingContainments(view: ControlView): number {
  let pending = 0;
  for (const containment of view.state.containments.values()) if (containment.state === 'pending') pending++;
  return pending;
}
