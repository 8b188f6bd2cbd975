import type { AliasRecord } from '../../../schemas/record.ts';
import type { Settled } from '../../../schemas/span.ts';
import type { Waiter } from './waiter.ts';

export type Alias = Omit<AliasRecord, 'type' | 'at'>;

/** Adds a released event to what has turned out of those under its identity, with its key among the first `keys_max`. */
export function addAlias(
  aliases: Map<string, Alias>,
  { identity, tenant, trace, key }: Waiter,
  { identity: { id: resolved } }: Settled,
  keys_max: number,
): void {
  const found = aliases.get(identity);
  if (found === undefined) {
    const trace_id = trace.key.slice(tenant.length + 1);
    aliases.set(identity, { tenant, identity, resolved, trace_id, events: [key], count: 1 });
    return;
  }
  found.count++;
  if (found.events.length < keys_max) found.events.push(key);
}
