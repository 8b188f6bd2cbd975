import type { Gap } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Manifest } from '../../schemas/outputs.ts';
import { TOPICS } from '../platform/event-log.ts';
import type { GapPort } from '../platform/gaps.ts';
import { type AssignOptions, assignPartition } from './assign.ts';
import { bridgeGap, type Found } from './bridge.ts';
import { detectGap, evidenceOf, placeOf } from './gap.ts';
import type { Pumped } from './pump.ts';
import { standingStatusOf } from './status.ts';
import { dropSlot, newTenure, type Slot, type Tenure } from './tenure.ts';
import type { WriterOptions } from './writer.ts';

export type HoldingsOptions = WriterOptions & {
  readonly worker: AssignOptions;
  readonly gaps: GapPort;
  /** Makes durable what the tenure has applied. */
  readonly letGo: (tenure: Tenure) => Promise<void>;
  /** A partition has come or goes on. */
  readonly changed: () => void;
};

/** A take-over that failed for no passing reason is tried again after so long. */
const TAKE_UP_AGAIN_MS = 10_000;

/**
 * The partitions that this process holds: taken up, given on, taken away, standing at gaps. What befalls one of them
 * does not hold up another.
 */
export class Holdings {
  readonly #options: HoldingsOptions;
  readonly #tenures = new Map<number, Tenure>();
  /** Handed over by the group, and not durable as a whole yet. */
  readonly #leaving = new Map<number, { readonly tenure: Tenure; readonly left: Promise<void> }>();

  constructor(options: HoldingsOptions) {
    this.#options = options;
  }

  get all(): readonly Tenure[] {
    return [...this.#tenures.values()];
  }

  /** Resolves when the partition runs, stands at a gap, or was taken away again. */
  async assign(partition: number): Promise<void> {
    const held = this.#tenures.get(partition);
    if (held !== undefined) return held.taking_up;
    const tenure = newTenure(partition, this.#options);
    this.#tenures.set(partition, tenure);
    await this.#takeUp(tenure, this.#leaving.get(partition)?.left);
  }

  async unassign(partition: number, how: 'handed_over' | 'lost'): Promise<void> {
    const tenure = this.#tenures.get(partition);
    const leaving = this.#leaving.get(partition);
    this.#tenures.delete(partition);
    if (how === 'lost') {
      tenure?.end();
      leaving?.tenure.end();
      return;
    }
    if (tenure?.slot === undefined) {
      tenure?.end();
      return leaving?.left;
    }
    tenure.leaving = true;
    const left = this.#options.letGo(tenure).finally(() => {
      tenure.end();
      this.#leaving.delete(partition);
    });
    this.#leaving.set(partition, { tenure, left });
    return left;
  }

  /** Begins again with what is durable. */
  retake(tenure: Tenure): void {
    dropSlot(tenure);
    void this.#takeUp(tenure);
  }

  /** Stops the partition until somebody has decided. */
  stand(tenure: Tenure, found: Found): void {
    dropSlot(tenure);
    this.#stands(tenure, found.gap);
    void this.#takeUp(tenure, undefined, found);
  }

  /**
   * The worker failed on a record and may be half-way through it: it is dropped. The first time it is built anew and the
   * offsets in question are applied one by one; a record on which it fails again is left out and dead-lettered.
   */
  failed(tenure: Tenure, slot: Slot, { from, to, error }: Extract<Pumped, { readonly kind: 'failed' }>): void {
    const { partition, failures } = tenure;
    const detail = error instanceof Error ? error.stack : String(error);
    this.#options.telemetry.occurred('records_failed', {}, { partition, offset: from, error: detail });
    const { suspects, skipped } = failures;
    if (suspects === undefined || from < suspects.from || to > suspects.to || to - from > 1) {
      failures.suspects = { from, to };
      this.retake(tenure);
      return;
    }
    const since = from - LIMITS.failed_records_span;
    for (const offset of skipped.keys()) if (offset < Math.min(since, slot.durable)) skipped.delete(offset);
    const recent = [...skipped.keys()].filter((offset) => offset >= Math.max(since, failures.accepted_below)).length;
    if (recent < LIMITS.failed_records_max) {
      skipped.set(from, error instanceof Error ? error.name : typeof error);
      this.retake(tenure);
      return;
    }
    const { generation, offset_base } = slot.worker;
    const message = `the worker failed on ${recent} records up to offset ${from} of partition ${partition}: a defect of this program`;
    this.stand(tenure, {
      gap: detectGap(partition, 'too_many_failures', message, [generation, from]),
      next_offset: slot.durable,
      goOn: {
        at: from - offset_base,
        note: () => {
          failures.accepted_below = from;
        },
      },
    });
  }

  /** What is being taken up now. */
  unsettled(): Promise<void>[] {
    return this.all.flatMap(({ taking_up, gap }) => (taking_up === undefined || gap !== undefined ? [] : [taking_up]));
  }

  /** Ends all of them; nothing more is made durable. */
  end(): void {
    for (const tenure of this.#tenures.values()) tenure.end();
    for (const { tenure } of this.#leaving.values()) tenure.end();
  }

  #takeUp(tenure: Tenure, before?: Promise<void>, found?: Found): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    tenure.taking_up = promise;
    const settle = (): void => {
      if (tenure.taking_up === promise) tenure.taking_up = undefined;
      resolve();
      this.#options.changed();
    };
    void this.#untilRunning(tenure, settle, before, found).finally(settle);
    return promise;
  }

  async #untilRunning(tenure: Tenure, settle: () => void, before?: Promise<void>, found?: Found): Promise<void> {
    const { clock } = this.#options;
    let standing = found;
    await before;
    while (!tenure.signal.aborted) {
      try {
        if (standing !== undefined) {
          settle();
          await bridgeGap(standing, { ...this.#options, ...tenure, model: this.#options.worker.model });
        }
        standing = await this.#try(tenure);
        if (standing === undefined) return;
      } catch (error) {
        if (tenure.signal.aborted) return;
        standing = undefined;
        const message = `the partition cannot be taken up: ${String(error)}`.slice(0, 2000);
        this.#stands(tenure, detectGap(tenure.partition, 'take_up_failed', message, []));
        settle();
        await clock.sleep(TAKE_UP_AGAIN_MS, tenure.signal);
      }
    }
  }

  /** The gap at which the partition stands, or nothing when it runs or was taken away. */
  async #try(tenure: Tenure): Promise<Found | undefined> {
    const { log, store, worker: options, gaps } = this.#options;
    const { partition, patience, signal } = tenure;
    const assigned = await patience.until('read', () => assignPartition(log, store, partition, options));
    if (assigned.kind === 'gap') return this.#at(tenure, assigned.gap, assigned.manifest);
    const { worker, known, manifest } = assigned;
    // A log that lost its tail and grew again looks whole: then only who found it remembers.
    const hidden = gaps.hidden(placeOf(partition), evidenceOf(manifest));
    if (hidden !== undefined) return this.#at(tenure, hidden, manifest);
    for (const version of tenure.without) worker.goWithout(version);
    await patience.until('gap', () => gaps.working(placeOf(partition), worker.next - worker.offset_base));
    if (signal.aborted) return undefined;
    tenure.gap = undefined;
    tenure.slot = { worker, known, durable: worker.next, evictable: false, asked_again_ms: 0, pause_ms: 0 };
    return undefined;
  }

  #at(tenure: Tenure, gap: Gap, manifest: Manifest | undefined): Found {
    this.#stands(tenure, gap, manifest);
    return { gap, next_offset: manifest?.next_offset };
  }

  #stands(tenure: Tenure, gap: Gap, manifest?: Manifest): void {
    const { partition } = tenure;
    const { reason, message, id } = gap;
    if (tenure.gap?.id !== id) {
      this.#options.telemetry.occurred(
        'gaps_found',
        {},
        { partition, topic: TOPICS.events, reason, id, detail: message },
      );
    }
    tenure.gap = gap;
    tenure.last ??= standingStatusOf(partition, manifest);
  }
}
