import { LIMITS } from '../../../schemas/limits.ts';
import { type Appended, LogUnavailable, PositionConflict, type Topic } from '../event-log.ts';
import type { CheckedWrite } from '../sqlite-log/write-check.ts';
import type { Telemetry } from '../telemetry.ts';
import { closedError } from './connection.ts';
import { unavailable } from './connection-errors.ts';
import { type FenceOptions, type HeldFence, holdFence } from './held-fence.ts';
import { refusalOf } from './refusals.ts';
import { physicalName, transactionalId } from './settings.ts';
import { type Staged, stageWrites } from './staged-writes.ts';
import type { Outcome } from './transactional-producer.ts';

export type WriterOptions = FenceOptions & {
  /** A write that no broker takes is given back after so long. */
  readonly write_wait_ms: number;
  /** Told of every partition that has grown, and where it ends now, before the writes resolve. */
  readonly wrote: (topic: string, partition: number, end: number) => void;
};

/** The writer of one fence: one transaction after the other, each of all that waited meanwhile. */
export type FencedWriter = {
  /** Resolves when the write is durable. */
  add(checked: CheckedWrite): Promise<Appended>;
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>;
  close(): void;
};

type Queued = {
  readonly checked: CheckedWrite;
  readonly since_ms: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
};
type Group = readonly Queued[];

/** What is left to do with a group: nothing, or all of it anew because nothing was written. */
type Left = { readonly kind: 'settled' } | { readonly kind: 'again'; readonly error: unknown };

const SETTLED: Left = { kind: 'settled' };
const PAUSE_MS = 5;
const PAUSE_MS_MAX = 500;

export function createFencedWriter(options: WriterOptions): FencedWriter {
  const { connection, fence } = options;
  const { clock, telemetry, closed } = connection;
  const fenced = holdFence(options);
  const carryOut = createCarrier(options, fenced);
  let queue: Queued[] = [];
  let draining: Promise<void> | undefined;

  /** Takes back what was not written, except what has waited too long. */
  const putBack = (group: Group, error: unknown): void => {
    const waiting = [...group, ...queue];
    const since_ms = closed.aborted ? Number.POSITIVE_INFINITY : clock.elapsed() - options.write_wait_ms;
    queue = waiting.filter((queued) => queued.since_ms > since_ms);
    const given_up = waiting.filter((queued) => queued.since_ms <= since_ms);
    refuse(telemetry, given_up, closed.aborted ? closedError() : refused(options, error));
    telemetry.occurred('log_transactions_repeated', {}, { fence, error: String(error) });
  };
  const drain = async (): Promise<void> => {
    await nextTurn();
    let pause = PAUSE_MS;
    while (queue.length > 0) {
      const group = queue.slice(0, groupSize(queue));
      queue = queue.slice(group.length);
      const left = await carryOut(group, () => queue.splice(0));
      if (left.kind === 'settled') {
        pause = PAUSE_MS;
        continue;
      }
      putBack(group, left.error);
      await clock.sleep(pause, closed);
      pause = Math.min(2 * pause, PAUSE_MS_MAX);
    }
    draining = undefined;
  };

  return {
    add: (checked) =>
      new Promise((resolve, reject) => {
        queue.push({ checked, since_ms: clock.elapsed(), resolve, reject });
        draining ??= drain();
      }),
    drained: async () => draining,
    close: fenced.spend,
  };
}

/**
 * Carries out groups of writes, one transaction each. `rest` takes what waits behind the group: when the office is lost,
 * nobody may take it for granted that this is still meant.
 */
function createCarrier(options: WriterOptions, fenced: HeldFence) {
  const { connection, fence, role } = options;
  const { settings, telemetry } = connection;

  const shutOut = (group: Group, rest: () => Group): Left => {
    fenced.lose();
    if (role === 'process') {
      telemetry.occurred('log_writers_fenced', {}, { instance: settings.instance });
      const remedy = 'end it, or give each process a data directory of its own';
      return again(new LogUnavailable('busy', `another process runs as ${settings.instance}: ${remedy}`));
    }
    const conflict = new PositionConflict(`another process has taken over ${fence}`);
    for (const { reject } of [...group, ...rest()]) reject(conflict);
    return SETTLED;
  };
  const failed = async (
    group: Group,
    rest: () => Group,
    outcome: Exclude<Outcome, { kind: 'committed' }>,
  ): Promise<Left> => {
    if (outcome.kind === 'fenced') return shutOut(group, rest);
    fenced.spend();
    if (outcome.kind === 'unknown') {
      fenced.forget();
      const cause = { cause: outcome.error };
      refuse(telemetry, group, new LogUnavailable('io', `the end of a transaction of ${fence} is not known`, cause));
      return SETTLED;
    }
    if (outcome.passing) return again(outcome.error);
    if (group.length === 1) {
      refuse(telemetry, group, refused(options, outcome.error));
      return SETTLED;
    }
    // Alone, each write succeeds or fails for its own sake.
    for (const queued of group) {
      const left = await carryOut([queued], rest);
      if (left.kind === 'again') refuse(telemetry, [queued], refused(options, left.error));
    }
    return SETTLED;
  };
  const transact = async (group: Group, rest: () => Group): Promise<Left> => {
    const until_ms = (group[0] as Queued).since_ms + options.write_wait_ms;
    const opened = await fenced.producer(until_ms);
    if (opened.kind === 'fenced') return shutOut(group, rest);
    if (opened.kind === 'failed') return failed(group, rest, { ...opened, kind: 'not_written' });
    const staged = stageWrites({
      writes: group.map(({ checked }) => checked),
      memory: await fenced.learn(group.map(({ checked }) => checked.write)),
      fence,
      ledger: options.ledger,
      ledger_topic: settings.topics.ledger,
      nameOf: (topic) => physicalName(settings, topic),
    });
    const offsets: Outcome =
      staged.parts.length === 0
        ? { kind: 'committed', offsets: [] }
        : await opened.producer.commit(staged.parts, until_ms);
    if (offsets.kind !== 'committed') return failed(group, rest, offsets);
    fenced.remember(staged.memory);
    settle(options, group, staged, offsets.offsets);
    return SETTLED;
  };
  const carryOut = async (asked: Group, rest: () => Group): Promise<Left> => {
    try {
      const group = await withoutHopeless(fenced, asked);
      return group.length === 0 ? SETTLED : await transact(group, rest);
    } catch (error) {
      // The ledger could not be read, or a defect: nothing of the group was committed.
      fenced.spend();
      refuse(telemetry, asked, error);
      return SETTLED;
    }
  };
  return carryOut;
}

async function withoutHopeless(fenced: HeldFence, group: Group): Promise<Group> {
  for (const [i, { checked, reject }] of group.entries()) {
    const conflict = await fenced.hopeless(checked.write);
    // The first that is worth asking for the fence asks for all behind it.
    if (conflict === undefined) return group.slice(i);
    reject(conflict);
  }
  return [];
}

function again(error: unknown): Left {
  return { kind: 'again', error };
}

/** Lets everything that is ready run first: what it writes joins the transaction. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How many of the waiting writes go into one transaction: at least one, and not much over the limit in bytes. */
function groupSize(queue: Group): number {
  let bytes = 0;
  let size = 0;
  while (size < queue.length && bytes < LIMITS.kafka_group_bytes_max) {
    bytes += (queue[size] as Queued).checked.bytes;
    size++;
  }
  return size;
}

/** What a failure of the brokers means to the writer's caller. */
function refused({ connection, fence }: WriterOptions, error: unknown): unknown {
  const doing = `writing as ${transactionalId(connection.settings, fence)}`;
  return refusalOf(error, doing) ?? unavailable(error, doing);
}

function refuse(telemetry: Telemetry, group: Group, error: unknown): void {
  if (group.length === 0) return;
  const reason = error instanceof LogUnavailable ? error.reason : 'defect';
  telemetry.occurred('log_unavailable', { reason }, { error: String(error) }, group.length);
  for (const { reject } of group) reject(error);
}

function settle(options: WriterOptions, group: Group, staged: Staged, offsets: readonly (readonly number[])[]): void {
  staged.parts.forEach(({ topic, partition }, part) => {
    options.wrote(topic, partition, (offsets[part]?.at(-1) as number) + 1);
  });
  if (staged.parts.length > 0) countAppended(options, group, staged);
  group.forEach(({ checked, resolve, reject }, i) => {
    const place = staged.places[i] as Staged['places'][number];
    if (place instanceof PositionConflict) {
      reject(place);
      return;
    }
    const at = (record: number): number =>
      offsets[place.parts[record] as number]?.[place.indices[record] as number] as number;
    resolve({ offsets: checked.partitions.map((partition, record) => ({ partition, offset: at(record) })) });
  });
}

function countAppended({ connection }: WriterOptions, group: Group, staged: Staged): void {
  const appended = new Map<Topic, number>();
  group.forEach(({ checked }, i) => {
    if (staged.places[i] instanceof PositionConflict) return;
    for (const { topic } of checked.write.records) appended.set(topic, (appended.get(topic) ?? 0) + 1);
  });
  connection.telemetry.occurred('log_commits', {});
  for (const [topic, count] of appended) {
    connection.telemetry.occurred('log_records_appended', { topic }, undefined, count);
  }
}
