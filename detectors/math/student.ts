import { log2 } from './logarithm.ts';

/**
 * Standard deviations of a normal law that are as rare as `t` of Student's with so many degrees of freedom: what is far out for
 * few observations is less so. Error below 0.1 up to 4 deviations from 5 degrees of freedom on (Wallace, Bounds on normal
 * approximations to Student's and the chi-square distributions, 1959).
 */
export function normalDeviate(t: number, freedom: number): number {
  const root = Math.sqrt(freedom * Math.LN2 * log2(1 + (t * t) / freedom));
  return ((8 * freedom + 1) / (8 * freedom + 3)) * (t < 0 ? -root : root);
}
