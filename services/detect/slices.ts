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

/** Runs the steps to their end and lets others run between them. */
export async function inSteps<T>(steps: Generator<undefined, T>): Promise<T> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    await new Promise(setImmediate);
  }
}
