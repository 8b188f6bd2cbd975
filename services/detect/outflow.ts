import { setImmediate as nextTurn } from 'node:timers/promises';
import { LIMITS } from '../../schemas/limits.ts';
import type { Manifest, StateBlob } from '../../schemas/outputs.ts';
import type { Snapshot } from './handover.ts';
import { harvest, report } from './harvest.ts';
import { Packing, Pieces, waitingBlob } from './pieces.ts';
import type { Slot, Tenure } from './tenure.ts';
import { type Batch, Writer, type WriterOptions } from './writer.ts';

/** A tenure with a worker. */
export type Running = { readonly tenure: Tenure; readonly slot: Slot };

export type OutflowOptions = WriterOptions & {
  /** Told after each durable manifest, with the log's own offset behind it. For displays. */
  readonly committed?: (partition: number, next: number) => void;
  readonly flush_rows_max?: number;
  readonly flush_bytes_max?: number;
  readonly flush_ms?: number;
  readonly checkpoint_ms?: number;
  readonly checkpoint_records_max?: number;
};

export type Partitions = {
  running(): Running[];
  /** Those of them whose topic is still the one that they have read: before anything of them is called durable. */
  stillTheirs(running: readonly Running[]): Promise<readonly Running[]>;
};

/**
 * When what the workers hand over is written: rows after a while or when many wait, alerts and cuts at once, state and
 * manifest now and then. At most one write is under way, and whoever begins the next waits for it.
 */
export class Outflow {
  readonly #options: OutflowOptions;
  readonly #partitions: Partitions;
  readonly #writer: Writer;
  #inflight: Promise<void> = Promise.resolve();
  #writing = false;
  #failed: unknown;
  #flushed_ms: number;
  #checkpointed_ms: number;
  #applied = 0;
  /** Bytes of the records whose rows wait to be written. */
  #bytes = 0;

  constructor(options: OutflowOptions, partitions: Partitions) {
    this.#options = options;
    this.#partitions = partitions;
    this.#writer = new Writer(options);
    this.#flushed_ms = options.clock.elapsed();
    this.#checkpointed_ms = this.#flushed_ms;
  }

  /** What ended writing for good, if anything did. */
  get failed(): unknown {
    return this.#failed;
  }

  get stalled(): boolean {
    return this.#writer.stalled;
  }

  /** Resolves when the write under way is over, however it ends. */
  get inflight(): Promise<void> {
    return this.#inflight;
  }

  /** Somebody waits for what is to be written. */
  get urgent(): boolean {
    return this.#partitions.running().some(({ slot }) => slot.worker.pending.urgent);
  }

  get pendingRows(): number {
    return this.#partitions.running().reduce((rows, { slot }) => rows + slot.worker.pending.rows, 0);
  }

  applied(records: number, bytes: number): void {
    this.#applied += records;
    this.#bytes += bytes;
  }

  /** Memory is bounded by this: more rows than so many never wait. */
  async flushWhenFull(): Promise<void> {
    const { flush_rows_max = LIMITS.flush_rows_max, flush_bytes_max = LIMITS.flush_bytes_max } = this.#options;
    if (this.pendingRows >= flush_rows_max || this.#bytes >= flush_bytes_max) await this.#flush();
  }

  /** `behind`: rows come so fast that even alerts gain nothing from small inserts. */
  async writeWhatIsDue({ idle, behind }: { readonly idle: boolean; readonly behind: boolean }): Promise<void> {
    const now = this.#options.clock.elapsed();
    const { checkpoint_records_max = LIMITS.checkpoint_records_max, checkpoint_ms = LIMITS.checkpoint_ms } =
      this.#options;
    // Once caught up, whoever waits for it to be durable need not wait for the rest of the interval.
    const patience = idle ? Math.min(checkpoint_ms, LIMITS.checkpoint_idle_ms) : checkpoint_ms;
    const due = this.#applied > 0 && now - this.#checkpointed_ms >= patience;
    if (due || this.#applied >= checkpoint_records_max) return this.startCheckpoint(this.#partitions.running());
    // Alerts and cuts do not wait for company: they go out as soon as the write before has come through.
    const atOnce = this.urgent && !this.#writing && !behind;
    const flushDue = now - this.#flushed_ms >= (this.#options.flush_ms ?? LIMITS.flush_ms);
    if (this.pendingRows > 0 && (flushDue || atOnce)) await this.#flush();
  }

  /** Hands the rows over. Waits for the write before, not for this one. */
  async #flush(): Promise<void> {
    await this.settled();
    this.#bytes = 0;
    const workers = this.#partitions.running().map(({ slot }) => slot.worker);
    this.#start({ ...harvest(workers, this.#options.telemetry) }, () => undefined);
  }

  /** Hands over the rows of these partitions, and the state of those that have moved on. No write may be under way. */
  async startCheckpoint(candidates: readonly Running[]): Promise<void> {
    await this.settled();
    const running = await this.#partitions.stillTheirs(candidates);
    const workers = running.map(({ slot }) => slot.worker);
    const taken = harvest(workers, this.#options.telemetry);
    this.#applied = 0;
    this.#bytes = 0;
    this.#checkpointed_ms = this.#options.clock.elapsed();
    const changed = running
      .filter(({ slot }) => slot.worker.next > slot.durable)
      .map((one) => ({ ...one, snapshot: one.slot.worker.snapshot() }));
    const checkpoints = {
      groups: new Pieces(LIMITS.checkpoint_waiting_bytes_max),
      identities: new Pieces(LIMITS.checkpoint_waiting_bytes_max),
      /** Of those that were encoded as a whole. */
      manifests: [] as Manifest[],
    };
    this.#start({ ...taken, checkpoints }, () => {
      for (const { tenure, slot, snapshot } of changed) {
        const { next_offset, offset_base } = snapshot.manifest;
        if (!checkpoints.manifests.includes(snapshot.manifest)) continue;
        slot.durable = next_offset;
        slot.evictable = true;
        if (!tenure.signal.aborted) this.#options.committed?.(tenure.partition, next_offset - offset_base);
      }
    });
    try {
      const groups = new Packing(checkpoints.groups);
      for (const { tenure, snapshot } of changed) await encode(snapshot, snapshot.groups, groups, tenure);
      await groups.flush();
      checkpoints.groups.end();
      const identities = new Packing(checkpoints.identities);
      const whole: Manifest[] = [];
      for (const { tenure, snapshot } of changed) {
        await encode(snapshot, snapshot.identities, identities, tenure);
        if (!tenure.signal.aborted) whole.push(snapshot.manifest);
      }
      await identities.flush();
      // Only now: what is gathered may be of several partitions, and no manifest is written before all of its state is.
      checkpoints.manifests.push(...whole);
    } finally {
      checkpoints.groups.end();
      checkpoints.identities.end();
    }
  }

  #start(batch: Batch, done: () => void): void {
    this.#flushed_ms = this.#options.clock.elapsed();
    this.#writing = true;
    this.#inflight = this.#writer.write(batch).then(
      () => {
        this.#writing = false;
        report(batch.outputs, this.#options.telemetry);
        done();
      },
      (error: unknown) => {
        this.#writing = false;
        this.#failed = error;
        batch.checkpoints?.groups.end();
        batch.checkpoints?.identities.end();
      },
    );
  }

  /** Waits for the write that is under way and passes its failure on. */
  async settled(): Promise<void> {
    await this.#inflight;
    if (this.#failed !== undefined) throw this.#failed;
  }
}

/**
 * Ends early when the partition is lost. Nothing is passed on after that: an identity whose group was left out would be
 * ahead of it in the store, and the next owner would teach the group a second time.
 */
async function encode(
  { manifest }: Snapshot,
  from: Iterable<readonly StateBlob[]>,
  to: Packing,
  tenure: Tenure,
): Promise<void> {
  for (const few of from) {
    if (tenure.signal.aborted) return;
    await to.put(few.map((blob) => waitingBlob(blob, manifest)));
    await nextTurn();
  }
}
