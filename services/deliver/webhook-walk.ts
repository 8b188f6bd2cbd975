import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventLog, LogWrite } from '../platform/event-log.ts';
import type { PostAnswer, PostRequest, TargetPolicy } from '../platform/http-post.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { SubscriptionSource } from './subscriptions.ts';
import type { Wakeup } from './wakeup.ts';
import { encodeLane, type LaneState } from './webhook-core.ts';

export type WebhookPorts = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Jitter in [0, 1). */
  readonly random: () => number;
  /** `post` of platform/http-post. */
  readonly post: (request: PostRequest) => Promise<PostAnswer>;
  readonly policy: TargetPolicy;
  readonly subscriptions: SubscriptionSource;
};

/** What a lane is doing, for people. Changes under its readers' hands. */
export type LaneStatus = {
  state: 'starting' | 'idle' | 'sending' | 'waiting' | 'disabled' | 'misconfigured' | 'stalled' | 'ended';
  next_offset: number;
  /** Failed attempts of the message at the head. */
  attempts: number;
  next_attempt_ms: number | undefined;
  last_error: string | undefined;
  last_delivered_ms: number | undefined;
};

export type Lane = {
  readonly subscription: string;
  /** Name of its position in the log. */
  readonly position: string;
  readonly kind: 'live' | 'redelivery';
  readonly status: LaneStatus;
  /** Ends a pause: a person says that trying again may help. */
  readonly wakeup: Wakeup;
};

/**
 * All live lanes hold one office, for deliver is one process at a time. Redeliveries hold another: any process may begin
 * one, and must not shut out the live lanes by that.
 */
export const FENCES = { live: 'webhooks', redelivery: 'webhooks.redelivery' } as const satisfies Record<
  Lane['kind'],
  string
>;
export const livePosition = (subscription: string): string => `deliver.webhook.${subscription}`;
export const redeliveryPosition = (subscription: string): string => `deliver.webhook.${subscription}.redelivery`;

export function newStatus(): LaneStatus {
  return {
    state: 'starting',
    next_offset: 0,
    attempts: 0,
    next_attempt_ms: undefined,
    last_error: undefined,
    last_delivered_ms: undefined,
  };
}

/** A lane with its state as the log has it. Spent once anything rejected. */
export type Walk = {
  readonly ports: WebhookPorts;
  readonly lane: Lane;
  state: LaneState;
  stored: string | undefined;
  /** The subscription as it was last tried: a changed one is tried at once, and its message has all its time again. */
  tried: SubscriptionEntry | undefined;
};

/** Moves the position, together with what else must be true with it. Rejects with PositionConflict or LogUnavailable. */
export async function save(
  walk: Walk,
  state: LaneState,
  also: Partial<Pick<LogWrite, 'records' | 'counters'>> = {},
): Promise<void> {
  const { ports, lane } = walk;
  const position = encodeLane(state);
  await ports.log.transact({
    records: also.records ?? [],
    counters: also.counters ?? [],
    positions: [{ name: lane.position, position }],
    expect: { name: lane.position, position: walk.stored, fence: FENCES[lane.kind] },
  });
  walk.state = state;
  walk.stored = position;
  show(lane, state);
}

/** Makes the status say where the lane stands. */
export function show(lane: Lane, { next, attempts, due_ms }: LaneState): void {
  lane.status.next_offset = next;
  lane.status.attempts = attempts;
  lane.status.next_attempt_ms = attempts === 0 ? undefined : due_ms;
}
