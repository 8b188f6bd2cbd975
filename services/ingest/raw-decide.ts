import { type DecideContext, type Decided, decideItem, type Item } from './core.ts';
import { deadLetter, printable } from './refusal.ts';

const ERROR_CHARS_MAX = 200;

/**
 * `decideItem` for records that come by themselves and would come again and again: an item on which ingest itself fails
 * becomes a dead letter too, so that no item ever stops a partition. `failed` is told, because it is a defect.
 */
export function decideSafely(
  item: Item,
  context: DecideContext,
  failed: (error: unknown, item: Item) => void,
  decide: typeof decideItem = decideItem,
): readonly Decided[] {
  try {
    return decide(item, context);
  } catch (error) {
    failed(error, item);
    const what = printable(error instanceof Error ? error.message : String(error)).slice(0, ERROR_CHARS_MAX);
    const message = `ingest failed on this item (${what}); keep it and report it`;
    const refusal = { kind: 'refused', reason: 'ingest_failed', message } as const;
    return [{ kind: 'dead_letter', letter: deadLetter(refusal, item, context.origin, context.now_ms) }];
  }
}
