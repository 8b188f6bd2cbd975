/** Records worked off between two turns of the event loop. */
export const SLICE_ITEMS = 1024;

/** Works the items off in slices, with a turn of the event loop after each. */
export async function inSlices<T>(items: readonly T[], work: (item: T, at: number) => void): Promise<void> {
  for (let from = 0; from < items.length; from += SLICE_ITEMS) {
    const to = Math.min(items.length, from + SLICE_ITEMS);
    for (let at = from; at < to; at++) work(items[at] as T, at);
    await new Promise(setImmediate);
  }
}
