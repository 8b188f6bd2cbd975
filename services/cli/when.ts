import { InvalidArgumentError } from 'commander';
import { UNITS } from '../../schemas/limits.ts';

const SPANS: Readonly<Record<string, number>> = {
  s: UNITS.SECOND_MS,
  m: UNITS.MINUTE_MS,
  h: UNITS.HOUR_MS,
  d: UNITS.DAY_MS,
};

/** Milliseconds of `90m`, `24h`, `7d`; undefined when it is no span. */
export function spanOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const size = SPANS[unit];
  return count === undefined || size === undefined ? undefined : Number(count) * size;
}

/** A lifetime or another span, as an option. */
export function readSpan(text: string): number {
  const span = spanOf(text);
  if (span !== undefined && span > 0) return span;
  throw new InvalidArgumentError('Give a number and s, m, h or d, as in 90d.');
}

/** A span that may be none at all: `0m`. */
export function readPause(text: string): number {
  const span = spanOf(text);
  if (span !== undefined) return span;
  throw new InvalidArgumentError('Give a number and s, m, h or d, as in 12h, or 0m for none.');
}

/** A moment, epoch milliseconds: `24h` ago, a date, or RFC 3339. Dates without a zone are UTC. */
export function readMoment(text: string, now_ms: number): number {
  const span = spanOf(text);
  if (span !== undefined) return Math.max(0, now_ms - span);
  const zoned = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text) ? `${text}Z` : text;
  const ms = /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? new Date(zoned).getTime() : Number.NaN;
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new InvalidArgumentError('Give a date (2026-03-09), a time (2026-03-09T18:00:00Z), or how long ago (24h, 7d).');
}
