import type { Severity } from '../../../schemas/alert.ts';
import type { AlertIdentity, Measure } from '../../../schemas/finding.ts';
import { bytesText, printable, type Style, type Terminal, thousands, wrap } from '../terminal.ts';

const COLOURS: Readonly<Record<Severity, Style>> = { low: 'dim', medium: 'cyan', high: 'yellow', critical: 'red' };

export const severityText = (terminal: Terminal, severity: Severity): string =>
  terminal.style(COLOURS[severity], severity);

/** Enough of an id to tell it from others, and to type. */
export const shortId = (id: string): string => printable(id.slice(0, 10));

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

export function identityText({ id, kind, name, owner, peer_group, version }: AlertIdentity): string {
  const facts = [
    kind,
    ...(peer_group === undefined ? [] : [`peer group ${printable(peer_group)}`]),
    ...(owner === undefined ? [] : [`owner ${printable(owner)}`]),
    ...(version === undefined ? [] : [`version ${printable(version)}`]),
  ];
  const who = name === undefined || name === id ? printable(id) : `${printable(name)} [${printable(id)}]`;
  return `${who} (${facts.join(', ')})`;
}

/** A heading with room above it. */
export function heading(terminal: Terminal, text: string): void {
  terminal.line();
  terminal.line(terminal.style('bold', text));
}

const LABEL_CHARS = 13;

/** `  label       value`, the value wrapped beneath itself. */
export function fact(terminal: Terminal, label: string, value: string, chars = LABEL_CHARS): void {
  const before = `  ${label.padEnd(chars)}`;
  const room = (terminal.columns ?? Number.POSITIVE_INFINITY) - before.length;
  const [first = '', ...rest] = wrap(value, room);
  terminal.line(terminal.style('dim', before) + first);
  for (const line of rest) terminal.line(' '.repeat(before.length) + line);
}
