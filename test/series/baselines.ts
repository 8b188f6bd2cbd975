/** What a volume detector must beat: simple scorers, score before learn, in bits or in deviations. */
export type Scorer = (at_ms: number, value: number) => number;

/** Deviations from the mean of the last rows. */
export function rollingZ(rows = 288): Scorer {
  const window = new Float64Array(rows);
  let [next, n, sum, squares] = [0, 0, 0, 0];
  return (_at, value) => {
    const mean = n === 0 ? 0 : sum / n;
    const deviation =
      n < 30
        ? 0
        : Math.abs(value - mean) / (Math.sqrt(Math.max(0, squares / n - mean * mean)) + 1e-9 * Math.abs(mean) + 1e-12);
    if (n === rows) {
      sum -= window[next]!;
      squares -= window[next]! ** 2;
    } else n++;
    window[next] = value;
    next = (next + 1) % rows;
    sum += value;
    squares += value * value;
    return deviation;
  };
}

/** Deviations from an exponentially weighted mean (Roberts 1959). */
export function ewma(rate = 0.05): Scorer {
  let [mean, variance, n] = [0, 0, 0];
  return (_at, value) => {
    const off = value - mean;
    const deviation = n < 30 ? 0 : Math.abs(off) / (Math.sqrt(variance) + 1e-9 * Math.abs(mean) + 1e-12);
    const step = Math.max(rate, 1 / ++n);
    mean += step * off;
    variance = (1 - step) * (variance + step * off * off);
    return deviation;
  };
}

/** A normal law for each hour of the week. */
export function hourOfWeek(): Scorer {
  const [n, mean, squares] = [new Float64Array(169), new Float64Array(169), new Float64Array(169)];
  return (at, value) => {
    const hour = Math.floor(at / 3_600_000) % 168;
    const use = n[hour]! >= 6 ? hour : 168;
    const floor = 0.05 * Math.sqrt(squares[168]! / (n[168]! || 1)) + 1e-9 * Math.abs(value) + 1e-12;
    const deviation = n[use]! < 6 ? 0 : Math.abs(value - mean[use]!) / (Math.sqrt(squares[use]! / n[use]!) + floor);
    for (const slot of [hour, 168]) {
      const off = value - mean[slot]!;
      n[slot]!++;
      mean[slot]! += off / n[slot]!;
      squares[slot]! += off * (value - mean[slot]!);
    }
    return deviation;
  };
}
