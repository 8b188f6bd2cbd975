import type { Context } from './context.ts';
import { AT } from './layout.ts';

/** Numbers and names as people read them, the same on every machine (no locale). */

export function count(value: number): string {
  const digits = Math.round(value).toString();
  return digits.length > 15 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

const BYTE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function bytes(value: number): string {
  let rest = value;
  let unit = 0;
  while (rest >= 1024 && unit < BYTE_UNITS.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${unit === 0 || rest >= 100 ? count(rest) : rest.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** A share as a percentage with the digits that matter. */
export function percent(share: number): string {
  const value = share * 100;
  if (value < 0.1) return 'less than 0.1 %';
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} %`;
}

export function plural(value: number, one: string, many: string): string {
  return `${count(value)} ${Math.round(value) === 1 ? one : many}`;
}

const NAME_MAX = 120;

/** A name from the event, cut where it is too long for a sentence. */
export function name(value: string): string {
  return value.length <= NAME_MAX ? value : `${value.slice(0, NAME_MAX)}...`;
}

export function learnedEvents(c: Context): number {
  return c.u32[c.at + AT.events] as number;
}

export function ofHistory(c: Context): string {
  const events = learnedEvents(c);
  return events === 0 ? 'before' : `in ${plural(events, 'learned event', 'learned events')}`;
}

/** What peers do of something, where they did it so often among so many: "its peer group never did, in 1,204 calls". */
export function amongPeers(c: Context, verb: string, done: number, all: number, unit: string): string {
  if (all === 0) return '';
  if (done === 0) return `; nor did ${nearName(c)} in ${count(all)} learned ${unit}`;
  return `; ${nearName(c)} ${verb} it in ${percent(done / all)} of ${unit}`;
}

export function peersName(c: Context): string {
  return c.basis === 'peer_group' ? 'its peer group' : 'the fleet';
}

/** The nearest peers: "its peers (12 agents that use like tools)" where no group is declared. */
export function nearName(c: Context): string {
  if (!c.derived) return c.near_basis === 'peer_group' ? 'its peer group' : 'the fleet';
  return `its peers (${plural(c.near?.members ?? 0, 'identity', 'identities')} that use like tools)`;
}

export function toolName(c: Context): string {
  const event = c.f.event;
  return event?.tool?.name ?? event?.action.name ?? event?.action.operation ?? 'unknown';
}
