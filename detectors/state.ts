/**
 * State of many identities in few large buffers: no object per identity but one small reference, no garbage per event.
 * A chunk holds CHUNK identities; a slot is `words` 32-bit words, seen as integers and as floats.
 */

/** Where one identity's words lie. `at` is the index of its first word in both views, `at16` in the half-word view. */
export type StateRef = {
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly u16: Uint16Array;
  readonly at: number;
};

const CHUNK = 256;

export class StateSlab {
  readonly #words: number;
  readonly #free: StateRef[] = [];
  #used = 0;

  constructor(words: number) {
    this.#words = words;
  }

  /** Slots handed out and not yet given back. */
  get used(): number {
    return this.#used;
  }

  /** A zeroed slot. */
  take(): StateRef {
    if (this.#free.length === 0) this.#grow();
    const ref = this.#free.pop() as StateRef;
    ref.u32.fill(0, ref.at, ref.at + this.#words);
    this.#used++;
    return ref;
  }

  give(ref: StateRef): void {
    this.#used--;
    this.#free.push(ref);
  }

  /** The slot's words, copied: what the worker stores. */
  save(ref: StateRef): Uint32Array {
    return ref.u32.slice(ref.at, ref.at + this.#words);
  }

  load(words: Uint32Array): StateRef {
    if (words.length !== this.#words) throw new RangeError(`state has ${words.length} words, not ${this.#words}`);
    const ref = this.take();
    ref.u32.set(words, ref.at);
    return ref;
  }

  #grow(): void {
    const buffer = new ArrayBuffer(CHUNK * this.#words * 4);
    const views = { u32: new Uint32Array(buffer), f32: new Float32Array(buffer), u16: new Uint16Array(buffer) };
    for (let slot = CHUNK - 1; slot >= 0; slot--) this.#free.push({ ...views, at: slot * this.#words });
  }
}
