/** The value below which so large a share lies (nearest rank); undefined of none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

export const median = (values: readonly number[]): number | undefined => quantile(values, 0.5);

/** A share, undefined where there is nothing to take it of. */
export const shareOf = (part: number, whole: number): number | undefined => (whole === 0 ? undefined : part / whole);

/** So many per thousand, rounded to hundredths; 0 of none. */
export const perThousand = (count: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((count / whole) * 100_000) / 100;

/**
 * The score that no more than `per_1000` in a thousand of the values exceed: "above the level" is an alert. Where the
 * values are too few to allow for a single one, their largest.
 */
export function levelFor(values: readonly number[], per_1000: number): number {
  const allowed = Math.floor((values.length * per_1000) / 1000);
  return values.toSorted((a, b) => b - a)[allowed] ?? 0;
}

/**
 * Wilson's score interval for a share, at 95 % (Wilson 1927): twenty of twenty do not show that it is more than 0.84.
 */
export function wilson(part: number, whole: number): { readonly low: number; readonly high: number } | undefined {
  if (whole === 0) return undefined;
  const z2 = 1.96 ** 2;
  const p = part / whole;
  const centre = p + z2 / (2 * whole);
  const half = 1.96 * Math.sqrt((p * (1 - p)) / whole + z2 / (4 * whole ** 2));
  const scale = 1 + z2 / whole;
  return { low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) };
}
