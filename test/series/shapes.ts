import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Uniform, normal and other draws of one seed. */
export type Draw = {
  uniform(): number;
  normal(): number;
  exponential(): number;
  poisson(mean: number): number;
  chance(probability: number): boolean;
};

export function createDraw(seed: number): Draw {
  const generator = xoroshiro128plus(seed);
  const uniform = (): number => ((generator.next() >>> 0) + 0.5) / 2 ** 32;
  const exponential = (): number => -Math.log(uniform());
  return {
    uniform,
    exponential,
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    poisson(mean) {
      let count = 0;
      for (let left = mean - exponential(); left > 0; left -= exponential()) count++;
      return count;
    },
    chance: (probability) => uniform() < probability,
  };
}

/** Stationary noise of the common shapes, one value a call. */
export const NOISES: Readonly<Record<string, (draw: Draw) => () => number>> = {
  normal: (draw) => () => 50 + 7 * draw.normal(),
  negative_tiny: (draw) => () => -3e-7 + 1e-8 * draw.normal(),
  huge: (draw) => () => 4e12 + 1e11 * draw.normal(),
  log_normal: (draw) => () => Math.exp(3 + draw.normal()),
  exponential: (draw) => () => 200 * draw.exponential(),
  poisson: (draw) => () => draw.poisson(6),
  poisson_sparse: (draw) => () => draw.poisson(0.05),
  constant_jitter: (draw) => () => 10 + (draw.chance(0.01) ? draw.normal() : 0),
  two_values: (draw) => () => (draw.chance(0.3) ? 1 : 0),
  student_3: (draw) => () => {
    const chi = draw.normal() ** 2 + draw.normal() ** 2 + draw.normal() ** 2;
    return (10 * draw.normal()) / Math.sqrt(chi / 3);
  },
  autoregressive: (draw) => {
    let value = 0;
    return () => {
      value = 0.9 * value + draw.normal();
      return value;
    };
  },
};

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** A regular series, as a base that anomalies are put into. */
export type Base = { readonly step_ms: number; readonly rows: number; value(i: number, at_ms: number): number };

const dayWave = (at_ms: number, shift = 0): number => Math.sin(2 * Math.PI * (at_ms / DAY_MS - 0.3 + shift));
const weekday = (at_ms: number): number => (Math.floor(at_ms / DAY_MS) + 4) % 7;

/** What metrics of machines and services commonly look like. */
export const BASES: Readonly<Record<string, (draw: Draw) => Base>> = {
  daily_wave: (draw) => ({
    step_ms: 5 * MINUTE_MS,
    rows: 4032,
    value: (_, at) => 60 + 25 * dayWave(at) + 3 * draw.normal(),
  }),
  office_week: (draw) => ({
    step_ms: 30 * MINUTE_MS,
    rows: 6000,
    value: (_, at) => {
      const busy = weekday(at) === 0 || weekday(at) === 6 ? 0.35 : 1;
      return Math.max(0, 12000 * busy * (1 + 0.8 * dayWave(at)) + 500 + 600 * draw.normal() * busy);
    },
  }),
  flat_noise: (draw) => ({ step_ms: 5 * MINUTE_MS, rows: 4032, value: () => 42 + 2 * draw.normal() }),
  skewed_noise: (draw) => ({ step_ms: 5 * MINUTE_MS, rows: 4032, value: () => Math.exp(5 + 0.8 * draw.normal()) }),
  counts: (draw) => ({
    step_ms: 5 * MINUTE_MS,
    rows: 10000,
    value: (_, at) => draw.poisson(8 * (1 + 0.7 * dayWave(at))),
  }),
  bursty_counts: (draw) => {
    let heat = 0;
    return {
      step_ms: 5 * MINUTE_MS,
      rows: 12000,
      value: (_, at) => {
        heat = 0.7 * heat + (draw.chance(0.01) ? 40 * draw.exponential() : 0);
        return draw.poisson(15 * (1 + 0.6 * dayWave(at)) + heat);
      },
    };
  },
  wandering: (draw) => {
    let value = 0;
    return {
      step_ms: 60 * MINUTE_MS,
      rows: 7000,
      value: (_, at) => {
        value = 0.98 * value + 0.5 * draw.normal();
        return 68 + value + 1.5 * dayWave(at);
      },
    };
  },
  near_constant: (draw) => ({
    step_ms: 5 * MINUTE_MS,
    rows: 4032,
    value: () => 0.066 + (draw.chance(0.05) ? 0.002 : 0) + (draw.chance(0.004) ? 0.07 * draw.uniform() : 0),
  }),
  batch_jobs: (draw) => ({
    step_ms: 5 * MINUTE_MS,
    rows: 4032,
    value: (i) => (i % 36 < 2 ? 80 + 8 * draw.normal() : 12 + draw.normal()),
  }),
  saw_tooth: (draw) => ({
    step_ms: 5 * MINUTE_MS,
    rows: 5000,
    value: (i) => 20 + ((i * 0.37) % 60) + 0.4 * draw.normal(),
  }),
  growing: (draw) => ({
    step_ms: 60 * MINUTE_MS,
    rows: 3000,
    value: (i, at) => 1e9 * (1 + i / 1500) * (1 + 0.2 * dayWave(at)) + 2e7 * draw.normal(),
  }),
  heavy_bytes: (draw) => ({
    step_ms: 5 * MINUTE_MS,
    rows: 4700,
    value: () => (draw.chance(0.08) ? 1e6 * draw.uniform() ** -0.7 : 4e4 + 5e3 * draw.normal()),
  }),
};
