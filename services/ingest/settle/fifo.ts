/**
 * Items in the order in which they came. One that has left from the middle stays until it is first, or until more than half
 * of all have left, so leaving costs no search and memory follows what is there.
 */
export class Fifo<T> {
  readonly #isGone: (item: T) => boolean;
  #items: (T | undefined)[] = [];
  #head = 0;
  #size = 0;

  constructor(isGone: (item: T) => boolean) {
    this.#isGone = isGone;
  }

  /** Items that have not left. */
  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#size++;
  }

  /** One of the items has just become gone. */
  left(): void {
    this.#size--;
    if (this.#items.length - this.#head <= 2 * this.#size + SLACK && this.#head <= this.#size + SLACK) return;
    const kept: T[] = [];
    for (let index = this.#head; index < this.#items.length; index++) {
      const item = this.#items[index];
      if (item !== undefined && !this.#isGone(item)) kept.push(item);
    }
    this.#items = kept;
    this.#head = 0;
  }

  /** The one that came first of those that have not left. */
  first(): T | undefined {
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head];
      if (item !== undefined && !this.#isGone(item)) return item;
      this.#items[this.#head++] = undefined;
    }
    return undefined;
  }
}

const SLACK = 8;
