import type { z } from 'zod';
import type { DeliveryView, KeyView, SubscriptionView } from '../../schemas/api/access.ts';
import type { ContainmentView, ExecutorView } from '../../schemas/api/containments.ts';
import type { EventView } from '../../schemas/api/events.ts';
import type { CreatedLink, SessionView } from '../../schemas/api/sign-in.ts';
import type { Containment } from '../../schemas/containment.ts';
import { EVENT_FLAGS } from '../../schemas/event.ts';
import type { ScoredEvent } from '../../schemas/outputs.ts';
import type { SignInLink } from '../../schemas/session.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import { situationOf } from '../control/explain.ts';
import type { SessionEntry } from '../control/sessions.ts';
import type { ControlState, KeyEntry } from '../control/state.ts';
import { defined } from './defined.ts';
import type { LaneReport, Ports, SubscriptionReport } from './ports.ts';

/** How things of the inside look from the outside. */

export function containmentView(containment: Containment, state: ControlState): ContainmentView {
  const { code, message, until } = situationOf(containment, state);
  return { ...containment, situation: { code, message, ...defined({ until }) } };
}

/** Says plainly when an approval would lead to nothing. */
export function executorView({ responder }: ControlState): ExecutorView {
  if (responder === undefined) {
    return { state: 'no_responder', message: 'no responder has ever run: nothing is decided and nothing is executed' };
  }
  const { executors } = responder;
  if (executors.length === 0) {
    const message = 'no executor is configured: an approved containment is not executed and expires';
    return { state: 'not_configured', message };
  }
  const name = executors.join(', ');
  return { state: 'configured', name, message: `approved containments are carried out by ${name}` };
}

export function eventView(scored: ScoredEvent, detectors: readonly string[]): EventView {
  const { event, log_time, bits, parts, flags } = scored;
  return {
    event,
    log_time,
    bits,
    detectors: Object.fromEntries(
      detectors.map((name, index) => [name, parts[index] ?? 0] as const).filter(([, part]) => part > 0),
    ),
    flags: EVENT_FLAGS.filter((_, index) => (flags & (1 << index)) !== 0),
  };
}

export function keyView({ key, revoked, replaced_by }: KeyEntry, last_used?: number): KeyView {
  const { hash: _, ...shown } = key;
  return { ...shown, ...defined({ revoked, replaced_by, last_used }) };
}

/** A one-time link, shown this once. Its token stands behind `#`, which browsers send to nobody. */
export function linkView(
  { auth: { public_url } }: Pick<Ports, 'auth'>,
  { link, token }: { readonly link: SignInLink; readonly token: string },
): z.input<typeof CreatedLink> {
  const path = `/sign-in/link#${token}`;
  const { principal, expires } = link;
  return { principal, path, expires, ...(public_url !== undefined && { url: `${public_url}${path}` }) };
}

export function sessionView({ session, ended }: SessionEntry): SessionView {
  const { hash: _, ...shown } = session;
  return { ...shown, ...defined({ ended }) };
}

export function subscriptionView({ subscription, ...rest }: SubscriptionEntry): z.input<typeof SubscriptionView> {
  const { secrets, ...shown } = subscription;
  return { ...rest, subscription: { ...shown, secret_count: secrets.length } };
}

export function deliveryView(report: SubscriptionReport): DeliveryView {
  const { behind, redelivery } = report;
  return { ...laneView(report), behind, ...(redelivery !== undefined && { redelivery: laneView(redelivery) }) };
}

function laneView({ state, attempts, next_attempt_ms, last_error, last_delivered_ms }: LaneReport) {
  const times = defined({ next_attempt: next_attempt_ms, last_error, last_delivered: last_delivered_ms });
  return { state, attempts, ...times };
}
