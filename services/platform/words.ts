import type { Measure } from '../../schemas/finding.ts';

/** Numbers, times and text from outside, as people read them on a terminal, on a page or in a message. */

/** What cannot be seen or moves what is beside it: control, format and bidirectional characters, lone surrogates, tags. */
export const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}|[\u{e0000}-\u{e007f}]/gu;

/** `\u202e` for the character of that name. */
export function escapeOf(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

/** Text from outside, bounded and on one line: what cannot be seen becomes visible escapes. */
export function printable(text: string, most = 200): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return cut.replace(UNPRINTABLE, escapeOf);
}

export const thousands = (count: number): string => count.toLocaleString('en-US');
/** `1 alert`, `2 alerts`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${thousands(count)} ${count === 1 ? one : many}`;

/** Beyond it a Date has no name; times come from sources, so they can be anything. */
const INSTANT_MS_MAX = 8.64e15;
export const isInstant = (ms: number): boolean => Math.abs(ms) <= INSTANT_MS_MAX;
const iso = (ms: number): string | undefined => (isInstant(ms) ? new Date(ms).toISOString() : undefined);
const withoutLast = (text: string, length: number): string => text.slice(0, text.length - length);

/** RFC 3339 in UTC, to the second; the bare number for a time that has no name. */
export const instant = (ms: number): string => {
  const text = iso(ms);
  return text === undefined ? `${ms} ms` : `${withoutLast(text, '.000Z'.length)}Z`;
};
/** For tables, whose heads say that times are UTC. */
export const minute = (ms: number): string => {
  const text = iso(ms);
  return text === undefined ? `${ms} ms` : withoutLast(text, ':00.000Z'.length).replace('T', ' ');
};

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `812 B`, `4.50 MB`: three digits that matter. */
export function bytesText(bytes: number): string {
  let rest = Math.round(bytes);
  let unit = 0;
  while (rest >= 999.5 && unit < BYTE_UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit === 0 ? rest : rest.toPrecision(3)} ${BYTE_UNITS[unit]}`;
}

/** `usual bytes per hour: 4.5 MB`, `probability of this tool: 1 in 1,200`. */
export function measureText({ name, value, unit }: Measure): string {
  return `${printable(name)}: ${typeof value === 'string' ? printable(value) : numberText(value, unit)}`;
}

function numberText(value: number, unit: Measure['unit']): string {
  if (unit === 'bytes') return bytesText(value);
  if (unit === 'probability') return shareText(value);
  return Number.isInteger(value) ? thousands(value) : value.toFixed(1);
}

function shareText(share: number): string {
  if (share <= 0) return 'never seen';
  return share >= 0.01 ? `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %` : `1 in ${chanceText(1 / share)}`;
}

const NAMED: readonly [number, string][] = [
  [1e12, 'trillion'],
  [1e9, 'billion'],
  [1e6, 'million'],
];

function chanceText(value: number): string {
  for (const [size, name] of NAMED) {
    if (value >= size) return `${(value / size).toFixed(value / size < 10 ? 1 : 0)} ${name}`;
  }
  return thousands(Number(value.toPrecision(2)));
}
