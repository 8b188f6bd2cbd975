import { UNITS } from '../../../schemas/limits.ts';
import type { Rhythm } from '../catalogue/types.ts';
import { between, exponential, type Random } from './random.ts';

const { HOUR_MS, DAY_MS } = UNITS;
const HOURS_A_WEEK = 168;
/** 1970-01-01 was a Thursday; weeks here begin on Monday. */
const EPOCH_HOUR_OF_WEEK = 72;

type Shape = { readonly first: number; readonly last: number; readonly off_hours: number; readonly weekend: number };
const SHAPES: Readonly<Record<Rhythm, Shape>> = {
  office: { first: 8, last: 18, off_hours: 0.002, weekend: 0.02 },
  shift: { first: 6, last: 22, off_hours: 0.06, weekend: 0.45 },
  always: { first: 7, last: 21, off_hours: 0.45, weekend: 0.75 },
  night: { first: 0, last: 6, off_hours: 0.08, weekend: 0.9 },
};

/** Weight of each hour of the local week, Monday first; the 168 weights sum to 7, so that 1 is an average day. */
function weekOf(rhythm: Rhythm): Float64Array {
  const shape = SHAPES[rhythm];
  const week = new Float64Array(HOURS_A_WEEK);
  let total = 0;
  for (let hour = 0; hour < HOURS_A_WEEK; hour++) {
    const at = hour % 24;
    const busy = at >= shape.first && at < shape.last;
    const lunch = rhythm === 'office' && at === 12 ? 0.6 : 1;
    const edge = busy && (at === shape.first || at === shape.last - 1) ? 0.55 : 1;
    const weight = (busy ? lunch * edge : shape.off_hours) * (hour >= 120 ? shape.weekend : 1);
    week[hour] = weight;
    total += weight;
  }
  return week.map((weight) => (weight * 7) / total);
}

const WEEKS: Readonly<Record<Rhythm, Float64Array>> = {
  office: weekOf('office'),
  shift: weekOf('shift'),
  always: weekOf('always'),
  night: weekOf('night'),
};

const peakOf = (week: Float64Array): number => week.reduce((peak, weight) => Math.max(peak, weight), 0);
const PEAKS: Readonly<Record<Rhythm, number>> = {
  office: peakOf(WEEKS.office),
  shift: peakOf(WEEKS.shift),
  always: peakOf(WEEKS.always),
  night: peakOf(WEEKS.night),
};

export type Hours = {
  readonly rhythm: Rhythm /** Local time minus UTC, with the agent's own early or late habit. */;
  readonly offset_ms: number;
};

function hourOfWeek(hours: Hours, time_ms: number): number {
  return (Math.floor((time_ms + hours.offset_ms) / HOUR_MS) + EPOCH_HOUR_OF_WEEK) % HOURS_A_WEEK;
}

/** Share of an average day's work that falls into the hour around this time. */
export function hourWeight(hours: Hours, time_ms: number): number {
  return WEEKS[hours.rhythm][hourOfWeek(hours, time_ms)] ?? 0;
}

/** Weight of the busiest hour of its week. */
export function peakWeight(hours: Hours): number {
  return PEAKS[hours.rhythm];
}

/**
 * Next start of a session after `time_ms` (an inhomogeneous Poisson process, by stretching time), or `end_ms` when
 * there is none before it. `rateOn` gives the sessions a day around a time.
 */
export function nextDemand(
  random: Random,
  hours: Hours,
  time_ms: number,
  end_ms: number,
  rateOn: (time_ms: number) => number,
): number {
  let work = exponential(random);
  let at = time_ms;
  while (at < end_ms) {
    const hour_end = Math.floor((at + hours.offset_ms) / HOUR_MS + 1) * HOUR_MS - hours.offset_ms;
    const rate_ms = (rateOn(at) * hourWeight(hours, at)) / HOUR_MS;
    const room = rate_ms * (hour_end - at);
    if (work < room) return Math.floor(at + work / rate_ms);
    work -= room;
    at = hour_end;
  }
  return end_ms;
}

/** Share of a working day's work that is done at a weekend, or on another day of rest. */
export function weekendShare(hours: Hours): number {
  return SHAPES[hours.rhythm].weekend;
}

/**
 * Next of so many fixed starts a day (in the rhythm's own hours for `office` and `night`), a few seconds late. `restsOn`
 * tells of days of rest beside the weekends.
 */
export function nextCron(
  random: Random,
  hours: Hours,
  time_ms: number,
  { per_day, phase, restsOn }: { per_day: number; phase: number; restsOn: (time_ms: number) => boolean },
): number {
  const { first, last, weekend } = SHAPES[hours.rhythm];
  const confined = hours.rhythm === 'office' || hours.rhythm === 'night';
  const span_ms = (confined ? last - first : 24) * HOUR_MS;
  const step_ms = Math.floor(span_ms / Math.max(1, per_day));
  const slots = Math.max(1, Math.floor(span_ms / step_ms));
  let day = Math.floor((time_ms + hours.offset_ms) / DAY_MS);
  for (;;) {
    const day_ms = day * DAY_MS - hours.offset_ms + (confined ? first * HOUR_MS : 0) + Math.floor(phase * step_ms);
    const slot = Math.max(0, Math.floor((time_ms - day_ms) / step_ms) + 1);
    const idle = weekend < 0.1 && (hourOfWeek(hours, day_ms) >= 120 || restsOn(day_ms));
    if (slot < slots && !idle) return day_ms + slot * step_ms + between(random, 200, 9000);
    day += 1;
  }
}

/** First time from `time_ms` on, in whole quarters of an hour, for which `wanted` holds; undefined where none of a week is such. */
export function findHour(time_ms: number, wanted: (time_ms: number) => boolean): number | undefined {
  for (let step = 0; step < 4 * HOURS_A_WEEK; step++) {
    const at = time_ms + (step * HOUR_MS) / 4;
    if (wanted(at)) return at;
  }
  return undefined;
}
