import { UNITS } from '../schemas/limits.ts';
import type { Context } from './context.ts';
import { AT } from './layout.ts';
import { exp2 } from './math/logarithm.ts';

/** Numbers and names as people read them, the same on every machine (no locale). */

export function count(value: number): string {
  const digits = Math.round(value).toString();
  return digits.length > 15 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Thousands, as disks and networks are sold: `1 byte`, `812 bytes`, `4.5 MB`. */
export function bytes(value: number): string {
  let rest = Math.round(value);
  let unit = 0;
  while (rest >= 999.5 && unit < BYTE_UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  if (unit === 0) return plural(rest, 'byte', 'bytes');
  return `${rest >= 99.95 ? count(rest) : rest.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** To the minute: `2026-03-28 02:14 UTC`. */
export function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** How long, in the unit that a person would use: `40 seconds`, `17 minutes`, `3 hours`, `12 days`. */
export function duration(ms: number): string {
  if (ms < 2 * UNITS.MINUTE_MS) return plural(ms / UNITS.SECOND_MS, 'second', 'seconds');
  if (ms < 2 * UNITS.HOUR_MS) return plural(ms / UNITS.MINUTE_MS, 'minute', 'minutes');
  if (ms < 2 * UNITS.DAY_MS) return plural(ms / UNITS.HOUR_MS, 'hour', 'hours');
  return plural(ms / UNITS.DAY_MS, 'day', 'days');
}

/** A probability beside its surprise, which is bounded by what was seen: never below what the bits say. */
export function bounded(probability: number, bits: number): number {
  return Math.max(probability, exp2(-bits));
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

/** Where the usual amount comes from: "about 5 are usual (learned from 600 events)". */
export function learnedFrom(c: Context): string {
  return `(learned from ${plural(learnedEvents(c), 'event', 'events')})`;
}

/** The same where the peers are the yardstick. */
export function learnedFromPeers(c: Context): string {
  return `in ${nearName(c)}`;
}

/** `once`, `twice`, `12 times`. */
export function times(value: number): string {
  const rounded = Math.round(value);
  if (rounded === 1) return 'once';
  return rounded === 2 ? 'twice' : `${count(value)} times`;
}

/** A name inside a sentence, where it could be taken for a word of it. */
export function quoted(value: string): string {
  return `"${name(value)}"`;
}

/**
 * What peers do of something, where they did it so often among so many, after "the identity never did it" or "did it
 * twice": "nor did its peer group in 1,204 learned calls".
 */
export function amongPeers(
  c: Context,
  {
    own,
    verb,
    done,
    all,
    unit,
  }: { own: number; verb: readonly [past: string, present: string]; done: number; all: number; unit: string },
): string {
  if (all === 0) return '';
  if (done > 0) return `; ${nearName(c)} ${verb[1]} it in ${percent(done / all)} of its ${unit}`;
  const never = own === 0 ? `nor did ${nearName(c)}` : `${nearName(c)} never ${verb[0]} it`;
  return `; ${never} in ${count(all)} learned ${unit}`;
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
