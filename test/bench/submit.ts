import type { Item } from '../../services/ingest/core.ts';
import type { Input } from './input.ts';

/** Items of one submitted batch: a request of about 800 KB. */
export const SUBMIT_ITEMS = 1_000;

/** `at` is the recorded clock of the whole batch, epoch milliseconds. */
export type SubmittedBatch = { readonly items: readonly Item[]; readonly at: number };

/** The input, or a part of it, as the batches in which a client would send it. */
export function batches(input: Input, span = { from: 0, to: input.items.length }): SubmittedBatch[] {
  const cut: SubmittedBatch[] = [];
  for (let start = span.from; start < span.to; start += SUBMIT_ITEMS) {
    const end = Math.min(span.to, start + SUBMIT_ITEMS);
    cut.push({ items: input.items.slice(start, end), at: input.times[end - 1] ?? 0 });
  }
  return cut;
}
