import type { z } from 'zod';
import { AlertAnswer, AlertPage } from '../../schemas/api/alerts.ts';
import { ContainmentAnswer, ContainmentPage } from '../../schemas/api/containments.ts';
import { DirectivePage } from '../../schemas/api/directives.ts';
import { GapPage } from '../../schemas/api/gaps.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { at, type Client } from './client.ts';
import { EXIT, Problem } from './problem.ts';
import { printable } from './terminal.ts';

/** Pages that are looked through for an abbreviated id. */
const PAGES_MAX = 40;
const CANDIDATES_SHOWN = 5;

export async function readAlert(client: Client, uid: string): Promise<z.output<typeof AlertAnswer>> {
  return client.get(at('alerts', await fullUid(client, uid)), AlertAnswer);
}

export async function readContainment(client: Client, id: string): Promise<z.output<typeof ContainmentAnswer>> {
  return client.get(at('containments', await fullContainmentId(client, id)), ContainmentAnswer);
}

/** The uid that begins so: people type what a table shows. Throws a Problem when there is none or more than one. */
export function fullUid(client: Client, prefix: string): Promise<string> {
  return expand(prefix, { what: 'alert', list: 'alerts', full_chars: FULL_CHARS }, async (cursor) => {
    const page = await client.get('/v1/alerts', AlertPage, { limit: LIMITS.page_items_max, cursor });
    return { ids: page.items.map(({ uid }) => uid), next: page.next_cursor };
  });
}

export function fullContainmentId(client: Client, prefix: string): Promise<string> {
  return expand(prefix, { what: 'containment', list: 'containments', full_chars: FULL_CHARS }, async (cursor) => {
    const page = await client.get('/v1/containments', ContainmentPage, { limit: LIMITS.page_items_max, cursor });
    return { ids: page.items.map(({ id }) => id), next: page.next_cursor };
  });
}

export function fullGapId(client: Client, prefix: string): Promise<string> {
  return expand(prefix, { what: 'gap', list: 'gap list', full_chars: GAP_CHARS }, async (cursor) => {
    const page = await client.get('/v1/gaps', GapPage, { limit: LIMITS.page_items_max, cursor });
    return { ids: page.items.map(({ gap }) => gap.id), next: page.next_cursor };
  });
}

export function fullDirectiveUid(client: Client, prefix: string): Promise<string> {
  return expand(prefix, { what: 'directive', list: 'directive list', full_chars: FULL_CHARS }, async (cursor) => {
    const asked = { state: 'in_force', limit: LIMITS.page_items_max, cursor };
    const page = await client.get('/v1/directives', DirectivePage, asked);
    return { ids: page.items.map(({ uid }) => uid), next: page.next_cursor };
  });
}

/** Hexadecimal digits of alert and directive uids and containment ids. */
const FULL_CHARS = 32;
const GAP_CHARS = 16;

async function expand(
  prefix: string,
  { what, list, full_chars }: { readonly what: string; readonly list: string; readonly full_chars: number },
  fetchPage: (
    cursor: string | undefined,
  ) => Promise<{ readonly ids: readonly string[]; readonly next: string | undefined }>,
): Promise<string> {
  if (prefix.length >= full_chars) return prefix;
  const found = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { ids, next } = await fetchPage(cursor);
    for (const id of ids) if (id.startsWith(prefix)) found.add(id);
    cursor = next;
    if (cursor === undefined) break;
  }
  const [first, ...others] = found;
  const shown = printable(prefix);
  if (first === undefined) {
    throw new Problem(
      `${what}_unknown`,
      `no ${what} begins with ${shown}; \`countersign ${list}\` lists them`,
      EXIT.refused,
    );
  }
  if (others.length === 0) return first;
  const candidates = [first, ...others].slice(0, CANDIDATES_SHOWN).join(', ');
  const message = `${found.size} ${what}s begin with ${shown}: ${candidates}${found.size > CANDIDATES_SHOWN ? ', ...' : ''}\nGive more of it.`;
  throw new Problem(`${what}_ambiguous`, message, EXIT.usage);
}
