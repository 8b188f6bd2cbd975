import { z } from 'zod';
import {
  RedeliverAnswer,
  RedeliverBody,
  RemovedSubscription,
  RetryAnswer,
  SetSubscriptionAnswer,
  SetSubscriptionBody,
  SubscriptionList,
} from '../../../schemas/api/access.ts';
import { principalKey } from '../../../schemas/principal.ts';
import { CONFIGURED_SUBSCRIPTION, Subscription } from '../../../schemas/subscription.ts';
import { command } from '../commands.ts';
import { defined } from '../defined.ts';
import { refuseAs } from '../errors.ts';
import { type Asked, callerOf, type Route, route } from '../route.ts';
import { deliveryView, subscriptionView } from '../views.ts';

const ADMIN = ['admin'] as const;
const Id = z.object({ id: Subscription.shape.id });
const OwnId = z.object({
  id: Subscription.shape.id.refine((id) => id !== CONFIGURED_SUBSCRIPTION, {
    message: 'is the name of the webhook in the configuration file; choose another',
  }),
});
const SECRET_BYTES = 32;

const list = route({
  method: 'GET',
  url: '/v1/subscriptions',
  access: ADMIN,
  tag: 'subscriptions',
  summary: 'Webhooks that alerts are pushed to, and how they fare',
  answer: SubscriptionList,
  handle: async ({ context }) => ({
    items: (await context.ports.webhooks.status()).map((report) => ({
      ...subscriptionView(report.entry),
      delivery: deliveryView(report),
    })),
  }),
});

const set = route({
  method: 'PUT',
  url: '/v1/subscriptions/:id',
  access: ADMIN,
  tag: 'subscriptions',
  summary: 'Add or replace a webhook; it is active afterwards. Without secrets it keeps its own, a new one gets one.',
  params: OwnId,
  body: SetSubscriptionBody,
  answer: SetSubscriptionAnswer,
  async handle(asked) {
    const { control, randomBytes } = asked.context.ports;
    const { id } = asked.params;
    const { secrets: given, url, format, severity_min, tenant } = asked.body;
    const known = control.state.subscriptions.get(id)?.subscription.secrets;
    const made = (given ?? known) ? undefined : `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
    const secrets = given ?? known ?? (made === undefined ? [] : [made]);
    const subscription = { id, url, format, severity_min, secrets, ...defined({ tenant }) };
    const refused = await command(asked, callerOf(asked), { type: 'subscription_set', subscription });
    if (refused !== undefined) return refused;
    const entry = control.state.subscriptions.get(id);
    if (entry === undefined) throw new Error('a subscription that was set is not in the control state');
    return { ...subscriptionView(entry), ...defined({ new_secret: made }) };
  },
});

const remove = route({
  method: 'DELETE',
  url: '/v1/subscriptions/:id',
  access: ADMIN,
  tag: 'subscriptions',
  summary: 'Remove a webhook',
  params: Id,
  answer: RemovedSubscription,
  async handle(asked) {
    const subscription = asked.params.id;
    const refused = await command(asked, callerOf(asked), { type: 'subscription_remove', subscription });
    return refused ?? { subscription, state: 'removed' as const };
  },
});

const redeliver = route({
  method: 'POST',
  url: '/v1/subscriptions/:id/redeliver',
  access: ADMIN,
  tag: 'subscriptions',
  summary: 'Send messages again, from one webhook-id to another, under the same ids and beside the new ones',
  params: Id,
  body: RedeliverBody,
  answer: RedeliverAnswer,
  async handle(asked) {
    const subscription = asked.params.id;
    const { first, last } = asked.body;
    const begun = await asked.context.ports.webhooks.redeliver(subscription, { first, last });
    if (!begun.ok) return refuseAs(begun.code, begun.message);
    note(asked, 'redeliver', { subscription, first, last });
    return { subscription, state: 'redelivering' as const };
  },
});

const retry = route({
  method: 'POST',
  url: '/v1/subscriptions/:id/retry',
  access: ADMIN,
  tag: 'subscriptions',
  summary: 'End the pause before the next attempt',
  params: Id,
  answer: RetryAnswer,
  async handle(asked) {
    const subscription = asked.params.id;
    if (!(await asked.context.ports.webhooks.retryNow(subscription))) {
      return refuseAs('subscription_unknown', `there is no subscription ${subscription}`);
    }
    note(asked, 'retry', { subscription });
    return { subscription, state: 'woken' as const };
  },
});

/** These change nothing that is decided, so no command tells who asked: the log does. */
function note(
  asked: Pick<Asked<undefined, undefined, undefined>, 'caller' | 'context' | 'request'>,
  action: 'redeliver' | 'retry',
  about: Readonly<Record<string, string>>,
): void {
  const by = principalKey(callerOf(asked).principal);
  asked.context.ports.telemetry.occurred('webhook_requests', { action }, { ...about, by, request: asked.request.id });
}

export const subscriptions: readonly Route[] = [list, set, remove, redeliver, retry];
