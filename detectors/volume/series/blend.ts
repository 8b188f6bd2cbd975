/**
 * Several forecasts as one: each weighed by its recent errors, steeply, so that the best one nearly decides (prediction
 * with expert advice; Littlestone and Warmuth, The weighted majority algorithm, 1994). Errors are remembered as roots,
 * so that one outlier says little.
 */
export type Blend = { readonly errors: Float64Array; rows: number };

const MEMORY = 256;
/** Weights fall with the sixteenth power of the mean root of the error: the eighth of the error. */
const SQUARINGS = 4;

export function createBlend(forecasts: number): Blend {
  return { errors: new Float64Array(forecasts), rows: 0 };
}

export function blend({ errors }: Blend, forecasts: Float64Array): number {
  let best = 0;
  for (let i = 1; i < errors.length; i++) if ((errors[i] as number) < (errors[best] as number)) best = i;
  const least = errors[best] as number;
  if (least <= 0) return forecasts[best] as number;
  const anchor = forecasts[best] as number;
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < errors.length; i++) {
    let weight = least / (errors[i] as number);
    for (let k = 0; k < SQUARINGS; k++) weight *= weight;
    weights += weight;
    sum += weight * ((forecasts[i] as number) - anchor);
  }
  return anchor + sum / weights;
}

export function learnBlend(state: Blend, forecasts: Float64Array, value: number): void {
  state.rows++;
  const rate = 1 / Math.min(state.rows, MEMORY);
  for (let i = 0; i < forecasts.length; i++) {
    const before = state.errors[i] as number;
    state.errors[i] = before + rate * (Math.sqrt(Math.abs(value - (forecasts[i] as number))) - before);
  }
}
