/**
 * What falls due when: a binary heap over (due, key). Entries are lower bounds: whoever pops one compares it with the
 * identity's true due time and pushes it again when that is later, so moving a deadline costs nothing.
 */
export type Timer = { readonly due: number; readonly key: string };

export class Timers {
  readonly #heap: Timer[] = [];

  get size(): number {
    return this.#heap.length;
  }

  push(due: number, key: string): void {
    const heap = this.#heap;
    const timer = { due, key };
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  /** Takes out the earliest entry that is due at `now`; ties go by key, so the order is the same in every run. */
  popDue(now: number): Timer | undefined {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined || top.due > now) return undefined;
    const last = heap.pop() as Timer;
    if (heap.length > 0) this.#sink(last);
    return top;
  }

  #sink(timer: Timer): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, timer)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = timer;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.due < b.due || (a.due === b.due && a.key < b.key);
}
