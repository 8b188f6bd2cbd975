/** The name that was probably meant: within a third of its letters, and at most three, of what was written. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let best_distance = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const distance = editDistance(written.slice(0, 64).toLowerCase(), name.toLowerCase());
    if (distance < best_distance && distance <= Math.min(3, Math.ceil(name.length / 3))) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment, Damerau 1964). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const cost = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same);
      (rows[i] as number[]).push(swapped ? Math.min(cost, at(i - 2, j - 2) + 1) : cost);
    }
  }
  return at(a.length, b.length);
}
