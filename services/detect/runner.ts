import { LIMITS } from '../../schemas/limits.ts';
import type { Outputs } from '../../schemas/outputs.ts';
import { type LogRecord, LogUnavailable, TOPICS } from '../platform/event-log.ts';
import { type AssignOptions, assignPartition } from './assign.ts';
import { type Decoded, decodeRecord } from './decode.ts';
import { type Gap, gapBehind, PriorMissing } from './gap.ts';
import { type Checkpoint, emptyOutputs, type GroupCut } from './handover.ts';
import { createPatience, type Patience, Stopped } from './patience.ts';
import { inSlices, inSteps, SLICE_ITEMS } from './slices.ts';
import { gapStatusOf, type PartitionStatus, statusOf } from './status.ts';
import type { PartitionWorker } from './worker.ts';
import { type Batch, Writer, type WriterOptions } from './writer.ts';

/**
 * The shell around the partition workers of one process: reads the log, fetches the state that the records need, lets
 * the workers apply them, and writes what they hand over while they go on with the next records. At most one write is
 * under way; when it does not get through, reading stops once a second one is ready, so memory stays bounded.
 */
export type DetectOptions = Omit<WriterOptions, 'signal'> & {
  readonly worker: AssignOptions;
  readonly flush_rows_max?: number;
  readonly flush_bytes_max?: number;
  readonly flush_ms?: number;
  readonly checkpoint_ms?: number;
  readonly checkpoint_records_max?: number;
  readonly fetch_records_max?: number;
  readonly resident_identities_max?: number;
};

/** What a partition applied before it met a gap is still made durable. */
type Slot = { readonly worker: PartitionWorker; durable: number; gap: Gap | undefined };

const WAIT_MS = 250;
/** How long an orderly end waits for a store that does not answer: nothing is lost, the log is read again. */
const STOP_MS = 10_000;

export class DetectRunner {
  readonly #options: DetectOptions;
  readonly #stop = new AbortController();
  readonly #writer: Writer;
  /** Reads that decide are repeated like writes. */
  readonly #reads: Patience;
  readonly #slots = new Map<number, Slot>();
  readonly #gaps = new Map<number, Gap>();
  #inflight: Promise<void> = Promise.resolve();
  #writing = false;
  #failed: unknown;
  #flushed_ms = 0;
  #checkpointed_ms = 0;
  #applied = 0;
  /** Bytes of the records whose rows wait to be written. */
  #bytes = 0;
  /** The last round had much to apply: rows come so fast that even alerts gain nothing from small inserts. */
  #behind = false;
  #evictDue = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: DetectOptions) {
    this.#options = options;
    this.#writer = new Writer({ ...options, signal: this.#stop.signal });
    this.#reads = createPatience({ ...options, signal: this.#stop.signal });
    this.#flushed_ms = options.clock.elapsed();
    this.#checkpointed_ms = this.#flushed_ms;
  }

  async assign(partition: number): Promise<void> {
    const { log, store, worker } = this.#options;
    const assigned = await this.#reads.until('read', () => assignPartition(log, store, partition, worker));
    if (assigned.kind === 'ready') {
      this.#slots.set(partition, { worker: assigned.worker, durable: assigned.worker.next, gap: undefined });
      return;
    }
    this.#gaps.set(partition, assigned.gap);
    this.#reportGap(partition, assigned.gap);
  }

  /** One round: reads and applies what there is, flushes and checkpoints what is due. True when records were applied. */
  turn(): Promise<boolean> {
    return this.#alone(() => this.#turn());
  }

  async #turn(): Promise<boolean> {
    this.#evict();
    let progress = false;
    this.#behind = false;
    for (const [partition, slot] of this.#slots) {
      if (slot.gap !== undefined) continue;
      const applied = await this.#pump(partition, slot.worker).catch((error: unknown) => {
        this.#stopAtGap(partition, slot, error);
        return 0;
      });
      progress ||= applied > 0;
      this.#behind ||= applied >= SLICE_ITEMS;
      if (this.#mustFlush()) await this.#flush();
    }
    await this.#writeWhatIsDue({ idle: !progress });
    return progress;
  }

  async #pump(partition: number, worker: PartitionWorker): Promise<number> {
    const { log } = this.#options;
    const records = this.#options.fetch_records_max ?? LIMITS.fetch_records_max;
    const most = { records, bytes: LIMITS.fetch_bytes_max };
    const read = await this.#reads.until('read', () => log.read(TOPICS.events, partition, worker.next, most));
    const raw = read.records;
    const decoded: Decoded[] = [];
    await inSlices(raw, (record) => {
      decoded.push(decodeRecord(record, TOPICS.events, partition));
    });
    // One look-up for all of them: where new identities keep coming, each look-up is a pause.
    await this.#fetch(partition, worker, decoded);
    await inSlices(decoded, (record, at) => {
      worker.apply(record);
      this.#applied += 1;
      this.#bytes += (raw[at] as LogRecord).value.length;
    });
    worker.skipTo(read.next);
    return raw.length;
  }

  /** Stops one partition where it cannot go on honestly; anything else ends detection as a whole. */
  #stopAtGap(partition: number, slot: Slot, error: unknown): void {
    const gap = gapBehind(error);
    if (gap === undefined) throw error;
    slot.gap = gap;
    this.#reportGap(partition, gap);
  }

  #reportGap(partition: number, { reason, message }: Gap): void {
    this.#options.telemetry.occurred('gaps_found', {}, { partition, reason, detail: message });
  }

  async #fetch(partition: number, worker: PartitionWorker, decoded: readonly Decoded[]): Promise<void> {
    const { store } = this.#options;
    const needs = worker.needs(decoded);
    if (needs.blobs.length > 0) {
      const read = (keys: readonly string[]) =>
        this.#reads.until('read', () => store.readBlobs(TOPICS.events, partition, keys));
      const behind = worker.load(needs.blobs, await read(needs.blobs));
      if (behind.length > 0) worker.catchUp(await read(behind));
    }
    for (const version of needs.priors) {
      const bytes = await this.#reads.until('read', () => store.readPrior(version));
      if (bytes === undefined) throw new PriorMissing(`prior ${version} is in the log but not in the store`);
      worker.addPrior(version, bytes);
    }
  }

  async #writeWhatIsDue({ idle }: { readonly idle: boolean }): Promise<void> {
    const now = this.#options.clock.elapsed();
    const { checkpoint_records_max = LIMITS.checkpoint_records_max, checkpoint_ms = LIMITS.checkpoint_ms } =
      this.#options;
    // Once caught up, whoever waits for it to be durable need not wait for the rest of the interval.
    const patience = idle ? Math.min(checkpoint_ms, LIMITS.checkpoint_idle_ms) : checkpoint_ms;
    const checkpointDue =
      this.#applied >= checkpoint_records_max || (this.#applied > 0 && now - this.#checkpointed_ms >= patience);
    if (checkpointDue) {
      await this.#startCheckpoint();
      return;
    }
    // Alerts and cuts do not wait for company: they go out as soon as the write before has come through.
    const atOnce = this.#urgent() && !this.#writing && !this.#behind;
    const flushDue = now - this.#flushed_ms >= (this.#options.flush_ms ?? LIMITS.flush_ms);
    if (this.#pendingRows() > 0 && (flushDue || atOnce)) await this.#flush();
  }

  #urgent(): boolean {
    return [...this.#slots.values()].some(({ worker }) => worker.pending.urgent);
  }

  /** Hands the rows over. Waits for the write before, not for this one. */
  async #flush(): Promise<void> {
    await this.#settled();
    this.#start({ ...this.#take(), checkpoints: [] }, () => undefined);
  }

  async #startCheckpoint(): Promise<void> {
    await this.#settled();
    const taken = this.#take();
    const slots = [...this.#slots.values()].filter((slot) => slot.worker.next > slot.durable);
    const checkpoints: Checkpoint[] = [];
    for (const { worker } of slots) checkpoints.push(await inSteps(worker.checkpointSteps()));
    this.#applied = 0;
    this.#checkpointed_ms = this.#options.clock.elapsed();
    this.#start({ ...taken, checkpoints }, () => {
      for (const [i, slot] of slots.entries()) slot.durable = checkpoints[i]!.manifest.next_offset;
      this.#evictDue = true;
    });
  }

  #start(batch: Batch, done: () => void): void {
    this.#flushed_ms = this.#options.clock.elapsed();
    this.#writing = true;
    this.#inflight = this.#writer.write(batch).then(
      () => {
        this.#writing = false;
        this.#report(batch.outputs);
        done();
      },
      (error: unknown) => {
        this.#writing = false;
        this.#failed = error;
      },
    );
  }

  /** Between rounds only: within one, an identity that was found resident must still be there when its record comes. */
  #evict(): void {
    if (!this.#evictDue) return;
    this.#evictDue = false;
    for (const { worker, durable } of this.#slots.values()) {
      worker.evict(durable - 1, this.#options.resident_identities_max);
    }
  }

  #mustFlush(): boolean {
    const { flush_rows_max = LIMITS.flush_rows_max, flush_bytes_max = LIMITS.flush_bytes_max } = this.#options;
    return this.#pendingRows() >= flush_rows_max || this.#bytes >= flush_bytes_max;
  }

  #take(): { outputs: Outputs; cuts: GroupCut[] } {
    const outputs = emptyOutputs();
    const cuts: GroupCut[] = [];
    this.#bytes = 0;
    for (const { worker } of this.#slots.values()) {
      const taken = worker.takeOutputs();
      for (const row of taken.events) outputs.events.push(row);
      for (const row of taken.findings) outputs.findings.push(row);
      for (const row of taken.alerts) outputs.alerts.push(row);
      for (const row of taken.poison) outputs.poison.push(row);
      cuts.push(...worker.takeCuts());
      for (const [outcome, count] of Object.entries(worker.takeTallies())) {
        this.#options.telemetry.occurred('session_lessons', { outcome }, {}, count);
      }
    }
    return { outputs, cuts };
  }

  #report(outputs: Outputs): void {
    const { telemetry } = this.#options;
    if (outputs.events.length > 0) telemetry.occurred('events_applied', {}, {}, outputs.events.length);
    for (const { finding } of outputs.findings) telemetry.occurred('findings_raised', { family: finding.family });
    for (const { alert } of outputs.alerts) {
      const fields = { uid: alert.uid, revision: alert.revision };
      telemetry.occurred('alerts_revised', { severity: alert.severity, status: alert.status }, fields);
    }
    for (const { letter } of outputs.poison) {
      telemetry.occurred('items_dead_lettered', { reason: letter.reason }, { position: letter.position });
    }
  }

  #pendingRows(): number {
    return [...this.#slots.values()].reduce((rows, { worker }) => rows + worker.pending.rows, 0);
  }

  /** Waits for the write that is under way and passes its failure on. */
  async #settled(): Promise<void> {
    await this.#inflight;
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** Everything applied so far becomes durable, manifests included. */
  checkpoint(): Promise<void> {
    return this.#alone(async () => {
      await this.#startCheckpoint();
      await this.#settled();
    });
  }

  /**
   * Rounds and checkpoints exclude each other: a worker sees every record exactly once. After a failure nothing more is
   * made durable: a record may have been applied in part.
   */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(() => {
      if (this.#failed !== undefined) throw this.#failed;
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
        if (!(await this.turn())) await this.#idle();
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
    const due = this.#pendingRows() > 0 ? (this.#options.flush_ms ?? LIMITS.flush_ms) / 4 : WAIT_MS;
    const slept = clock.sleep(due, nap.signal);
    const waits = [...this.#slots]
      .filter(([, { gap }]) => gap === undefined)
      .map(async ([partition, { worker }]) => {
        try {
          await log.waitBeyond(TOPICS.events, partition, worker.next, nap.signal);
        } catch (error) {
          if (!(error instanceof LogUnavailable)) throw error;
          await slept;
        }
      });
    try {
      // What is urgent goes out the moment the write before it has come through.
      await Promise.race([...waits, slept, ...(this.#urgent() ? [this.#inflight] : [])]);
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
    await this.#queue;
    await this.#inflight;
  }

  /** True while log or store do not answer and are asked again. */
  get stalled(): boolean {
    return this.#reads.waiting || this.#writer.stalled;
  }

  status(): PartitionStatus[] {
    const slots = [...this.#slots].map(([partition, slot]) => statusOf(partition, slot));
    const gaps = [...this.#gaps].map(([partition, gap]) => gapStatusOf(partition, gap));
    return [...slots, ...gaps].sort((a, b) => a.partition - b.partition);
  }
}
