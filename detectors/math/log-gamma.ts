import { log2 } from './logarithm.ts';

const LN_2 = Math.LN2;
const HALF_LN_2_PI = 0.9189385332046728;
/** From here on the series is exact to about 1e-10. */
const SERIES_FROM = 8;

/**
 * ln of the gamma function for x > 0: Stirling's series (Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.41),
 * smaller arguments being moved up by the recurrence 6.1.15. As exact as `log2` is.
 */
export function logGamma(x: number): number {
  let shifted = x;
  let product = 1;
  while (shifted < SERIES_FROM) {
    product *= shifted;
    shifted += 1;
  }
  const inverse = 1 / shifted;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (shifted - 0.5) * log2(shifted) * LN_2 - shifted + HALF_LN_2_PI + series - log2(product) * LN_2;
}
