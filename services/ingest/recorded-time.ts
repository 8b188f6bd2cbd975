import { z } from 'zod';
import { LIMITS } from '../../schemas/limits.ts';
import { type NewRecord, TOPICS, type Topic } from '../platform/event-log.ts';
import { commit } from './raw-commit.ts';
import type { PartitionOptions } from './raw-options.ts';
import { createPatience, type Patience, Stopped } from './raw-patience.ts';
import { parsePosition, positionName } from './raw-position.ts';
import { topicName } from './raw-source.ts';
import { spanTickRecord, tickRecord } from './record.ts';
import type { SettleRule } from './settle/rule.ts';

/** How far one raw partition of a recorded source is; `idle`: at its end, and for a while already. */
export type RecordedProgress = { readonly clock: number | undefined; readonly idle: boolean };

/**
 * Recorded time of a whole source, epoch milliseconds: no partition that still goes on will bring anything older. When
 * all have ended it is the latest of them; undefined while one that goes on has not begun.
 */
export function recordedTimeOf(partitions: readonly RecordedProgress[]): number | undefined {
  const going = partitions.filter(({ idle }) => !idle);
  if (going.some(({ clock }) => clock === undefined)) return undefined;
  const clocks = (going.length > 0 ? going : partitions).flatMap(({ clock }) => clock ?? []);
  if (clocks.length === 0) return undefined;
  return going.length > 0 ? Math.min(...clocks) : Math.max(...clocks);
}

/** Ticks written so far: `at` in the events, `waiting` in what waits to be settled. */
const TimePosition = z.object({ generation: z.string(), at: z.int(), waiting: z.int().optional() });
type TimePosition = z.infer<typeof TimePosition>;

type Seen = { readonly position: string | undefined; readonly since_ms: number };
type Look = { readonly generation: string; readonly time: number; readonly over: boolean };

export type RecordedTimeOptions = Omit<PartitionOptions, 'partition' | 'gate' | 'gaps'> & {
  /** How what waits of this source is settled; absent where nothing ever waits. */
  readonly settle: SettleRule | undefined;
};

/**
 * Lets recorded time pass in every partition of the events: a tick when the time of the whole source has crossed ten
 * minutes. Sessions of agents that never come back end by it, and quiet alerts close. One process does it,
 * the one that holds raw partition 0, but by the clocks of all raw partitions, which stand in their positions.
 *
 * What waits to be settled hears of the time first, and the events only once all that waited up to then is among them.
 */
export class RecordedTime {
  readonly #options: RecordedTimeOptions;
  readonly #ending = new AbortController();
  readonly #seen = new Map<number, Seen>();
  readonly #done: Promise<void>;

  constructor(options: RecordedTimeOptions) {
    this.#options = options;
    this.#done = this.#run();
    // Whoever cares asks `done`.
    this.#done.catch(() => undefined);
  }

  /** Resolves once it was ended; rejects with the defect that ended it. */
  get done(): Promise<void> {
    return this.#done;
  }

  async end(how: 'handed_over' | 'lost'): Promise<void> {
    this.#ending.abort();
    if (how === 'handed_over') await this.#done.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { clock, limits, telemetry, topic } = this.#options;
    const { signal } = this.#ending;
    const patience = createPatience({
      clock,
      signal,
      pause_ms: limits.raw_retry_ms,
      pause_ms_max: limits.raw_retry_ms_max,
      failed: ({ reason, message }, pause_ms) =>
        telemetry.occurred('raw_retries', { source: topic }, { reason, error: message, pause_ms }),
    });
    try {
      while (!signal.aborted) {
        const look = await patience.until(() => this.#look());
        if (look !== undefined) await this.#tick(patience, look);
        await clock.sleep(limits.raw_recorded_time_ms, signal);
      }
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }

  async #tick(patience: Patience, { generation, time, over }: Look): Promise<void> {
    const { log, topic, settle } = this.#options;
    const name = timeName(topic);
    const expected = await patience.until(() => log.position(name));
    const found = foundIn(expected, generation);
    const tick = lastTickOf(time);
    const source = topicName(topic);
    const records: NewRecord[] = [];
    // At the end of a recording its time goes on until nothing waits any more.
    const waiting =
      settle === undefined ? undefined : over ? lastTickOf(time + settle.bound_ms) + LIMITS.replay_tick_ms : tick;
    if (waiting !== undefined && waiting > (found?.waiting ?? BEFORE_ALL)) {
      const { partitions } = await patience.until(() => log.describe(TOPICS.spans));
      for (let at = 0; at < partitions; at++) records.push(spanTickRecord(at, { at_ms: waiting, source }));
    }
    const settled = settle === undefined ? tick : await patience.until(() => this.#settledUpTo(source));
    const at = Math.min(tick, lastTickOf(settled));
    if (at > (found?.at ?? BEFORE_ALL)) {
      const { partitions } = await patience.until(() => log.describe(TOPICS.events));
      for (let partition = 0; partition < partitions; partition++) records.push(tickRecord(partition, at));
    }
    if (records.length === 0) return;
    const to: TimePosition = {
      generation,
      at: Math.max(at, found?.at ?? BEFORE_ALL),
      ...(waiting === undefined ? {} : { waiting: Math.max(waiting, found?.waiting ?? BEFORE_ALL) }),
    };
    // When it is taken, another process is at it by now, and the group will tell.
    await commit(log, patience, { name, expected, position: JSON.stringify(to), records });
  }

  /** Recorded time before which nothing of the source waits any more. */
  async #settledUpTo(source: string): Promise<number> {
    const { log } = this.#options;
    const { partitions, generation } = await log.describe(TOPICS.spans);
    let least = Number.POSITIVE_INFINITY;
    for (let partition = 0; partition < partitions; partition++) {
      // Bounds first: what is written after them is not older than the time at hand.
      const { start, end } = await log.bounds(TOPICS.spans, partition);
      const text = await log.position(positionName({ topic: TOPICS.spans, partition }));
      const position = text === undefined ? undefined : parsePosition(text);
      const at = position?.generation === generation ? position : undefined;
      const known = at?.memory?.find((one) => one.recorded && one.source === source);
      // Where nothing is known of it, nothing waits, if everything there was read.
      const beyond = (at?.next ?? start) >= end ? Number.POSITIVE_INFINITY : BEFORE_ALL;
      least = Math.min(least, known?.now ?? beyond);
    }
    return least;
  }

  async #look(): Promise<Look | undefined> {
    const { log, topic } = this.#options;
    const { partitions, generation } = await log.describe(topic);
    const progress = [];
    for (let partition = 0; partition < partitions; partition++) progress.push(await this.#progressOf(partition));
    const time = recordedTimeOf(progress);
    return time === undefined ? undefined : { generation, time, over: progress.every(({ idle }) => idle) };
  }

  async #progressOf(partition: number): Promise<RecordedProgress> {
    const { log, clock, topic, limits } = this.#options;
    const position = await log.position(positionName({ topic, partition }));
    const { start, end } = await log.bounds(topic, partition);
    const at = position === undefined ? undefined : parsePosition(position);
    const seen = this.#seen.get(partition);
    const since_ms = seen?.position === position ? (seen?.since_ms ?? clock.elapsed()) : clock.elapsed();
    this.#seen.set(partition, { position, since_ms });
    const idle = (at?.next ?? start) >= end && clock.elapsed() - since_ms >= limits.raw_recorded_idle_ms;
    return { clock: at?.clock, idle };
  }
}

const BEFORE_ALL = 0;

function timeName(topic: Topic): string {
  return `ingest.${topic}.time`;
}

/** The last tick up to a time: what falls due before it falls due in its own order, so no tick before it is missed. */
function lastTickOf(time_ms: number): number {
  return Math.floor(time_ms / LIMITS.replay_tick_ms) * LIMITS.replay_tick_ms;
}

/** Where time stands already. A topic that was made anew holds another recording, with a time of its own. */
function foundIn(text: string | undefined, generation: string): TimePosition | undefined {
  const found = text === undefined ? undefined : TimePosition.parse(JSON.parse(text));
  return found?.generation === generation ? found : undefined;
}
