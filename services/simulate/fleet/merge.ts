/** A source in time order; `rank` decides between sources of the same millisecond and must be unique. */
export type Timed = { readonly time_ms: number };
type Head<T> = { item: T; readonly rest: Iterator<T>; readonly rank: number };

const before = <T extends Timed>(a: Head<T>, b: Head<T>): boolean =>
  a.item.time_ms < b.item.time_ms || (a.item.time_ms === b.item.time_ms && a.rank < b.rank);

function sink<T extends Timed>(heap: Head<T>[], from: number): void {
  const head = heap[from];
  if (head === undefined) return;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    let best = heap[child];
    if (best === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && before(right, best)) {
      best = right;
      child += 1;
    }
    if (before(head, best)) break;
    heap[at] = best;
    at = child;
  }
  heap[at] = head;
}

/** Merges sources, each in time order, into one (a binary heap; one pending item per source is held). */
export function* mergeByTime<T extends Timed>(sources: readonly Iterator<T>[]): Generator<T, void> {
  const heap: Head<T>[] = [];
  sources.forEach((rest, rank) => {
    const first = rest.next();
    if (first.done !== true) heap.push({ item: first.value, rest, rank });
  });
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at);
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    yield top.item;
    const next = top.rest.next();
    if (next.done === true) {
      const last = heap.pop();
      if (last !== undefined && last !== top) heap[0] = last;
    } else {
      top.item = next.value;
    }
    sink(heap, 0);
  }
}
