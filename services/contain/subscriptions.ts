import type { Command, Outcome } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { CONFIGURED_SUBSCRIPTION } from '../../schemas/subscription.ts';
import { audit, refusal, type Turn, write } from './turn.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/** Adds a subscription or replaces it as a whole; either way it is active afterwards. */
export function set(turn: Turn, command: Of<'subscription_set'>): Outcome {
  const { subscription } = command;
  const known = turn.state.subscriptions;
  if (!known.has(subscription.id) && known.size >= LIMITS.subscriptions_max) {
    return refusal('too_many', `at most ${LIMITS.subscriptions_max} subscriptions`);
  }
  const what = `subscription ${subscription.id} set`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'subscription_set',
    subscription,
  });
  return { kind: 'done', subject: subscription.id, state: 'active' };
}

export function remove(turn: Turn, command: Of<'subscription_remove'>): Outcome {
  const { subscription } = command;
  if (!turn.state.subscriptions.has(subscription)) return unknown();
  const what = `subscription ${subscription} removed`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'subscription_removed',
    subscription,
  });
  return { kind: 'done', subject: subscription, state: 'removed' };
}

export function status(turn: Turn, command: Of<'subscription_status'>): Outcome {
  const { subscription, status: next } = command;
  if (!turn.state.subscriptions.has(subscription)) return unknown();
  const what = `subscription ${subscription} ${next.state}: ${next.reason}`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'subscription_status',
    subscription,
    status: next,
  });
  return { kind: 'done', subject: subscription, state: next.state };
}

/** Changes nothing: whoever runs the lanes reads in the control log that pauses shall end. */
export function retry(turn: Turn, command: Of<'subscription_retry'>): Outcome {
  const { subscription } = command;
  if (subscription !== CONFIGURED_SUBSCRIPTION && !turn.state.subscriptions.has(subscription)) return unknown();
  const what = `subscription ${subscription} is tried again`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'subscription_retried',
    subscription,
  });
  return { kind: 'done', subject: subscription, state: 'retried' };
}

function unknown(): Outcome {
  return refusal('subscription_unknown', 'there is no such subscription');
}
