/**
 * Buffers that requests are written into, used again and again: fresh memory for each costs the system as much as writing
 * to it, and Node a collection of garbage for every few.
 */
export type Arenas = {
  /** A buffer of at least so many bytes, which holds anything. */
  take(bytes: number): Buffer;
  /** To be called by whoever took it once nobody reads it any more; what is not given back is merely collected. */
  giveBack(arena: Buffer): void;
};

const STEP_BYTES = 256 * 1024;

/** Keeps at most so many buffers of at most so many bytes for the next to ask. */
export function createArenas(most: { readonly kept: number; readonly bytes: number }): Arenas {
  const kept: Buffer[] = [];
  return {
    take: (bytes) => {
      const found = kept.findLastIndex(({ length }) => length >= bytes);
      const [arena] = found === -1 ? [] : kept.splice(found, 1);
      return arena ?? Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
    },
    giveBack: (arena) => {
      if (arena.length > most.bytes) return;
      if (kept.length === most.kept) kept.shift();
      kept.push(arena);
    },
  };
}
