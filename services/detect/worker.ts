import { type Model, peerGroupOf } from '../../detectors/contract.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Manifest, Outputs, ScoredEvent, StateBlob } from '../../schemas/outputs.ts';
import type { NamedPulse } from '../../schemas/pulse.ts';
import { identityKey } from '../platform/partitioner.ts';
import type { SeenKey } from '../platform/store.ts';
import { applyVerdict, applyWatch } from './addressed.ts';
import type { DescribeAlert } from './alerts.ts';
import { type Decoded, isPoison } from './decode.ts';
import { DedupMemory } from './dedup.ts';
import { Directing } from './directing.ts';
import { Effects } from './effects.ts';
import { evidenceOf, raiseFindings } from './findings.ts';
import { flagNames, flagsOf, OUT_OF_WINDOW } from './flags.ts';
import { GroupTable } from './groups.ts';
import { isWorthALook, passesTick } from './hand-on.ts';
import type { Checkpoint, GroupCut, Needs, Snapshot } from './handover.ts';
import { joinGroup, staysInGroup } from './identity.ts';
import { Lifecycle } from './lifecycle.ts';
import { expectedBy, needsOf } from './needs.ts';
import { Outbox } from './outbox.ts';
import { PriorShelf } from './prior-shelf.ts';
import { Residents, type Watermark } from './residents.ts';
import { SilenceWatch } from './silence.ts';
import { passTick } from './ticks.ts';

/**
 * The partition worker: all that needs an identity's state, as a pure core. It deduplicates, scores, learns, closes
 * windows and sessions, groups findings into alerts, and collects what its shell has to write. It does no I/O and reads
 * no clock; the shell asks what it `needs`, `load`s that, lets it `apply` records in offset order, takes the outputs and
 * now and then a `checkpoint`.
 *
 * Whatever it hands out is a function of the log up to an offset (promises P2, P3): after a crash the shell starts again
 * at the manifest, and an identity or group whose blob is already further on skips what it has applied.
 */
export type WorkerOptions = {
  readonly topic: string;
  readonly partition: number;
  readonly partitions: number;
  readonly generation: string;
  readonly model: Model;
  readonly describe: DescribeAlert;
  readonly dedup_keys_max?: number;
  readonly lateness_ms?: number;
  /** What a scored event waits as until it is written; absent where it waits as it is. */
  readonly pack?: ((row: ScoredEvent) => ScoredEvent) | undefined;
};

/** Newest events of a session that go along as evidence. */
const RECENT_EVIDENCE = 5;

export class PartitionWorker {
  readonly #options: WorkerOptions;
  readonly #model: Model;
  readonly #residents: Residents;
  readonly #groups: GroupTable;
  readonly #lifecycle: Lifecycle;
  readonly #dedup: DedupMemory;
  readonly #lateness_ms: number;
  readonly #priors: PriorShelf;
  readonly #outbox: Outbox;
  readonly #directing: Directing;
  readonly #silence: SilenceWatch;
  readonly #effects: Effects;
  #next: number;
  readonly #offset_base: number;
  readonly #watermark: Watermark;
  /** Part of the state: only what every run counts alike, whatever blobs were ahead after a crash. */
  readonly #counters: Record<string, number>;

  constructor(options: WorkerOptions, manifest?: Manifest) {
    this.#options = options;
    this.#model = options.model;
    this.#residents = new Residents(options.model);
    this.#groups = new GroupTable(options.model, manifest?.groups ?? []);
    this.#outbox = new Outbox(options.partition);
    this.#lifecycle = new Lifecycle(options.model, this.#groups, this.#outbox);
    this.#dedup = new DedupMemory(options.dedup_keys_max);
    this.#lateness_ms = options.lateness_ms ?? LIMITS.lateness_ms;
    this.#priors = new PriorShelf(options.model);
    this.#directing = new Directing(options.model, manifest?.directives);
    this.#silence = new SilenceWatch(options, this.#directing, this.#outbox, manifest?.pulses);
    this.#effects = new Effects(options, this.#silence, this.#outbox);
    this.#next = manifest?.next_offset ?? 0;
    this.#offset_base = manifest?.offset_base ?? 0;
    this.#watermark = { live: manifest?.watermark_live ?? 0, recorded: manifest?.watermark_recorded ?? 0 };
    this.#counters = { ...manifest?.counters };
  }

  /** Offset of the next record to apply. */
  get next(): number {
    return this.#next;
  }

  /** What its offsets are ahead of those of the log. */
  get offset_base(): number {
    return this.#offset_base;
  }

  get generation(): string {
    return this.#options.generation;
  }

  get partitions(): number {
    return this.#options.partitions;
  }

  get resident(): number {
    return this.#residents.size;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** How its sources and peer groups are heard of. */
  get pulses(): readonly NamedPulse[] {
    return this.#silence.pulses;
  }

  get watermark(): Readonly<Watermark> {
    return this.#watermark;
  }

  /** What waits to be written. Alerts and cuts are urgent: somebody waits for them. */
  get pending(): { readonly rows: number; readonly urgent: boolean } {
    return this.#outbox.pending;
  }

  // --- restoring ------------------------------------------------------------------------------------------------

  /** Rebuilds the dedup memory from accepted events below the manifest's offset, in offset order. */
  remember(seen: readonly SeenKey[]): void {
    for (const { key, origin, id, offset } of seen) this.#dedup.check(key, origin, id, offset);
  }

  /** Takes in the deadlines of identities that only the store holds. */
  arm(due: readonly { readonly key: string; readonly due: number }[]): void {
    this.#residents.arm(due);
  }

  addPrior(version: string, bytes: Uint8Array): void {
    this.#priors.add(version, bytes);
  }

  /** Takes up a prior whose bytes were added; the one before it is let go. */
  adoptPrior(version: string): void {
    this.#priors.adopt(version);
  }

  /** A prior that is not to be had: the record that adopts it changes nothing. */
  goWithout(version: string): void {
    this.#priors.goWithout(version);
  }

  /** Blobs that records will most likely touch, by their keys alone: one look-up for many that are not decoded yet. */
  expects(records: readonly { readonly key: string }[]): string[] {
    return expectedBy(records, { residents: this.#residents, groups: this.#groups });
  }

  /** Blobs and priors that applying these records will touch and that are not in memory yet. */
  needs(records: readonly Decoded[]): Needs {
    return needsOf(records, { residents: this.#residents, groups: this.#groups, priors: this.#priors });
  }

  /**
   * Brings in what `needs` asked for. Keys without a blob are new and start from nothing.
   *
   * An identity whose blob is ahead of this worker was written by another process that held the partition, perhaps after
   * this worker read the groups: what the identity taught would be missing from them. Then the keys of the groups come
   * back, to be read again and given to `catchUp`; whoever wrote the identity had written its group before.
   */
  load(keys: readonly string[], blobs: ReadonlyMap<string, StateBlob>): string[] {
    let ahead = false;
    for (const key of keys) {
      const blob = blobs.get(key);
      if (this.#groups.loadBlob(key, blob) || blob === undefined) continue;
      ahead ||= blob.version >= this.#next;
      this.#residents.load(key, blob);
    }
    return ahead ? this.#groups.keys() : [];
  }

  /** Takes up groups that are ahead of this worker. */
  catchUp(blobs: ReadonlyMap<string, StateBlob>): void {
    for (const [key, blob] of blobs) if (blob.version >= this.#next) this.#groups.replace(key, blob);
  }

  // --- applying -------------------------------------------------------------------------------------------------

  /** The log holds nothing for a reader up to `next`: what stands there are markers of transactions. */
  skipTo(next: number): void {
    if (next < this.#next) throw new Error(`offset ${next} was passed already, next is ${this.#next}`);
    this.#next = next;
  }

  /** Applies one record. Records come in offset order, each exactly once per worker. */
  apply(decoded: Decoded): void {
    const steps = this.applySteps(decoded);
    if (steps !== undefined) for (let step = steps.next(); step.done !== true; step = steps.next());
  }

  /** Applies one record, or says how to in steps where that is much: nothing else is asked of the worker before the last. */
  applySteps(decoded: Decoded): Generator<undefined, void> | undefined {
    const { offset, recorded, record } = decoded;
    // A broker's clock can be set back, and time that has passed in a partition has passed. A recording's clock is its own.
    const log_ms = recorded ? decoded.log_ms : Math.max(this.#watermark.live, decoded.log_ms);
    if (offset < this.#next) throw new Error(`offset ${offset} was applied already, next is ${this.#next}`);
    this.#next = offset + 1;
    if (isPoison(record)) {
      this.#count('poison');
      this.#outbox.poison(record);
      return undefined;
    }
    this.#count(record.type);
    const clock = recorded ? 'recorded' : 'live';
    if (passesTick(this.#watermark[clock], log_ms)) this.#outbox.tick(log_ms, recorded, this.#options.partitions);
    this.#watermark[clock] = Math.max(this.#watermark[clock], log_ms);
    this.#directing.pass(this.#watermark);
    this.#silence.pass(log_ms, recorded);
    if (record.type === 'event') {
      this.#applyEvent(record.event, offset, log_ms, recorded);
      return undefined;
    }
    const at = { offset, log_ms, recorded };
    if (record.type === 'tick') return passTick({ ...at, prior: this.#priors.current }, this.#on);
    else if (record.type === 'cut') return this.#applyCut(record.version, offset);
    else if (record.type === 'prior') this.adoptPrior(record.version);
    else if (record.type === 'verdict') applyVerdict(record.verdict, at, this.#on);
    else if (record.type === 'effect_watch') applyWatch(record.watch, at, this.#on);
    else if (record.type === 'directive') {
      this.#count(`directive.${this.#directing.apply(record.change, recorded, this.#watermark)}`);
    } else this.#outbox.alias(record, offset, log_ms);
    return undefined;
  }

  #applyEvent(event: CanonicalEvent, offset: number, log_ms: number, recorded: boolean): void {
    const seen = this.#dedup.check(event.key, event.origin, event.id, offset);
    if (seen === 'duplicate') {
      this.#count('duplicate');
      return;
    }
    this.#count('accepted');
    if (recorded) this.#count('accepted_recorded');
    const flags = flagsOf(event, log_ms, { lateness_ms: this.#lateness_ms, id_reused: seen === 'id_reused' });
    if (flags !== 0) for (const flag of flagNames(flags)) this.#count(`flag.${flag}`);
    const key = identityKey(event.tenant, event.identity.id);
    const known = this.#residents.get(key);
    const moved = known === undefined || !staysInGroup(known, event.identity);
    const group = moved ? this.#groups.register(peerGroupOf(event)) : known.group;
    const state = known ?? this.#residents.create(key, group);
    this.#silence.hear(event, flags, state, group, recorded);
    if (offset <= state.applied) return;
    if (moved) joinGroup(state, group, event.identity);
    state.events++;
    this.#lifecycle.advance(state, offset, log_ms, recorded);
    this.#silence.speaks(state, offset, log_ms);
    const session = this.#lifecycle.session(state, event.session ?? '', offset);
    // An old clock can come back to an identity, as when a recording is replayed again: its windows are long closed.
    const in_window = (flags & OUT_OF_WINDOW) === 0 && event.time >= state.clock_ms - this.#lateness_ms;
    const input = { event, log_ms, in_window, state: state.slot, session: session.trace, prior: this.#priors.current };
    const { score, policy, thresholds } = this.#directing.score(state, input);
    session.recent.push(evidenceOf(event));
    if (session.recent.length > RECENT_EVIDENCE) session.recent.shift();
    const { partition, pack, describe } = this.#options;
    if (isWorthALook(this.#model, input, score, thresholds)) {
      const found = { state, session, input, score, recorded, policy, thresholds };
      this.#outbox.raised(event, raiseFindings(this.#model, describe, found), offset);
    }
    if (state.effects !== undefined) this.#effects.check(state, { event, log_ms, session }, offset);
    const heard_before = this.#silence.heard(state);
    this.#model.observe(input, score);
    this.#silence.observed(state, heard_before, { event, log_ms, session, prior: input.prior });
    this.#lifecycle.observed(state, offset, in_window);
    this.#residents.rearm(state);
    const row = { event, partition, offset, log_time: log_ms, bits: score.bits, parts: score.parts, flags };
    this.#outbox.event(pack === undefined ? row : pack(row));
  }

  *#applyCut(version: string, offset: number): Generator<undefined, void> {
    // A group that is ahead of the cut was saved by a checkpoint that had written this very cut first.
    if (this.#groups.anyAppliedBeyond(offset)) return;
    this.#outbox.cut(version, yield* this.#groups.encodeCut());
  }

  /** What records that are no events work on. */
  get #on() {
    const [residents, lifecycle, silence] = [this.#residents, this.#lifecycle, this.#silence];
    return { residents, lifecycle, silence, effects: this.#effects, outbox: this.#outbox };
  }

  #count(name: string): void {
    this.#counters[name] = (this.#counters[name] ?? 0) + 1;
  }

  // --- handing over ---------------------------------------------------------------------------------------------

  /** Everything to write since the last call. */
  takeOutputs(): Outputs {
    return this.#outbox.takeOutputs();
  }

  takeCuts(): GroupCut[] {
    return this.#outbox.takeCuts();
  }

  takeTallies(): Readonly<Record<string, number>> {
    return this.#outbox.takeTallies();
  }

  /** What changed since the last snapshot. Outputs must be taken before, and written before it. */
  snapshot(): Snapshot {
    if (this.pending.rows > 0) throw new Error('a snapshot before its outputs were taken would lose them');
    const version = this.#next - 1;
    const { topic, partition, partitions, generation } = this.#options;
    return {
      groups: this.#groups.snapshot(version),
      identities: this.#residents.snapshot(version),
      manifest: {
        topic,
        partition,
        partitions,
        generation,
        next_offset: this.#next,
        offset_base: this.#offset_base,
        watermark_live: this.#watermark.live,
        watermark_recorded: this.#watermark.recorded,
        dedup_from: this.#dedup.from(this.#next),
        prior_version: this.#priors.current.version,
        ...this.#directing.saved(),
        groups: this.#groups.names(),
        rules_version: this.#model.rules_version,
        counters: { ...this.#counters },
        pulses: this.#silence.snapshot(),
      },
    };
  }

  /** The snapshot as a whole. */
  checkpoint(): Checkpoint {
    const { groups, identities, manifest } = this.snapshot();
    return { groups: [...groups].flat(), identities: [...identities].flat(), manifest };
  }

  /** Frees memory. `durable` is the version of the last checkpoint that was written whole. */
  evict(durable: number, most: number = LIMITS.resident_identities_max): number {
    return this.#residents.evict(durable, this.#watermark, most);
  }
}
