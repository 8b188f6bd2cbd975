import { z } from 'zod';
import { LIMITS } from '../../schemas/limits.ts';
import { TOPICS, type Topic } from '../platform/event-log.ts';
import { commit } from './raw-commit.ts';
import type { RawPartitionOptions } from './raw-options.ts';
import { createPatience, type Patience, Stopped } from './raw-patience.ts';
import { parsePosition, positionName } from './raw-position.ts';
import { tickRecord } from './record.ts';

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

const TimePosition = z.object({ generation: z.string(), at: z.int() });
type TimePosition = z.infer<typeof TimePosition>;

type Seen = { readonly position: string | undefined; readonly since_ms: number };

export type RecordedTimeOptions = Omit<RawPartitionOptions, 'partition' | 'gate' | 'gaps' | 'catalogue' | 'decide'>;

/**
 * Lets recorded time pass in every partition of the events: a tick when the time of the whole source has crossed ten
 * minutes. Sessions of agents that never come back end by it, and quiet alerts close. One process does it,
 * the one that holds raw partition 0, but by the clocks of all raw partitions, which stand in their positions.
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
    const { clock, limits, telemetry, source } = this.#options;
    const { signal } = this.#ending;
    const patience = createPatience({
      clock,
      signal,
      pause_ms: limits.raw_retry_ms,
      pause_ms_max: limits.raw_retry_ms_max,
      failed: ({ reason, message }, pause_ms) =>
        telemetry.occurred('raw_retries', { source: source.topic }, { reason, error: message, pause_ms }),
    });
    try {
      while (!signal.aborted) {
        const { generation, time } = await patience.until(() => this.#look());
        if (time !== undefined) await this.#tick(patience, { generation, at: lastTickOf(time) });
        await clock.sleep(limits.raw_recorded_time_ms, signal);
      }
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }

  async #tick(patience: Patience, to: TimePosition): Promise<void> {
    const { log, source } = this.#options;
    const name = timeName(source.topic);
    const expected = await patience.until(() => log.position(name));
    if (!isBefore(expected, to)) return;
    const { partitions } = await patience.until(() => log.describe(TOPICS.events));
    const records = Array.from({ length: partitions }, (_, partition) => tickRecord(partition, to.at));
    // When it is taken, another process is at it by now, and the group will tell.
    await commit(log, patience, { name, expected, position: JSON.stringify(to), records });
  }

  async #look(): Promise<{ generation: string; time: number | undefined }> {
    const { log, source } = this.#options;
    const { partitions, generation } = await log.describe(source.topic);
    const progress = [];
    for (let partition = 0; partition < partitions; partition++) progress.push(await this.#progressOf(partition));
    return { generation, time: recordedTimeOf(progress) };
  }

  async #progressOf(partition: number): Promise<RecordedProgress> {
    const { log, clock, source, limits } = this.#options;
    const position = await log.position(positionName({ topic: source.topic, partition }));
    const { start, end } = await log.bounds(source.topic, partition);
    const at = position === undefined ? undefined : parsePosition(position);
    const seen = this.#seen.get(partition);
    const since_ms = seen?.position === position ? (seen?.since_ms ?? clock.elapsed()) : clock.elapsed();
    this.#seen.set(partition, { position, since_ms });
    const idle = (at?.next ?? start) >= end && clock.elapsed() - since_ms >= limits.raw_recorded_idle_ms;
    return { clock: at?.clock, idle };
  }
}

function timeName(topic: Topic): string {
  return `ingest.${topic}.time`;
}

/** The last tick up to a time: what falls due before it falls due in its own order, so no tick before it is missed. */
function lastTickOf(time_ms: number): number {
  return Math.floor(time_ms / LIMITS.replay_tick_ms) * LIMITS.replay_tick_ms;
}

/** Whether time stands there already. A topic that was made anew holds another recording, with a time of its own. */
function isBefore(found: string | undefined, { generation, at }: TimePosition): boolean {
  if (found === undefined) return true;
  const from = TimePosition.parse(JSON.parse(found));
  return from.generation !== generation || from.at < at;
}
