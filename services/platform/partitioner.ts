/** FNV-1a over UTF-16 code units (Fowler, Noll, Vo): spreads keys over partitions, the same on every machine. */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

/** Key of everything that belongs to one identity. NUL cannot occur in an identifier, so the pair stays apart. */
export function identityKey(tenant: string, identity: string): string {
  return `${tenant}\u0000${identity}`;
}

/** Records that concern no identity (ticks, cuts) have keys without a NUL. */
export function isIdentityKey(key: string): boolean {
  return key.includes('\u0000');
}
