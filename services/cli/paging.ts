import type { Command } from 'commander';
import { LIMITS } from '../../schemas/limits.ts';
import { wholeNumber } from './session.ts';
import type { Terminal } from './terminal.ts';

export type PagingOptions = { readonly limit: number; readonly all?: boolean; readonly cursor?: string };
export type PageQuery = { readonly limit: number; readonly cursor: string | undefined };
type PageOf<Item> = { readonly items: readonly Item[]; readonly next_cursor?: string | undefined };

export function paged(command: Command, limit = 50): Command {
  return command
    .option('--limit <n>', 'at most so many', wholeNumber(1, 1_000_000), limit)
    .option('--all', 'all there are')
    .option('--cursor <cursor>', 'go on where an earlier call ended');
}

/**
 * Asks page after page until there are as many as wanted. `shown` gets each page as it comes; the result is all of them.
 * Says on standard error how to go on when there are more.
 */
export async function collectPages<Item>(
  terminal: Terminal,
  { limit, all, cursor }: PagingOptions,
  fetchPage: (query: PageQuery) => Promise<PageOf<Item>>,
  shown: (item: Item) => void = () => undefined,
): Promise<Item[]> {
  const wanted = all === true ? Number.POSITIVE_INFINITY : limit;
  const items: Item[] = [];
  let next = cursor;
  do {
    const page = await fetchPage({ limit: Math.min(LIMITS.page_items_max, wanted - items.length), cursor: next });
    for (const item of page.items) {
      items.push(item);
      shown(item);
    }
    next = page.next_cursor;
  } while (next !== undefined && items.length < wanted);
  if (next !== undefined) terminal.note(`There are more: --all, or go on with --cursor ${next}`);
  return items;
}
