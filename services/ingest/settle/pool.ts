import type { Settled } from '../../../schemas/span.ts';

/**
 * Keeps one of equal values: the links of an agent's session all say the same, and each came in a record of its own. A
 * value costs ten times what a reference does. Forgets all at once when there are more than `most`.
 */
export function createPool(most: number): (settled: Settled) => Settled {
  const known = new Map<string, Settled>();
  return (settled) => {
    const { identity, session = '', on_behalf_of = '', credential } = settled;
    const key = `${identity.id}\u0000${session}\u0000${on_behalf_of}\u0000${credential?.id ?? ''}`;
    const found = known.get(key);
    if (found !== undefined && isSame(found, settled)) return found;
    if (known.size >= most) known.clear();
    known.set(key, settled);
    return settled;
  };
}

function isSame(a: Settled, b: Settled): boolean {
  return (
    a.identity.id === b.identity.id &&
    a.identity.kind === b.identity.kind &&
    a.identity.name === b.identity.name &&
    a.identity.owner === b.identity.owner &&
    a.identity.peer_group === b.identity.peer_group &&
    a.identity.version === b.identity.version &&
    a.session === b.session &&
    a.on_behalf_of === b.on_behalf_of &&
    a.credential?.id === b.credential?.id &&
    a.credential?.kind === b.credential?.kind
  );
}
