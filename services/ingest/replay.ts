import { LIMITS } from '../../schemas/limits.ts';
import { type Boundary, boundariesBetween } from './boundaries.ts';
import { type DecideContext, type Decided, decideItem, timeOf } from './core.ts';
import { createRecordedClock, NO_CLOCK } from './recorded-clock.ts';
import type { Alias } from './settle/alias.ts';
import { createInlineSettler } from './settle/inline.ts';
import { type SettleRule, settleRule } from './settle/rule.ts';
import { type Recording, readItems } from './source.ts';

/** Decided items with the recorded clock of each, epoch milliseconds; `NO_CLOCK` before the first event. */
export type RecordsStep = {
  readonly kind: 'records';
  readonly decided: readonly Decided[];
  readonly at: readonly number[];
  /** Roughly what the step weighs when written. */
  readonly bytes: number;
  /** Bytes read so far, over all recordings: beside their sizes, the progress. */
  readonly bytes_read: number;
};

/** A root that came after its events had been released. */
export type AliasStep = { readonly kind: 'alias'; readonly alias: Alias; readonly at: number };

/** What a replay does next: append these, let time pass, or (`cut`) stop until a new prior is adopted. */
export type ReplayStep = RecordsStep | AliasStep | Boundary;

/**
 * Recorded streams as steps that are the same at any speed. One recorded clock runs through all recordings in the given
 * order. A tick comes whenever it crosses a multiple of `replay_tick_ms`, a cut at multiples of `replay_cut_ms`, both
 * before the first record beyond. Held events are settled in the same pass, and what waits at the end is released. Knows nothing of the log: a backtest reads the same steps.
 */
export async function* replayRecords(
  recordings: readonly Recording[],
  context: DecideContext,
  rule: SettleRule = settleRule(LIMITS.settle_bound_ms),
): AsyncGenerator<ReplayStep> {
  let bytes_read = 0;
  const steps: ReplayStep[] = [];
  const gather = createGatherer(steps);
  const settler = createInlineSettler(rule, { decided: gather.add, alias: gather.alias });
  const clock = createRecordedClock<Decided>(settler.add);
  for (const recording of recordings) {
    const read_before = bytes_read;
    for await (const batch of readItems(recording)) {
      bytes_read = read_before + batch.bytes_read;
      gather.bytesRead(bytes_read);
      for (const item of batch.items) {
        for (const decided of decideItem(item, context)) clock.push(decided, timeOf(decided));
      }
      yield* steps.splice(0);
    }
  }
  clock.end();
  settler.end();
  gather.flush();
  yield* steps;
}

type Gatherer = {
  add(decided: Decided, at_ms: number): void;
  alias(alias: Alias, at_ms: number): void;
  bytesRead(bytes: number): void;
  flush(): void;
};

/** Gathers settled items into steps and puts ticks and cuts between them. */
function createGatherer(steps: ReplayStep[]): Gatherer {
  let decided: Decided[] = [];
  let at: number[] = [];
  let bytes = 0;
  let bytes_read = 0;
  let clock = NO_CLOCK;
  const flush = (): void => {
    if (decided.length === 0) return;
    steps.push({ kind: 'records', decided, at, bytes, bytes_read });
    decided = [];
    at = [];
    bytes = 0;
  };
  const passTo = (at_ms: number): void => {
    if (clock !== NO_CLOCK && at_ms > clock) {
      const boundaries = boundariesBetween(clock, at_ms);
      if (boundaries.length > 0) {
        flush();
        steps.push(...boundaries);
      }
    }
    clock = at_ms;
  };
  return {
    flush,
    bytesRead(read) {
      bytes_read = read;
    },
    alias(alias, at_ms) {
      passTo(at_ms);
      flush();
      steps.push({ kind: 'alias', alias, at: at_ms });
    },
    add(item, at_ms) {
      passTo(at_ms);
      decided.push(item);
      at.push(at_ms);
      bytes += sizeOf(item);
      if (decided.length >= LIMITS.replay_batch_items_max || bytes >= LIMITS.replay_batch_bytes_max) flush();
    },
  };
}

function sizeOf(decided: Decided): number {
  if (decided.kind === 'accepted') return decided.json.length;
  return decided.kind === 'dead_letter' ? decided.letter.bytes.length : 0;
}
