/**
 * Base-2 logarithm and exponential from additions, multiplications and square roots alone. ECMA-262 leaves
 * `Math.log2` and `Math.pow` to the implementation (section 21.3.2), but IEEE 754 fixes these three operations to the
 * last bit, so scores are the same on every machine (promise P3). Absolute error below 1e-7 bits.
 */

const LOG_STEPS = 4096;
const EXP_STEPS = 4096;

/** log2(1 + i / LOG_STEPS), by repeated squaring: each squaring yields one binary digit of the logarithm. */
const logTable = new Float64Array(LOG_STEPS + 1);
for (let i = 1; i < LOG_STEPS; i++) {
  let mantissa = 1 + i / LOG_STEPS;
  let digit = 0.5;
  let log = 0;
  for (let bit = 0; bit < 44; bit++) {
    mantissa *= mantissa;
    if (mantissa >= 2) {
      mantissa /= 2;
      log += digit;
    }
    digit /= 2;
  }
  logTable[i] = log;
}
logTable[LOG_STEPS] = 1;

/** 2^(i / EXP_STEPS), as products of the repeated square roots of 2; one more, as a fraction can round up to 1. */
const expTable = new Float64Array(EXP_STEPS + 2);
for (let i = 0; i < EXP_STEPS; i++) {
  let product = 1;
  let root = 2;
  for (let bit = EXP_STEPS / 2; bit >= 1; bit /= 2) {
    root = Math.sqrt(root);
    if ((i & bit) !== 0) product *= root;
  }
  expTable[i] = product;
}
expTable[EXP_STEPS] = 2;
expTable[EXP_STEPS + 1] = 2;

/** 2^(i - 1023) by the exponent's bits in a double: every power of two that multiplies without rounding. */
const POWERS = 2047;
const BIAS = 1023;
const powers = new Float64Array(POWERS);
powers[BIAS] = 1;
for (let i = BIAS + 1; i < POWERS; i++) powers[i] = 2 * (powers[i - 1] as number);
for (let i = BIAS - 1; i >= 0; i--) powers[i] = (powers[i + 1] as number) / 2;

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** log2(x) for finite x >= 2^-1022. The mantissa by multiplying: a double that was written in halves is slow to read back. */
export function log2(x: number): number {
  double[0] = x;
  const exponent = (halves[HIGH] as number) >>> 20;
  const position = (x * (powers[2 * BIAS - exponent] as number) - 1) * LOG_STEPS;
  const index = position | 0;
  const low = logTable[index] as number;
  return exponent - BIAS + low + ((logTable[index + 1] as number) - low) * (position - index);
}

/** A whole number of octaves that log2(1 + total) does not exceed, for a total of at least 0: cheaper than the logarithm. */
export function wholeOctaves(total: number): number {
  return total < WHOLE_MAX ? 32 - Math.clz32(1 + total) : Number.POSITIVE_INFINITY;
}
const WHOLE_MAX = 2 ** 31;

/** 2^x for -1000 <= x <= 1000; values outside are clamped. */
export function exp2(x: number): number {
  const clamped = x < -1000 ? -1000 : Math.min(x, 1000);
  const whole = Math.floor(clamped);
  const position = (clamped - whole) * EXP_STEPS;
  const index = position | 0;
  const low = expTable[index] as number;
  return (low + ((expTable[index + 1] as number) - low) * (position - index)) * (powers[whole + BIAS] as number);
}

/** Surprise of a probability in bits, at least 0. The floor keeps it finite: nothing is rarer than 2^-`BITS_MAX`. */
export function surprise(probability: number): number {
  if (probability >= 1) return 0;
  if (probability <= PROBABILITY_MIN) return BITS_MAX;
  return -log2(probability);
}

/**
 * Surprise of a probability that was estimated from so many observations: what never happened among n of them has a
 * probability of about 1 / (n + 1), whatever a model extrapolates (Laplace's rule of succession). From none, nothing follows.
 */
export function surpriseFrom(observations: number, probability: number): number {
  return surprise(Math.max(probability, 1 / (observations + 1)));
}

export const BITS_MAX = 64;
const PROBABILITY_MIN = 2 ** -BITS_MAX;
