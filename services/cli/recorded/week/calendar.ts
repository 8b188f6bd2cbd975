import { UNITS } from '../../../../schemas/limits.ts';
import type { Ledger } from './ledger.ts';

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Alerts by the days (UTC) of a recording. */
export type Calendar = {
  /** Every day from the first event to the last. */
  readonly by_day: readonly DayLine[];
  readonly by_week: readonly WeekLine[];
  readonly by_weekday: readonly WeekdayLine[];
  readonly alerts_a_day: number;
};

export type DayLine = {
  /** `2026-03-09`. */
  readonly date: string;
  readonly weekday: Weekday;
  readonly alerts: number;
  /** Identities that did something. */
  readonly identities: number;
};

/** `days` is below seven where the recording begins or ends within the week. */
export type WeekLine = { readonly monday: string; readonly days: number; readonly alerts: number };
export type WeekdayLine = {
  readonly weekday: Weekday;
  readonly days: number;
  readonly alerts: number;
  readonly alerts_a_day: number;
};

/** 1970-01-01 was a Thursday. */
const EPOCH_WEEKDAY = 3;
const DAYS_A_WEEK = 7;

export function calendarOf({ alerts, identities, span }: Ledger): Calendar {
  if (span === undefined) return { by_day: [], by_week: [], by_weekday: [], alerts_a_day: 0 };
  const first = dayOf(span.from_ms);
  // Time passes for an alert on silence when nothing happens any more.
  const last_ms = alerts.reduce((last, { created }) => Math.max(last, created), span.to_ms);
  const count = dayOf(last_ms) - first + 1;
  const raised = new Map(
    [...Map.groupBy(alerts, ({ created }) => dayOf(created))].map(([day, own]) => [day, own.length]),
  );
  const active = new Map<number, number>();
  for (const { days } of identities) for (const day of days) active.set(day, (active.get(day) ?? 0) + 1);
  const by_day = Array.from({ length: count }, (_, i): DayLine => {
    const day = first + i;
    const weekday = WEEKDAYS[weekdayOf(day)] as Weekday;
    return { date: dateOf(day), weekday, alerts: raised.get(day) ?? 0, identities: active.get(day) ?? 0 };
  });
  const weeks = [...Map.groupBy(by_day, (_, i) => first + i - weekdayOf(first + i))];
  return {
    by_day,
    by_week: weeks.map(([monday, days]) => ({ monday: dateOf(monday), days: days.length, alerts: sumOf(days) })),
    by_weekday: WEEKDAYS.map((weekday) => {
      const days = by_day.filter((day) => day.weekday === weekday);
      return { weekday, days: days.length, alerts: sumOf(days), alerts_a_day: mean(sumOf(days), days.length) };
    }),
    alerts_a_day: mean(sumOf(by_day), count),
  };
}

const dayOf = (time_ms: number): number => Math.floor(time_ms / UNITS.DAY_MS);
const weekdayOf = (day: number): number => (day + EPOCH_WEEKDAY) % DAYS_A_WEEK;
const dateOf = (day: number): string => new Date(day * UNITS.DAY_MS).toISOString().slice(0, 10);
const sumOf = (days: readonly DayLine[]): number => days.reduce((sum, { alerts }) => sum + alerts, 0);
const mean = (sum: number, count: number): number => (count === 0 ? 0 : Math.round((sum / count) * 10) / 10);
