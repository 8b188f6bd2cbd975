import { UNITS } from '../../../schemas/limits.ts';

/**
 * When a recorded stream is worth a new prior: after the population has grown by a quarter, and once a day in any case. Early
 * on, when every session matters, that is often; later a cut costs more than it teaches.
 */
export type CutPolicy = {
  /** Counts events that stand before the next cut. */
  add(events: number): void;
  /** True when the cut offered at this recorded time is to be taken. */
  take(at_ms: number): boolean;
};

const GROWTH = 0.25;
/** Fewer events teach a population nothing: a sparse recording of many years must not stop at each of its days. */
const FRESH_MIN = 50;

export function createCutPolicy(): CutPolicy {
  let total = 0;
  let at_last_cut = 0;
  let last_ms = Number.NEGATIVE_INFINITY;
  return {
    add(events) {
      total += events;
    },
    take(at_ms) {
      const fresh = total - at_last_cut;
      const due = fresh >= GROWTH * at_last_cut || at_ms - last_ms >= UNITS.DAY_MS;
      if (fresh < FRESH_MIN || !due) return false;
      at_last_cut = total;
      last_ms = at_ms;
      return true;
    },
  };
}
