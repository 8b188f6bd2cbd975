import { UNITS } from '../../../schemas/limits.ts';
import type { Hour, Picture } from '../facts.ts';
import { quantile } from '../metrics/numbers.ts';
import type { Book, Row } from './book.ts';
import { placeOf, type Truth } from './match.ts';

const { HOUR_MS, DAY_MS } = UNITS;
const DAYS_BEFORE = 7;
const DAYS_AFTER = 1;
const HIGH = 0.95;

/** The hours of a story's main identity from a week before it, beside what like hours before the story held. */
export function pictureOf(
  truth: Truth,
  book: Book,
  run: { readonly from_ms: number; readonly to_ms: number },
): Picture {
  const { label } = truth;
  const rows = book.rows.get(label.identity) ?? [];
  const from_ms = floorTo(Math.max(run.from_ms, label.first_time - DAYS_BEFORE * DAY_MS), HOUR_MS);
  const to_ms = Math.min(run.to_ms, label.last_time + DAYS_AFTER * DAY_MS);
  const bytes = sumsByHour(rows, (row) => row.bytes);
  const calls = sumsByHour(rows, () => 1);
  const bits = new Map<number, number>();
  for (const row of rows) {
    const hour = hourOf(row.time);
    bits.set(hour, Math.max(row.bits, bits.get(hour) ?? 0));
  }
  const usual = habitOf(bytes, { from_ms: run.from_ms, to_ms: label.first_time });
  const hours: Hour[] = [];
  for (let at = from_ms; at < to_ms; at += HOUR_MS) {
    const hour = hourOf(at);
    hours.push({
      bytes: bytes.get(hour) ?? 0,
      ...usual(hour),
      calls: calls.get(hour) ?? 0,
      bits: bits.get(hour) ?? 0,
    });
  }
  const { story, kind, intensity, identity, description, first_time, last_time } = label;
  const span = { from_ms: first_time, to_ms: last_time };
  const alerts = alertsOn(truth, book, { from_ms, to_ms });
  return { story, kind, intensity, identity, description, from_ms, hours, span, alerts, thresholds: book.thresholds };
}

function alertsOn(truth: Truth, book: Book, span: Picture['span']): Picture['alerts'] {
  return [...book.alerts.values()]
    .filter(({ identity, created }) => {
      return identity === truth.label.identity && created >= span.from_ms && created <= span.to_ms;
    })
    .map(({ findings, created }) => {
      const own = findings.find((finding) => placeOf(truth, finding) !== undefined);
      const shown = own ?? findings[0];
      return { time_ms: shown?.log_time ?? created, own: own !== undefined, sentence: shown?.sentence ?? '' };
    });
}

const floorTo = (time_ms: number, step_ms: number): number => Math.floor(time_ms / step_ms) * step_ms;
const hourOf = (time_ms: number): number => Math.floor(time_ms / HOUR_MS);

function sumsByHour(rows: readonly Row[], worth: (row: Row) => number): Map<number, number> {
  const sums = new Map<number, number>();
  for (const row of rows) sums.set(hourOf(row.time), (sums.get(hourOf(row.time)) ?? 0) + worth(row));
  return sums;
}

/** Hours are alike when they are the same hour of the day, and both or neither on a weekend. */
function habitOf(
  bytes: ReadonlyMap<number, number>,
  before: { readonly from_ms: number; readonly to_ms: number },
): (hour: number) => { usual: number; high: number } {
  const alike = Map.groupBy(
    Array.from({ length: Math.max(0, hourOf(before.to_ms) - hourOf(before.from_ms)) }, (_, i) => {
      return hourOf(before.from_ms) + i;
    }),
    classOf,
  );
  const habits = new Map(
    [...alike].map(([name, hours]) => {
      const values = hours.map((hour) => bytes.get(hour) ?? 0);
      return [name, { usual: quantile(values, 0.5) ?? 0, high: quantile(values, HIGH) ?? 0 }];
    }),
  );
  return (hour) => habits.get(classOf(hour)) ?? { usual: 0, high: 0 };
}

function classOf(hour: number): number {
  const day = new Date(hour * HOUR_MS).getUTCDay();
  return (hour % 24) + (day === 0 || day === 6 ? 24 : 0);
}
