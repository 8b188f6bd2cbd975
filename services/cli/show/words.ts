import type { Severity } from '../../../schemas/alert.ts';
import type { AlertIdentity } from '../../../schemas/finding.ts';
import { printable, type Style, type Terminal, wrap } from '../terminal.ts';

export { measureText } from '../../platform/words.ts';

const COLOURS: Readonly<Record<Severity, Style>> = { low: 'dim', medium: 'cyan', high: 'yellow', critical: 'red' };

export const severityText = (terminal: Terminal, severity: Severity): string =>
  terminal.style(COLOURS[severity], severity);

/** Enough of an id to tell it from others, and to type. */
export const shortId = (id: string): string => printable(id.slice(0, 10));

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
