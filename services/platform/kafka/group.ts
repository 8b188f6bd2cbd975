import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../clock.ts';
import type { AssignmentListener, Subscription } from '../event-log.ts';
import { assignPartitions } from './assignor.ts';
import { closedError, type KafkaConnection } from './connection.ts';
import { type Failure, failureOf, isTransient, unavailable } from './connection-errors.ts';
import { createGroupPartitions, type GroupPartitions } from './group-partitions.ts';
import { createGroupRequests, type GroupRequests, type Membership, type Progress } from './group-requests.ts';

export type JoinOptions = {
  /** Name on the cluster. */
  readonly topic: string;
  /** Full name of the group. */
  readonly group: string;
  readonly listener: AssignmentListener;
  /** A member that gives no sign of life for so long is given up; the connection's setting when absent. */
  readonly session_timeout_ms?: number;
  /** See `kafka_rebalance_ms` and `kafka_heartbeat_ms_max`, which are the defaults. */
  readonly rebalance_ms?: number;
  readonly heartbeat_ms?: number;
};

/** A member of a group: where it stands, and what it works with. */
type Member = {
  readonly group: string;
  readonly clock: Clock;
  readonly session_ms: number;
  readonly heartbeat_ms: number;
  readonly requests: GroupRequests;
  readonly partitions: GroupPartitions;
  /** Aborted when the member is to leave. */
  readonly leaving: AbortController;
  readonly fail: (error: unknown) => void;
  membership: Membership;
  /** A join is under way: the coordinator is ahead of what we know. */
  joining: boolean;
  /** When the last question was asked that the coordinator answered. */
  heard_ms: number;
  /** Aborted when there is a reason to join anew. */
  calm: AbortController;
  /** Partitions that this member shared out, and when it last looked whether there are more. */
  shared: { readonly partitions: number; looked_ms: number } | undefined;
};

const RETRY_MS = 50;
const RETRY_MS_MAX = 1_000;
const LOOK_MS = 30_000;

/** The coordinator does not know the member, or not in this generation: others may have its partitions. */
const ENDED: ReadonlySet<string> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);
const REBALANCE = 'REBALANCE_IN_PROGRESS';
const NOBODY: Membership = { member: '', generation: -1 };

/**
 * Joins a group by a membership of our own: kafkajs's consumer keeps handlers running, and commits, for partitions that it
 * has lost. Partitions that stay are not touched by a rebalance. Those that move are handed over first, and only then does
 * the member join again, which gives them on.
 *
 * Signs of life go out by a timer, so long work keeps the membership while a process that stands still loses it: by the
 * coordinator's verdict, or by a session timeout without an answer, everything is `lost`.
 *
 * Rejects with LogUnavailable when the group's coordinator cannot be found.
 */
export async function joinGroup(connection: KafkaConnection, options: JoinOptions): Promise<Subscription> {
  const { clock, settings } = connection;
  const session_ms = options.session_timeout_ms ?? settings.session_timeout_ms;
  const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>();
  const leaving = new AbortController();
  const failOnce = (error: unknown): void => {
    if (leaving.signal.aborted) return;
    fail(error);
    leaving.abort();
  };
  const member: Member = {
    group: options.group,
    clock,
    session_ms,
    heartbeat_ms: options.heartbeat_ms ?? Math.min(LIMITS.kafka_heartbeat_ms_max, session_ms / 6),
    requests: createGroupRequests(connection, {
      topic: options.topic,
      group: options.group,
      session_ms,
      rebalance_ms: Math.max(session_ms, options.rebalance_ms ?? LIMITS.kafka_rebalance_ms),
    }),
    partitions: createGroupPartitions({ listener: options.listener, failed: failOnce }),
    leaving,
    fail: failOnce,
    membership: NOBODY,
    joining: true,
    heard_ms: clock.elapsed(),
    calm: new AbortController(),
    shared: undefined,
  };
  try {
    await connection.persist(`looking for the coordinator of ${options.group}`, member.requests.findCoordinator);
  } catch (error) {
    member.requests.destroy();
    throw error;
  }
  const left = run(member);
  connection.closed.addEventListener('abort', () => failOnce(closedError()), { once: true, signal: leaving.signal });
  return {
    failed,
    show: (progress) => show(member, progress),
    close: () => {
      leaving.abort();
      return left;
    },
  };
}

/** The whole life of a member. Resolves when it has left the group. */
async function run(member: Member): Promise<void> {
  const { leaving, partitions, requests } = member;
  const silent = new AbortController();
  const signs = giveSigns(member, silent.signal);
  leaving.signal.addEventListener(
    'abort',
    () => {
      requests.interrupt();
      member.calm.abort();
    },
    { once: true },
  );
  await takePart(member);
  // Signs of life go on: nobody else may begin before everything is handed over.
  await partitions.revoke(partitions.owned(), 'handed_over');
  await partitions.settled();
  silent.abort();
  await signs;
  if (member.membership.member !== '') {
    // A coordinator that does not hear it finds out by the session timeout.
    await requests.leave(member.membership.member).catch(() => {});
  }
  requests.destroy();
}

/** Joins, and joins anew whenever there is a reason to. Resolves when the member is to leave. */
async function takePart(member: Member): Promise<void> {
  const { clock, leaving, partitions } = member;
  let pause_ms = RETRY_MS;
  while (!leaving.signal.aborted) {
    member.joining = true;
    member.calm = new AbortController();
    try {
      const given = await joinOnce(member);
      pause_ms = RETRY_MS;
      if (leaving.signal.aborted) return;
      const leaves = partitions.owned().filter((partition) => !given.includes(partition));
      const handedOver = partitions.revoke(leaves, 'handed_over');
      partitions.assign(given, member.membership);
      await handedOver;
      if (leaves.length === 0) await aborted(member.calm.signal);
    } catch (error) {
      if (leaving.signal.aborted) return;
      const failure = failureOf(error);
      if (ENDED.has(failure.type)) lose(member, failure);
      else if (isTransient(failure)) {
        await clock.sleep(pause_ms, leaving.signal);
        pause_ms = Math.min(2 * pause_ms, RETRY_MS_MAX);
      } else if (failure.type !== REBALANCE) return member.fail(unavailable(error, `taking part in ${member.group}`));
    }
  }
}

/** Comes together with the others. Returns the partitions that the member may have now. */
async function joinOnce(member: Member): Promise<readonly number[]> {
  const { clock, requests } = member;
  const { member: id, generation } = member.membership;
  const claim = { owned: member.partitions.owned(), generation };
  const { membership, claims } = await requests.join(id, claim, (named) => {
    member.membership = { member: named, generation };
  });
  member.membership = membership;
  const count = claims === undefined ? undefined : await requests.countPartitions();
  member.shared = count === undefined ? undefined : { partitions: count, looked_ms: clock.elapsed() };
  const asked_ms = clock.elapsed();
  const given = await requests.sync(
    membership,
    count === undefined ? undefined : assignPartitions(count, claims ?? []).given,
  );
  member.heard_ms = Math.max(member.heard_ms, asked_ms);
  member.joining = false;
  return given;
}

/** Others may have the partitions already. */
function lose(member: Member, failure: Failure | undefined): void {
  if (failure?.type === 'UNKNOWN_MEMBER_ID') member.membership = NOBODY;
  member.heard_ms = member.clock.elapsed();
  void member.partitions.revoke(member.partitions.owned(), 'lost');
  member.calm.abort();
}

/** Until silenced. What is asked does not hold the timer up, which also notices that no answers come. */
async function giveSigns(member: Member, silenced: AbortSignal): Promise<void> {
  const { clock } = member;
  let asking: Promise<void> | undefined;
  while (!silenced.aborted) {
    if (clock.elapsed() - member.heard_ms > member.session_ms) lose(member, undefined);
    asking ??= giveSign(member).finally(() => {
      asking = undefined;
    });
    await clock.sleep(member.heartbeat_ms, silenced);
  }
  await asking;
}

async function giveSign(member: Member): Promise<void> {
  const { clock, membership, requests } = member;
  if (membership === NOBODY) return;
  const asked_ms = clock.elapsed();
  const heard = (): void => {
    member.heard_ms = Math.max(member.heard_ms, asked_ms);
  };
  try {
    await requests.heartbeat(membership);
    heard();
    await lookForPartitions(member);
  } catch (error) {
    const failure = failureOf(error);
    if (isTransient(failure)) return;
    if (ENDED.has(failure.type) || failure.type === REBALANCE) {
      heard();
      // Of another generation than the one asked about nothing follows for this one.
      if (member.joining || member.membership !== membership) return;
      if (failure.type === REBALANCE) member.calm.abort();
      else lose(member, failure);
    } else member.fail(unavailable(error, `giving ${member.group} a sign of life`));
  }
}

/** A topic that has got more partitions has to be shared out anew. */
async function lookForPartitions(member: Member): Promise<void> {
  const { clock, requests, shared } = member;
  if (shared === undefined || clock.elapsed() - shared.looked_ms < LOOK_MS) return;
  shared.looked_ms = clock.elapsed();
  if ((await requests.countPartitions()) !== shared.partitions) member.calm.abort();
}

/**
 * Commits with the membership that each partition came with, so that the coordinator refuses what another member may show
 * better. What is refused or cannot be told now is left out: it is for displays only.
 */
async function show(member: Member, progress: Progress): Promise<void> {
  const parts = new Map<Membership, { readonly partition: number; readonly next: number }[]>();
  for (const shown of progress) {
    const membership = member.partitions.membershipOf(shown.partition);
    if (membership === undefined) throw new RangeError(`partition ${shown.partition} was never assigned`);
    const part = parts.get(membership);
    if (part === undefined) parts.set(membership, [shown]);
    else part.push(shown);
  }
  for (const [membership, part] of parts) {
    try {
      await member.requests.commit(membership, part);
    } catch (error) {
      const failure = failureOf(error);
      if (!ENDED.has(failure.type) && failure.type !== REBALANCE && !isTransient(failure)) {
        throw unavailable(error, `showing how far ${member.group} has read`);
      }
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
