import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../clock.ts';
import { failureOf, isTransient, unavailable } from './connection-errors.ts';
import type { KafkaNodes } from './connection-nodes.ts';
import {
  type FetchedPartition,
  type FetchTarget,
  fetchRequest,
  OFFSET_OUT_OF_RANGE,
  UNKNOWN_TOPIC_IDS,
} from './fetch-request.ts';
import { errorOfCode, sendRaw } from './internals.ts';
import type { KafkaMetadata } from './metadata.ts';

type Waiter = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Of the topic, as last heard. */
  id: string;
  readonly settle: (error?: unknown) => void;
  settled: boolean;
  /** When looking for news began to fail, and nothing has come since. */
  failing_since: number | undefined;
};

/** Those who wait for news from one broker. */
type Group = { readonly node: number; readonly waiters: Set<Waiter>; changed: boolean };

export type Polls = {
  /** Resolves once there is something beyond the offset, or when the signal aborts. Rejects with LogUnavailable. */
  wait(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void>;
};

/**
 * First wait of a broker for news. It doubles while nothing changes, up to `kafka_poll_ms_max`: whoever comes to wait while
 * a question is open is asked for only with the next.
 */
const POLL_MS = 10;
const PAUSE_MS = 50;
/** Bytes of news that come along with the answer, of each partition and in all. */
const PARTITION_BYTES = 512 * 1024;
const ANSWER_BYTES = 4 * 1024 * 1024;
const UNKNOWN_TOPIC_OR_PARTITION = 3;

type Options = {
  readonly clock: Clock;
  /** Ends all waiting. */
  readonly closed: AbortSignal;
  /** Used for nothing else: a broker answers nothing on a connection on which it keeps a question open. */
  readonly nodes: KafkaNodes;
  readonly metadata: KafkaMetadata;
  /** Told of what came along with news, read from the offset. */
  readonly found: (found: FetchedPartition, offset: number) => void;
};

type State = Options & { readonly groups: Map<number, Group> };

/** One open question for each broker, for all who wait for news of partitions that it leads. */
export function createPolls(options: Options): Polls {
  const state: State = { ...options, groups: new Map() };
  const { closed, groups } = state;
  return {
    wait: (topic, partition, offset, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted || closed.aborted) return resolve();
        const settle = (error?: unknown): void => {
          if (waiter.settled) return;
          waiter.settled = true;
          signal.removeEventListener('abort', stop);
          closed.removeEventListener('abort', stop);
          if (error === undefined) resolve();
          else reject(error);
        };
        const waiter: Waiter = { topic, partition, offset, id: '', settle, settled: false, failing_since: undefined };
        const stop = (): void => {
          for (const group of groups.values()) group.waiters.delete(waiter);
          settle();
        };
        signal.addEventListener('abort', stop, { once: true });
        closed.addEventListener('abort', stop, { once: true });
        void join(state, waiter);
      }),
  };
}

/** Goes to those who wait for the leader of the partition. */
async function join(state: State, waiter: Waiter): Promise<void> {
  const { groups, metadata } = state;
  try {
    const { node, id } = await metadata.place(waiter.topic, waiter.partition);
    if (waiter.settled) return;
    waiter.id = id;
    const group = groups.get(node) ?? { node, waiters: new Set(), changed: true };
    group.waiters.add(waiter);
    group.changed = true;
    if (groups.get(node) === group) return;
    groups.set(node, group);
    void run(state, group);
  } catch (error) {
    await failed(state, waiter, error);
  }
}

/** Looks for the partition's leader again, unless that has been in vain for too long. */
async function failed(state: State, waiter: Waiter, error: unknown): Promise<void> {
  const { clock, closed, metadata } = state;
  metadata.forget(waiter.topic);
  waiter.failing_since ??= clock.elapsed();
  const late = clock.elapsed() - waiter.failing_since > LIMITS.kafka_retry_ms_max;
  if (closed.aborted) return waiter.settle();
  if (late || !isTransient(failureOf(error))) {
    return waiter.settle(unavailable(error, `waiting for ${waiter.topic}/${waiter.partition}`));
  }
  await clock.sleep(PAUSE_MS, closed);
  if (!waiter.settled) await join(state, waiter);
}

/** Asks as long as anybody waits. */
async function run(state: State, group: Group): Promise<void> {
  for (let wait_ms = POLL_MS; group.waiters.size > 0; ) {
    group.changed = false;
    const asked = [...group.waiters];
    try {
      const news = await ask(state, group, wait_ms);
      wait_ms = news || group.changed ? POLL_MS : Math.min(2 * wait_ms, LIMITS.kafka_poll_ms_max);
    } catch (error) {
      for (const waiter of asked) if (group.waiters.delete(waiter)) void failed(state, waiter, error);
    }
  }
  state.groups.delete(group.node);
}

/** One question, for all who wait now. Whether there were news. */
async function ask(state: State, group: Group, wait_ms: number): Promise<boolean> {
  const { clock, closed, nodes } = state;
  const targets = targetsOf(group.waiters);
  const timeout_ms = wait_ms + LIMITS.kafka_request_ms;
  const request = fetchRequest([...targets.values()], { wait_ms, bytes: ANSWER_BYTES, timeout_ms });
  const answer = await nodes.use(group.node, (broker) => sendRaw(broker, request));
  if (answer.partitions.length === 0) await clock.sleep(Math.max(answer.throttle_ms, PAUSE_MS), closed);
  let news = false;
  for (const found of answer.partitions) {
    const target = targets.get(`${found.id}/${found.partition}`);
    if (target === undefined) continue;
    news ||= found.error_code !== 0 || found.stable > target.offset;
    heard(state, group, found);
    if (found.error_code === 0 && found.batches.length > 0) state.found(found, target.offset);
  }
  return news;
}

/** Tells those who wait for the partition. */
function heard(state: State, group: Group, found: FetchedPartition): void {
  const { error_code } = found;
  for (const waiter of [...group.waiters]) {
    if (waiter.id !== found.id || waiter.partition !== found.partition) continue;
    if (error_code !== 0 && error_code !== OFFSET_OUT_OF_RANGE) {
      group.waiters.delete(waiter);
      const code = UNKNOWN_TOPIC_IDS.has(error_code) ? UNKNOWN_TOPIC_OR_PARTITION : error_code;
      void failed(state, waiter, errorOfCode(code));
      continue;
    }
    waiter.failing_since = undefined;
    // Out of range: the next read says what is there.
    if (error_code === 0 && found.stable <= waiter.offset) continue;
    group.waiters.delete(waiter);
    waiter.settle();
  }
}

/** Each partition once, from the smallest offset that anybody waits at. */
function targetsOf(waiters: ReadonlySet<Waiter>): ReadonlyMap<string, FetchTarget> {
  const targets = new Map<string, FetchTarget>();
  for (const { topic, id, partition, offset } of waiters) {
    const name = `${id}/${partition}`;
    const known = targets.get(name);
    if (known !== undefined && known.offset <= offset) continue;
    targets.set(name, { topic, id, partition, offset, bytes: PARTITION_BYTES });
  }
  return targets;
}
