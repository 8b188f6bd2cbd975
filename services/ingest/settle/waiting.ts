import type { HeldEvent } from '../../../schemas/span.ts';
import { Fifo } from './fifo.ts';
import { roomOf, type Traces } from './traces.ts';
import type { Waiter } from './waiter.ts';

/** Who waits, who did in vain and is remembered, and for which link each of them stands. */
export class Waiting {
  readonly #traces: Traces;
  readonly #waiting = new Fifo<Waiter>(({ state }) => state !== 'waiting');
  /** Those that were released as well, in the order in which they came. */
  readonly #remembered = new Fifo<Waiter>(({ state }) => state === 'gone');
  #bytes = 0;

  constructor(traces: Traces) {
    this.#traces = traces;
  }

  /** Events that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Those, and those that were released and are remembered. */
  get remembered(): number {
    return this.#remembered.size;
  }

  /** Bytes of the records whose events wait. */
  get bytes(): number {
    return this.#bytes;
  }

  firstWaiting(): Waiter | undefined {
    return this.#waiting.first();
  }

  firstRemembered(): Waiter | undefined {
    return this.#remembered.first();
  }

  add(waiter: Waiter): void {
    roomOf(waiter.trace).waiters.push(waiter);
    this.#waiting.push(waiter);
    this.#remembered.push(waiter);
    this.#bytes += waiter.bytes;
    this.park(waiter, waiter.parked, waiter.hops);
  }

  /** It stands before the link of that name, so many hops behind it. */
  park(waiter: Waiter, name: string, hops: number): void {
    waiter.parked = name;
    waiter.hops = hops;
    const { parked } = roomOf(waiter.trace);
    const there = parked.get(name);
    if (there === undefined) parked.set(name, new Set([waiter]));
    else there.add(waiter);
  }

  /** It waits no more, and is remembered by its key. */
  release(waiter: Waiter, event: HeldEvent, key: string): void {
    if (waiter.event !== event) throw new Error('only what waits can be released');
    waiter.key = key;
    waiter.event = undefined;
    waiter.state = 'released';
    this.#waiting.left();
    this.#bytes -= waiter.bytes;
  }

  /** It is no longer remembered, and stands nowhere already. */
  forget(waiter: Waiter): void {
    if (waiter.state === 'gone') throw new Error('what was forgotten cannot be forgotten again');
    const waited = waiter.state === 'waiting';
    waiter.state = 'gone';
    waiter.event = undefined;
    if (waited) {
      this.#waiting.left();
      this.#bytes -= waiter.bytes;
    }
    roomOf(waiter.trace).waiters.left();
    this.#remembered.left();
  }

  /** It is no longer remembered, wherever it stands. */
  leave(waiter: Waiter): void {
    const { parked } = roomOf(waiter.trace);
    const there = parked.get(waiter.parked);
    there?.delete(waiter);
    if (there?.size === 0) parked.delete(waiter.parked);
    this.forget(waiter);
    this.#traces.release(waiter.trace);
  }
}
