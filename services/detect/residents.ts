import type { Model } from '../../detectors/contract.ts';
import { StateSlab } from '../../detectors/state.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { StateBlob } from '../../schemas/outputs.ts';
import { decodeIdentity, encodeIdentity } from './blob.ts';
import type { IdentityState } from './identity.ts';
import { Timers } from './timers.ts';

/** Blobs encoded in one step: about 5 ms. */
const SNAPSHOT_STEP = 256;

/** Highest log clock applied, live and recorded apart, epoch milliseconds. */
export type Watermark = { live: number; recorded: number };

/**
 * The identities that are in memory, and the deadlines of those that are not. An identity comes in with its blob when a
 * record concerns it or a deadline of its passes, and leaves when it has been idle and the store holds it durably.
 */
export class Residents {
  readonly #model: Model;
  readonly #slab: StateSlab;
  readonly #identities = new Map<string, IdentityState>();
  /** Live and recorded time apart: neither may fire the other's deadlines. */
  readonly #timers = { live: new Timers(), recorded: new Timers() };
  readonly #dormant = { live: new Timers(), recorded: new Timers() };

  constructor(model: Model) {
    this.#model = model;
    this.#slab = new StateSlab(model.words);
  }

  get size(): number {
    return this.#identities.size;
  }

  get(key: string): IdentityState | undefined {
    return this.#identities.get(key);
  }

  create(key: string, group: string): IdentityState {
    const slot = this.#slab.take();
    this.#model.initial(slot);
    const state: IdentityState = {
      key,
      slot,
      applied: -1,
      saved: -1,
      dirty: false,
      events: 0,
      clock_ms: 0,
      recorded: false,
      group,
      kind: undefined,
      peer_group: undefined,
      sessions: [],
      alerts: [],
      resting: [],
      held: [],
      directed: undefined,
      effects: undefined,
      window_due: undefined,
      silence_due: undefined,
      last: undefined,
      marked: undefined,
      due: undefined,
      armed: undefined,
    };
    this.#identities.set(key, state);
    return state;
  }

  load(key: string, blob: StateBlob): void {
    if (this.#identities.has(key)) return;
    const state = decodeIdentity(key, blob.version, blob.bytes, this.#model, this.#slab);
    this.#identities.set(key, state);
    this.rearm(state);
  }

  /** Deadlines of identities that are in the store only. Whose clock they follow is known once they are loaded. */
  arm(due: readonly { readonly key: string; readonly due: number }[]): void {
    for (const timer of due) {
      this.#dormant.live.push(timer.due, timer.key);
      this.#dormant.recorded.push(timer.due, timer.key);
    }
  }

  /** Keys of identities out of memory whose deadline has passed: they have to be loaded before the tick is applied. */
  *wake(log_ms: number, recorded: boolean): Generator<string> {
    const dormant = recorded ? this.#dormant.recorded : this.#dormant.live;
    for (let timer = dormant.popDue(log_ms); timer !== undefined; timer = dormant.popDue(log_ms)) yield timer.key;
  }

  /** Identities whose deadline has passed, in order of deadline and key. Each must be advanced and rearmed by the caller. */
  *due(log_ms: number, recorded: boolean): Generator<IdentityState> {
    const timers = recorded ? this.#timers.recorded : this.#timers.live;
    for (let timer = timers.popDue(log_ms); timer !== undefined; timer = timers.popDue(log_ms)) {
      const state = this.#identities.get(timer.key);
      if (state === undefined || state.recorded !== recorded || state.armed !== timer.due) continue;
      state.armed = undefined;
      // An entry is a lower bound: what is due later goes back, so that the order is that of the true deadlines.
      if (state.due === timer.due) yield state;
      else this.rearm(state);
    }
  }

  /** Puts a deadline into the heap unless an entry stands there that will find it. */
  rearm(state: IdentityState): void {
    const { due } = state;
    if (due === undefined || (state.armed !== undefined && state.armed <= due)) return;
    state.armed = due;
    (state.recorded ? this.#timers.recorded : this.#timers.live).push(due, state.key);
  }

  /** Blobs of what changed since the last snapshot, as of `version`, a few at a time. */
  *snapshot(version: number): Generator<StateBlob[]> {
    let blobs: StateBlob[] = [];
    for (const state of this.#identities.values()) {
      if (!state.dirty) continue;
      state.dirty = false;
      state.applied = version;
      state.saved = version;
      blobs.push({ key: state.key, version, due: state.due, bytes: encodeIdentity(state, this.#model, this.#slab) });
      if (blobs.length < SNAPSHOT_STEP) continue;
      yield blobs;
      blobs = [];
    }
    if (blobs.length > 0) yield blobs;
  }

  /** Lets go of idle identities, and of the longest idle ones beyond the limit; only of what the store holds durably. */
  evict(durable: number, watermark: Watermark, most: number): number {
    const before = this.#identities.size;
    const kept: IdentityState[] = [];
    for (const state of this.#identities.values()) {
      if (state.dirty || state.saved < 0 || state.saved > durable) continue;
      const now = state.recorded ? watermark.recorded : watermark.live;
      if (now - state.clock_ms >= LIMITS.identity_idle_ms) this.#release(state);
      else kept.push(state);
    }
    const excess = this.#identities.size - most;
    if (excess > 0) {
      kept.sort((a, b) => a.clock_ms - b.clock_ms);
      for (const state of kept.slice(0, excess)) this.#release(state);
    }
    return before - this.#identities.size;
  }

  #release(state: IdentityState): void {
    const { due } = state;
    if (due !== undefined) (state.recorded ? this.#dormant.recorded : this.#dormant.live).push(due, state.key);
    this.#identities.delete(state.key);
    this.#slab.give(state.slot);
  }
}
