import type { Gap } from '../../schemas/gap.ts';
import { type CommitResult, commit } from './raw-commit.ts';
import type { PartitionOptions } from './raw-options.ts';
import { type Patience, Stopped } from './raw-patience.ts';
import type { Portion } from './raw-portion.ts';
import { type Found, parsePosition, positionName, type RawPosition, type Start, startOf } from './raw-position.ts';

/** A position that this process holds, with the text that the log has for it. */
export type Held = { readonly at: RawPosition; readonly text: string };

/** How often a newly assigned partition is claimed against a predecessor that still writes. */
const CLAIMS_MAX = 3;

/** The right to write a partition's position: how it is taken, used and left to others. */
export class RawOffice {
  readonly #options: PartitionOptions;
  readonly #name: string;
  readonly #patience: Patience;
  readonly #signal: AbortSignal;
  #gap: Gap | undefined;
  #next: number | undefined;

  constructor(options: PartitionOptions, patience: Patience, signal: AbortSignal) {
    this.#options = options;
    this.#name = positionName(options);
    this.#patience = patience;
    this.#signal = signal;
  }

  /** The gap at which it stands still. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Offset up to which everything is durable; undefined until the position is known. */
  get next(): number | undefined {
    return this.#next;
  }

  /**
   * Takes the partition up where it stands, after a decision where that is a gap. Undefined when another process keeps
   * taking it.
   */
  async open(): Promise<Held | undefined> {
    const { log } = this.#options;
    for (let claim = 0; claim < CLAIMS_MAX; claim++) {
      const found = await this.#find();
      const start = this.#startAt(found);
      const at = start.kind === 'start' ? start.at : await this.#waitForDecision(start.gap);
      const text = JSON.stringify(at);
      // Written though nothing was read: from here on nobody who came before can write.
      const write = { name: this.#name, expected: found.position, position: text, records: [] };
      if ((await commit(log, this.#patience, write)) === 'taken') continue;
      await this.#patience.until(() => this.#goneOn(start, at.next));
      this.#gap = undefined;
      this.#next = at.next;
      return { at, text };
    }
    return undefined;
  }

  /** Makes a batch durable, with its sums and the position behind it. */
  async write(batch: Portion, expected: string): Promise<CommitResult> {
    const { log, telemetry, topic } = this.#options;
    const { records, counters, position } = batch;
    const write = { name: this.#name, expected, position, records, counters };
    const result = await commit(log, this.#patience, write);
    if (result === 'taken') return result;
    this.#next = batch.next;
    if (batch.raw_records > 0) telemetry.occurred('raw_records', { source: topic }, {}, batch.raw_records);
    batch.report();
    return result;
  }

  /** Another process holds the position: waits until nobody moves it although there is work. */
  async standAside(): Promise<void> {
    const { clock, limits } = this.#options;
    let seen: string | undefined;
    while (!this.#signal.aborted) {
      await clock.sleep(limits.raw_takeover_ms, this.#signal);
      const { position, bounds } = await this.#find();
      const next = position === undefined ? undefined : parsePosition(position)?.next;
      if (position === seen && next !== bounds.end) return;
      seen = position;
    }
  }

  async #find(): Promise<Found> {
    const { log, topic, partition } = this.#options;
    return this.#patience.until(async () => ({
      position: await log.position(this.#name),
      info: await log.describe(topic),
      bounds: await log.bounds(topic, partition),
    }));
  }

  /** Where it goes on, or the gap before it: one that was found here before, too, if the log has grown over it since. */
  #startAt(found: Found): Start {
    const { gaps, topic, partition } = this.#options;
    const place = { topic, partition };
    const start = startOf(place, found);
    if (start.kind === 'gap' || found.position === undefined) return start;
    const { generation, next } = start.at;
    const gap = gaps.hidden({ stage: 'ingest', ...place }, [generation, next]);
    return gap === undefined ? start : { kind: 'gap', gap };
  }

  #goneOn(start: Start, offset: number): Promise<void> {
    const { gaps, topic, partition } = this.#options;
    if (start.kind === 'gap') return gaps.closed(start.gap.id, offset);
    return gaps.working({ stage: 'ingest', topic, partition }, offset);
  }

  /** Stands still until somebody has decided, and gives the place to go on at. */
  async #waitForDecision(gap: Gap): Promise<RawPosition> {
    const { gaps, telemetry } = this.#options;
    this.#gap = gap;
    telemetry.occurred('gaps_found', {}, gap);
    await this.#patience.until(() => gaps.report(gap));
    let resume = gaps.decision(gap.id);
    while (resume === undefined) {
      await gaps.changed(this.#signal);
      if (this.#signal.aborted) throw new Stopped();
      resume = gaps.decision(gap.id);
    }
    const { info, bounds } = await this.#find();
    return { generation: info.generation, next: bounds[resume] };
  }
}
