import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import {
  type EventLog,
  FINDINGS_PARTITION,
  type LogRead,
  OffsetOutOfRange,
  RecordsUnreadable,
  TOPICS,
} from '../../platform/event-log.ts';
import type { GapPort } from '../../platform/gaps.ts';
import { evidenceOf } from '../gap.ts';
import { emptyOutputs } from '../handover.ts';
import { createPatience, type Patience, Stopped } from '../patience.ts';
import { Pieces, waitingBlob } from '../pieces.ts';
import { type Batch, Writer, type WriterOptions } from '../writer.ts';
import { gapBefore, goOnBehind, readGround, STORIES_PLACE, type TakenUp, takeUpStories } from './take-up.ts';
import type { StoryWorker } from './worker.ts';

/**
 * The shell of the worker of stories: reads what was handed on, lets the worker apply it, and writes alerts at once and
 * state now and then, in the order on which recovery rests. It may be ended anywhere: what was not written is read again.
 */
export type StoriesOptions = Omit<WriterOptions, 'signal' | 'topic'> & {
  readonly gaps: GapPort;
  readonly checkpoint_ms?: number;
  readonly fetch_records_max?: number;
};

/** Position in the log up to which the stories' alerts are durable. For displays and those who wait; not decisive. */
export const STORIES_COMMITTED = 'stories.committed';

/** How far the stories have come in the log, whichever process works on them. Rejects with LogUnavailable. */
export async function storiesProgress(
  log: Pick<EventLog, 'position' | 'bounds'>,
): Promise<{ readonly next_offset: number; readonly end_offset: number }> {
  const next_offset = Number((await log.position(STORIES_COMMITTED)) ?? 0);
  const { end } = await log.bounds(TOPICS.findings, FINDINGS_PARTITION);
  return { next_offset, end_offset: Math.max(end, next_offset) };
}

const WAIT_MS = UNITS.SECOND_MS;

/** Works until the signal aborts. Rejects on a defect. */
export async function runStories(options: StoriesOptions, signal: AbortSignal): Promise<void> {
  const shell: Shell = {
    options,
    signal,
    patience: createPatience({ ...options, signal }),
    writer: new Writer({ ...options, signal, topic: TOPICS.findings }),
  };
  try {
    while (!signal.aborted) {
      const taken = await shell.patience.until('read', () => takeUpStories(options));
      if (!(await atGap(shell, taken)) && taken.kind === 'ready') await follow(shell, taken.worker);
    }
  } catch (error) {
    if (!(signal.aborted && error instanceof Stopped)) throw error;
  }
}

type Shell = {
  readonly options: StoriesOptions;
  readonly signal: AbortSignal;
  readonly patience: Patience;
  readonly writer: Writer;
};

/** Stands still at a gap until somebody has decided, and moves on as it was decided. False when there is none. */
async function atGap({ options, patience, signal }: Shell, taken: TakenUp): Promise<boolean> {
  const { gaps, telemetry } = options;
  const { manifest } = taken;
  const found = taken.kind === 'gap' ? taken.gap : manifest && gaps.hidden(STORIES_PLACE, evidenceOf(manifest));
  if (found === undefined) {
    if (taken.kind === 'ready') {
      const at = taken.worker.next - taken.worker.offset_base;
      await patience.until('gaps', () => gaps.working(STORIES_PLACE, at));
    }
    return false;
  }
  const { id, topic, partition, reason, message } = found;
  telemetry.occurred('gaps_found', {}, { gap: id, topic, partition, reason, message });
  await patience.until('gaps', () => gaps.report(found));
  let decided = gaps.decision(id);
  while (decided === undefined && !signal.aborted) {
    await gaps.changed(signal);
    decided = gaps.decision(id);
  }
  if (decided === undefined) return true;
  const resume = decided;
  const at = await patience.until('manifests', () =>
    goOnBehind(options, { kind: 'gap', gap: found, manifest }, resume),
  );
  await patience.until('gaps', () => gaps.closed(id, at));
  return true;
}

/** Works on until the signal aborts or the topic turns out to be another one. */
async function follow(shell: Shell, worker: StoryWorker): Promise<void> {
  const { options, signal, patience } = shell;
  const { clock, log } = options;
  const { checkpoint_ms = LIMITS.story_checkpoint_ms } = options;
  const durable = { state: worker.next, committed: worker.next };
  await commit(shell, worker);
  let [saved_ms, checked_ms] = [clock.elapsed(), clock.elapsed()];
  while (!signal.aborted) {
    if (clock.elapsed() - checked_ms >= LIMITS.log_check_ms) {
      if (!(await patience.until('read', () => holds(log, worker)))) return;
      checked_ms = clock.elapsed();
    }
    const read = await patience.until('read', () => readNext(options, worker));
    if (read === 'out_of_range') return;
    take(shell, worker, read);
    await writeOutputs(shell, worker);
    if (worker.next > durable.state && clock.elapsed() - saved_ms >= checkpoint_ms) {
      await checkpoint(shell, worker);
      durable.state = worker.next;
      saved_ms = clock.elapsed();
    }
    if (read.records.length > 0) continue;
    if (worker.next > durable.committed) await commit(shell, worker);
    durable.committed = worker.next;
    await idle(shell, worker);
  }
}

/** The next records under their logical offsets. */
async function readNext(
  { log, fetch_records_max = LIMITS.fetch_records_max }: StoriesOptions,
  worker: StoryWorker,
): Promise<LogRead | 'out_of_range'> {
  const base = worker.offset_base;
  const most = { records: fetch_records_max, bytes: LIMITS.fetch_bytes_max };
  try {
    const { records, next } = await log.read(TOPICS.findings, FINDINGS_PARTITION, worker.next - base, most);
    return { records: records.map((record) => ({ ...record, offset: record.offset + base })), next: next + base };
  } catch (error) {
    if (error instanceof OffsetOutOfRange) return 'out_of_range';
    // What only a foreign writer can have left is passed by: there is nothing of ours in it.
    if (error instanceof RecordsUnreadable) return { records: [], next: error.next + base };
    throw error;
  }
}

function take({ options }: Shell, worker: StoryWorker, { records, next }: LogRead): void {
  const before = worker.counters.repeated ?? 0;
  for (const record of records) worker.apply(record);
  worker.skipTo(next);
  const repeated = (worker.counters.repeated ?? 0) - before;
  if (repeated > 0) options.telemetry.occurred('stories_repeated', {}, {}, repeated);
}

async function writeOutputs({ options, patience, writer }: Shell, worker: StoryWorker): Promise<void> {
  if (!worker.pending) return;
  const { outputs, rejected } = worker.takeOutputs();
  await writer.write({ outputs, cuts: [] });
  for (const { alert } of outputs.alerts) {
    const fields = { uid: alert.uid, revision: alert.revision };
    options.telemetry.occurred('stories_revised', { status: alert.status }, fields);
  }
  if (rejected.length === 0) return;
  const records = rejected.map((letter) => ({
    topic: TOPICS.dead,
    key: letter.position,
    value: Buffer.from(JSON.stringify(letter)),
  }));
  await patience.until('dead_letters', () => options.log.transact({ records }));
  options.telemetry.occurred('stories_rejected', {}, {}, rejected.length);
}

/** State first, then the manifest that rests on it. */
async function checkpoint({ writer }: Shell, worker: StoryWorker): Promise<void> {
  const { blobs, manifest } = worker.snapshot();
  const groups = new Pieces(Number.POSITIVE_INFINITY);
  const identities = new Pieces(Number.POSITIVE_INFINITY);
  groups.end();
  await identities.put(blobs.map((blob) => waitingBlob(blob, manifest)));
  identities.end();
  const batch: Batch = { ...NOTHING, checkpoints: { groups, identities, manifests: [manifest] } };
  await writer.write(batch);
}

const NOTHING: Batch = {
  outputs: emptyOutputs(),
  cuts: [],
};

async function commit({ options, patience }: Shell, worker: StoryWorker): Promise<void> {
  const position = String(worker.next - worker.offset_base);
  const positions = [{ name: STORIES_COMMITTED, position }];
  await patience.until('commit', () => options.log.transact({ records: [], positions }));
}

async function holds(log: EventLog, worker: StoryWorker): Promise<boolean> {
  return gapBefore({ ...worker.begun, next_offset: worker.next }, await readGround(log)) === undefined;
}

async function idle({ options, signal, patience }: Shell, worker: StoryWorker): Promise<void> {
  const { log, clock } = options;
  const nap = new AbortController();
  const either = AbortSignal.any([signal, nap.signal]);
  const beyond = worker.next - worker.offset_base;
  try {
    await Promise.race([
      patience.until('read', () => log.waitBeyond(TOPICS.findings, FINDINGS_PARTITION, beyond, either)),
      clock.sleep(WAIT_MS, either),
    ]);
  } finally {
    nap.abort();
  }
}
