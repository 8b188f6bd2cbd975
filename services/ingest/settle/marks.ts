import type { SettleClock } from './settler.ts';

/** A place in the log: the first record from there on, and the clocks that stood before it, epoch milliseconds. */
export type Mark = SettleClock & {
  readonly from: number;
  /** Latest append time up to that record, which also recordings have. */
  readonly live: number;
};

/**
 * Where memory begins. What is decided behind a record depends on no record whose clock lies more than twice the memory
 * back, so the newest mark before that is kept, and none before it.
 */
export class Marks {
  readonly #memory_ms: number;
  readonly #apart_ms: number;
  #marks: Mark[];

  constructor(first: Mark, { memory_ms, apart_ms }: { readonly memory_ms: number; readonly apart_ms: number }) {
    this.#memory_ms = memory_ms;
    this.#apart_ms = apart_ms;
    this.#marks = [first];
  }

  get first(): Mark {
    return this.#marks[0] as Mark;
  }

  /** To be called before a record is taken in, with the clocks before it. */
  add(mark: Mark): void {
    const last = this.#marks.at(-1) as Mark;
    if (mark.come - last.come >= this.#apart_ms) this.#marks.push(mark);
  }

  /** Time has passed up to `passed`: what is remembered came after `passed` less the memory. */
  pass(passed: number): void {
    const remembered = this.#lastBefore(passed - this.#memory_ms);
    // What became of the oldest that is remembered depends on what was remembered when it came.
    const reach = this.#lastBefore((this.#marks[remembered] as Mark).passed - this.#memory_ms);
    if (reach > 0) this.#marks = this.#marks.slice(reach);
  }

  /** Index of the last mark at or before which nothing came at `ms` or later; 0 when there is none. */
  #lastBefore(ms: number): number {
    let index = 0;
    while (index + 1 < this.#marks.length && (this.#marks[index + 1] as Mark).come < ms) index++;
    return index;
  }
}
