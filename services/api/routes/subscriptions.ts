import { z } from 'zod';
import {
  RemovedSubscription,
  SetSubscriptionAnswer,
  SetSubscriptionBody,
  SubscriptionList,
} from '../../../schemas/api/access.ts';
import { Subscription } from '../../../schemas/subscription.ts';
import { command } from '../commands.ts';
import { defined } from '../defined.ts';
import { callerOf, type Route, route } from '../route.ts';
import { subscriptionView } from '../views.ts';

const ADMIN = ['admin'] as const;
const Id = z.object({ id: Subscription.shape.id });
const SECRET_BYTES = 32;

const list = route({
  method: 'GET',
  url: '/v1/subscriptions',
  access: ADMIN,
  tag: 'subscriptions',
  summary: 'Webhooks that alerts are pushed to, and how they fare',
  answer: SubscriptionList,
  handle: async ({ context }) => ({
    items: [...context.ports.control.state.subscriptions.values()].map(subscriptionView),
  }),
});

const set = route({
  method: 'PUT',
  url: '/v1/subscriptions/:id',
  access: ADMIN,
  tag: 'subscriptions',
  summary: 'Add or replace a webhook; it is active afterwards. Without secrets it keeps its own, a new one gets one.',
  params: Id,
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

export const subscriptions: readonly Route[] = [list, set, remove];
