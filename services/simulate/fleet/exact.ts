/**
 * Logarithm and exponential from `+ - * /` alone. ECMA-262 leaves the last bits of `Math.log` and `Math.exp` to the
 * engine; IEEE 754 fixes those of the four operations, so a simulated log is the same bytes on every machine.
 */

const LN2 = Math.LN2;
const SQRT2 = Math.SQRT2;
const HALVINGS = [32, 16, 8, 4, 2, 1] as const;

/** Two to an integer power, exact for |power| <= 1023. */
function pow2(power: number): number {
  let result = 1;
  let base = power < 0 ? 0.5 : 2;
  for (let left = Math.abs(power); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= base;
    base *= base;
  }
  return result;
}

const POWERS = HALVINGS.map((power) => [power, pow2(power), pow2(-power)] as const);

/** Natural logarithm of a positive number between 2**-63 and 2**63, to about 1e-13. */
export function ln(x: number): number {
  let mantissa = x;
  let exponent = 0;
  for (const [power, up, down] of POWERS) {
    if (mantissa >= up) {
      mantissa *= down;
      exponent += power;
    } else if (mantissa < down * 2) {
      mantissa *= up;
      exponent -= power;
    }
  }
  if (mantissa > SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const q = s * s;
  const series = 1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13 + q / 15))))));
  return exponent * LN2 + 2 * s * series;
}

/** e to the x, for |x| < 700, to about 1e-13 relative. */
export function exp(x: number): number {
  const power = Math.floor(x / LN2 + 0.5);
  const r = x - power * LN2;
  let sum = 1;
  for (let term = 12; term >= 1; term--) sum = 1 + (r / term) * sum;
  return sum * pow2(power);
}
