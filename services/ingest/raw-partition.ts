import type { Gap } from '../../schemas/gap.ts';
import type { CommitResult } from './raw-commit.ts';
import { type Held, RawOffice } from './raw-office.ts';
import type { PartitionOptions } from './raw-options.ts';
import { createPatience, type Patience, Stopped } from './raw-patience.ts';
import type { OpenReading, Portion } from './raw-portion.ts';
import type { RawPlace } from './raw-position.ts';

/** `waiting`: the log does not answer. `gap`: an operator decides. `taken`: another process is at work on it. */
export type RawState = 'running' | 'waiting' | 'gap' | 'taken';

/**
 * One partition of a topic that ingest reads while it is assigned: reads, decides and writes, one batch being written while the next is decided
 * and never more. A batch is one atomic write of events, dead letters, sums and the position behind it.
 */
export class RawPartition {
  readonly #options: PartitionOptions;
  readonly #open: OpenReading;
  readonly #ending = new AbortController();
  readonly #patience: Patience;
  readonly #office: RawOffice;
  readonly #done: Promise<void>;
  #taken = false;

  constructor(options: PartitionOptions, open: OpenReading) {
    const { clock, telemetry, topic, partition, limits } = options;
    this.#options = options;
    this.#open = open;
    this.#patience = createPatience({
      clock,
      signal: this.#ending.signal,
      pause_ms: limits.raw_retry_ms,
      pause_ms_max: limits.raw_retry_ms_max,
      failed: ({ reason, message }, pause_ms) =>
        telemetry.occurred('raw_retries', { source: topic }, { partition, reason, error: message, pause_ms }),
    });
    this.#office = new RawOffice(options, this.#patience, this.#ending.signal);
    this.#done = this.#run();
    // Whoever cares asks `done`.
    this.#done.catch(() => undefined);
  }

  get place(): RawPlace {
    return { topic: this.#options.topic, partition: this.#options.partition };
  }

  /** Resolves once the partition was ended; rejects with the defect that ended it. */
  get done(): Promise<void> {
    return this.#done;
  }

  get state(): RawState {
    if (this.#taken) return 'taken';
    if (this.gap !== undefined) return 'gap';
    return this.#patience.waiting ? 'waiting' : 'running';
  }

  /** True while the log is asked again and again. */
  get waiting(): boolean {
    return this.#patience.waiting;
  }

  get gap(): Gap | undefined {
    return this.#office.gap;
  }

  /** Offset up to which everything is durable; undefined until the position is known. */
  get next(): number | undefined {
    return this.#office.next;
  }

  /** Ends the work. What is being written is waited for when it is handed over, and not when it is lost anyway. */
  async end(how: 'handed_over' | 'lost'): Promise<void> {
    this.#ending.abort();
    if (how === 'handed_over') await this.#done.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { telemetry, topic, partition } = this.#options;
    try {
      while (!this.#ending.signal.aborted) {
        const held = await this.#office.open();
        this.#taken = false;
        if (held !== undefined && (await this.#workOff(held)) === 'reopen') continue;
        this.#taken = true;
        telemetry.occurred('raw_taken_over', { source: topic }, { partition });
        await this.#office.standAside();
      }
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }

  /** Until it ends, is taken, or must be opened again because the log is not what it was. */
  async #workOff(held: Held): Promise<'taken' | 'reopen'> {
    const reading = this.#open(held.at, this.#patience, this.#ending.signal);
    let writing: Promise<CommitResult> = Promise.resolve('durable');
    let text = held.text;
    try {
      for (;;) {
        const leave = await this.#enter();
        let kept = false;
        try {
          const filled = await reading.fill();
          if ((await writing) === 'taken') return 'taken';
          if (filled.kind === 'reopen') return 'reopen';
          if (filled.kind === 'batch') {
            writing = this.#office.write(filled.batch, text).finally(leave);
            writing.catch(() => undefined);
            kept = true;
            text = filled.batch.position;
            await this.#linger(filled.batch);
            continue;
          }
          if (filled.kind === 'more') continue;
        } finally {
          if (!kept) leave();
        }
        await reading.idle();
      }
    } finally {
      await writing.catch(() => undefined);
    }
  }

  async #enter(): Promise<() => void> {
    const { signal } = this.#ending;
    return this.#options.gate.enter(signal).catch((error: unknown) => {
      throw signal.aborted ? new Stopped() : error;
    });
  }

  /** Little to write: a moment later there is more, for the same price. */
  async #linger({ raw_records }: Portion): Promise<void> {
    const { clock, limits } = this.#options;
    if (limits.raw_commit_ms === 0 || raw_records * 4 >= limits.raw_batch_records_max) return;
    await clock.sleep(limits.raw_commit_ms, this.#ending.signal);
  }
}
