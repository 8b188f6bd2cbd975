import { LIMITS } from '../../schemas/limits.ts';
import { LogUnavailable, TOPICS } from '../platform/event-log.ts';
import type { GapPort } from '../platform/gaps.ts';
import type { AssignOptions } from './assign.ts';
import { detectGap } from './gap.ts';
import { Holdings } from './holdings.ts';
import { Outflow, type OutflowOptions, type Running } from './outflow.ts';
import { createPatience, type Patience, Stopped } from './patience.ts';
import { type Pumped, pump } from './pump.ts';
import { type PartitionStatus, standingStatusOf, statusOf } from './status.ts';
import type { Slot, Tenure } from './tenure.ts';

/**
 * The shell around the partition workers of one process: reads the log, fetches the state that the records need, lets
 * the workers apply them, and writes what they hand over while they go on with the next records. At most one write is
 * under way; when it does not get through, reading stops once a second one is ready, so memory stays bounded.
 */
export type DetectOptions = Omit<OutflowOptions, 'signal'> & {
  readonly worker: AssignOptions;
  readonly gaps: GapPort;
  readonly fetch_records_max?: number;
  readonly resident_identities_max?: number;
};

const WAIT_MS = 250;
/** Records of a partition in one round from which on there is much to catch up with. */
const BEHIND_RECORDS = 1024;
/** How long an orderly end waits for a store that does not answer: nothing is lost, the log is read again. */
const STOP_MS = 10_000;
/** First and longest pause before a log that did not answer is asked again; they double. */
const AWAY_MS_FIRST = 100;
const AWAY_MS_MAX = 10_000;

export class DetectRunner {
  readonly #options: DetectOptions;
  readonly #stop = new AbortController();
  readonly #outflow: Outflow;
  readonly #holdings: Holdings;
  /** Reads that decide are repeated like writes. */
  readonly #reads: Patience;
  #failed: unknown;
  #queue: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(options: DetectOptions) {
    this.#options = options;
    const { signal } = this.#stop;
    this.#outflow = new Outflow(
      { ...options, signal },
      { running: () => this.#running(), stillTheirs: (running) => this.#stillTheirs(running) },
    );
    this.#reads = createPatience({ ...options, signal });
    const letGo = (tenure: Tenure): Promise<void> => this.#letGo(tenure);
    this.#holdings = new Holdings({ ...options, signal, letGo, changed: () => this.#wake() });
  }

  /**
   * Takes a partition up, also one that is just being given on: its new tenure then begins where that one ends. Resolves
   * when it runs, stands at a gap (status says so, and it goes on by itself once that is decided), or was taken away.
   */
  assign(partition: number): Promise<void> {
    return this.#holdings.assign(partition);
  }

  /**
   * Gives a partition up. `handed_over`: nothing more is applied, and it resolves once what was applied is durable. `lost`:
   * at once, and nothing more is begun; a write that is under way may come through, which harms nobody. Never rejects.
   */
  unassign(partition: number, how: 'handed_over' | 'lost'): Promise<void> {
    return this.#holdings.unassign(partition, how);
  }

  /**
   * One round: reads and applies what there is, flushes and checkpoints what is due. False when there is nothing to
   * apply; while a partition is being taken up or its log does not answer, a round that applied nothing waits for that.
   */
  async turn(): Promise<boolean> {
    if (await this.#alone(() => this.#turn())) return true;
    const waits = this.#holdings.unsettled();
    const { clock } = this.#options;
    const away = this.#running().filter(({ slot }) => slot.pause_ms > 0);
    if (waits.length + away.length === 0) return false;
    const over = new AbortController();
    const again = away.map(({ slot }) => clock.sleep(slot.asked_again_ms - clock.elapsed(), over.signal));
    await Promise.race([...waits, ...again]);
    over.abort();
    return true;
  }

  async #turn(): Promise<boolean> {
    this.#evict();
    let most = 0;
    for (const { tenure, slot } of this.#running()) {
      if (tenure.slot !== slot || tenure.leaving || tenure.signal.aborted) continue;
      if (slot.pause_ms > 0 && this.#options.clock.elapsed() < slot.asked_again_ms) continue;
      const applied = await this.#move(tenure, slot);
      most = Math.max(most, applied);
      await this.#outflow.flushWhenFull();
    }
    await this.#outflow.writeWhatIsDue({ idle: most === 0, behind: most >= BEHIND_RECORDS });
    return most > 0;
  }

  /** Moves one partition on. Resolves to the number of records applied. */
  async #move(tenure: Tenure, slot: Slot): Promise<number> {
    let pumped: Pumped;
    try {
      pumped = await pump(tenure, slot, this.#options);
    } catch (error) {
      if (error instanceof Stopped && !this.#stop.signal.aborted) return 0;
      throw error;
    }
    // Whoever was taken away meanwhile is nobody's business any more.
    if (tenure.leaving || tenure.signal.aborted) return 0;
    if (pumped.kind === 'applied') {
      slot.pause_ms = 0;
      this.#outflow.applied(pumped.records, pumped.bytes);
      return pumped.records;
    }
    if (pumped.kind === 'away') this.#rest(slot, pumped.error);
    else if (pumped.kind === 'failed') this.#holdings.failed(tenure, slot, pumped);
    else await this.#standDown(tenure, slot, pumped);
    return 0;
  }

  #rest(slot: Slot, { message }: Error): void {
    const { clock, telemetry } = this.#options;
    slot.pause_ms = Math.min(Math.max(2 * slot.pause_ms, AWAY_MS_FIRST), AWAY_MS_MAX);
    slot.asked_again_ms = clock.elapsed() + slot.pause_ms;
    telemetry.occurred('store_retries', { write: 'read' }, { error: message, pause_ms: slot.pause_ms });
  }

  /** Stops one partition where it cannot go on. What it applied up to there is made durable first. */
  async #standDown(
    tenure: Tenure,
    slot: Slot,
    why: Extract<Pumped, { readonly kind: 'out_of_range' | 'prior_missing' }>,
  ): Promise<void> {
    await this.#checkpoint(this.#running());
    if (tenure.slot !== slot || tenure.leaving || tenure.signal.aborted) return;
    // Taking it up finds out what is wrong, and whether it still is.
    if (why.kind === 'out_of_range') return this.#holdings.retake(tenure);
    const { version, offset } = why;
    const { worker, durable } = slot;
    const message = `prior ${version} is named at offset ${offset} of the log but is not in the store`;
    this.#holdings.stand(tenure, {
      gap: detectGap(tenure.partition, 'prior_missing', message, [worker.generation, offset, version]),
      next_offset: durable,
      goOn: { at: worker.next - worker.offset_base, note: () => void tenure.without.add(version) },
    });
  }

  async #letGo(tenure: Tenure): Promise<void> {
    const { slot } = tenure;
    if (slot === undefined) return;
    const written = this.#alone(async () => {
      if (tenure.signal.aborted) return;
      await this.#checkpoint([{ tenure, slot }]);
    });
    const lost = new Promise<void>((resolve) => {
      if (tenure.signal.aborted) resolve();
      else tenure.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    // A failure ends detection as a whole, and there it is told.
    await Promise.race([written.catch(() => undefined), lost]);
  }

  #running(): Running[] {
    return this.#holdings.all.flatMap((tenure) =>
      tenure.slot === undefined || tenure.leaving ? [] : [{ tenure, slot: tenure.slot }],
    );
  }

  /** Before anything is called durable: whether the topic is still the one that was read. Those that differ begin anew. */
  async #stillTheirs(candidates: readonly Running[]): Promise<Running[]> {
    if (candidates.length === 0) return [];
    const { generation, partitions } = await this.#reads.until('read', () => this.#options.log.describe(TOPICS.events));
    return candidates.filter(({ tenure, slot }) => {
      if (tenure.slot !== slot || tenure.signal.aborted) return false;
      if (slot.worker.generation === generation && slot.worker.partitions === partitions) return true;
      if (!tenure.leaving) this.#holdings.retake(tenure);
      return false;
    });
  }

  /** Between rounds only: within one, an identity that was found resident must still be there when its record comes. */
  #evict(): void {
    for (const { slot } of this.#running()) {
      if (!slot.evictable) continue;
      slot.evictable = false;
      slot.worker.evict(slot.durable - 1, this.#options.resident_identities_max);
    }
  }

  /** Everything applied so far becomes durable, manifests included. */
  checkpoint(): Promise<void> {
    return this.#alone(() => this.#checkpoint(this.#running()));
  }

  async #checkpoint(running: readonly Running[]): Promise<void> {
    await this.#outflow.startCheckpoint(running);
    await this.#outflow.settled();
  }

  /**
   * Rounds and checkpoints exclude each other: a worker sees every record exactly once. After a failure nothing more is
   * made durable: a record may have been applied in part.
   */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(() => {
      const failed = this.#failed ?? this.#outflow.failed;
      if (failed !== undefined) throw failed;
      return work();
    });
    this.#queue = run.catch((error: unknown) => {
      this.#failed ??= error;
    });
    return run;
  }

  /** Applies the log up to its present end and makes that durable. */
  async drain(): Promise<void> {
    while (await this.turn());
    await this.checkpoint();
  }

  /** Turns until stopped. Rejects with what went wrong. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        if (!(await this.#alone(() => this.#turn())) && !signal.aborted) await this.#idle();
      }
    } catch (error) {
      if (!(signal.aborted && error instanceof Stopped)) throw error;
    }
  }

  async #idle(): Promise<void> {
    const { log, clock } = this.#options;
    const nap = new AbortController();
    const stop = (): void => nap.abort();
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    const due = this.#outflow.pendingRows > 0 ? (this.#options.flush_ms ?? LIMITS.flush_ms) / 4 : WAIT_MS;
    const slept = clock.sleep(due, nap.signal);
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const waits = this.#running()
      .filter(({ slot }) => slot.pause_ms === 0)
      .map(async ({ tenure, slot: { worker } }) => {
        try {
          await log.waitBeyond(TOPICS.events, tenure.partition, worker.next - worker.offset_base, nap.signal);
        } catch (error) {
          if (!(error instanceof LogUnavailable)) throw error;
          await slept;
        }
      });
    try {
      // What is urgent goes out the moment the write before it has come through.
      await Promise.race([...waits, slept, woken, ...(this.#outflow.urgent ? [this.#outflow.inflight] : [])]);
    } finally {
      nap.abort();
      this.#stop.signal.removeEventListener('abort', stop);
    }
  }

  /** Stops turning; with `checkpoint` what was applied is made durable first, if the store takes it in time. */
  async stop(options: { readonly checkpoint: boolean }): Promise<void> {
    if (options.checkpoint && this.#failed === undefined) {
      const patience = new AbortController();
      const tried = this.checkpoint().catch(() => undefined);
      await Promise.race([tried, this.#options.clock.sleep(STOP_MS, patience.signal)]);
      patience.abort();
    }
    this.#stop.abort();
    this.#holdings.end();
    await this.#queue;
    await this.#outflow.inflight;
  }

  /** True while log or store do not answer and are asked again. */
  get stalled(): boolean {
    const tenures = this.#holdings.all;
    const away = tenures.some(({ patience, slot }) => patience.waiting || (slot !== undefined && slot.pause_ms > 0));
    return away || this.#reads.waiting || this.#outflow.stalled;
  }

  status(): PartitionStatus[] {
    return this.#holdings.all
      .flatMap(({ partition, slot, gap, last }): PartitionStatus[] => {
        if (slot !== undefined) return [statusOf(partition, slot)];
        if (gap !== undefined) return [{ ...(last ?? standingStatusOf(partition, undefined)), state: 'gap', gap }];
        return last === undefined ? [] : [last];
      })
      .sort((a, b) => a.partition - b.partition);
  }
}
