import type { Context } from './context.ts';
import { ALL_OF } from './features.ts';
import { KIND, keyOf } from './group.ts';
import { AT, NAME_ENTRIES } from './layout.ts';
import { countOf } from './math/count-table.ts';
import { mix } from './math/hash.ts';
import { surpriseFrom } from './math/logarithm.ts';

/** Observations of peers that count as much as own ones while own history is short. */
const LEAN = 8;

/**
 * Tail probability of a tool or resource that the nearest peers counted so often. What they do not know at all is news to
 * them, whoever else knows it. 1 where nobody taught anything.
 */
export function tailAmongPeers(c: Context, kind: typeof KIND.tool | typeof KIND.resource, count: number): number {
  return c.near === undefined ? 1 : c.near.tail(kind, count);
}

/** Own tail probability, leaning on the peers' while own history is short. */
export function blendTails(own: number, history: number, among: number): number {
  return (own * history + among * LEAN) / (history + LEAN);
}

/** Of a vocabulary and one of its values: own uses, and uses that the nearest group taught. */
const uses = { own: 0, own_all: 0, near: 0, near_all: 0 };

function lookUp(c: Context, namespace: number, value: number): void {
  const all = ALL_OF[namespace] as number;
  const one = mix(namespace, value);
  uses.own = countOf(c.u32, c.at + AT.names, NAME_ENTRIES, one);
  uses.own_all = countOf(c.u32, c.at + AT.names, NAME_ENTRIES, all);
  if (c.near === undefined) return;
  uses.near = c.near.count(keyOf(KIND.name, one));
  uses.near_all = c.near.names(namespace);
}

function probabilityOf(c: Context): number {
  const total = Math.max(uses.own, uses.own_all);
  const among = c.near === undefined ? 0.25 : Math.min(1, (uses.near + 0.5) / (uses.near_all + 5));
  return (uses.own + LEAN * among) / (total + LEAN);
}

/**
 * Probability of a value of a small vocabulary (operation, classification, store, server): own counts, smoothed by the
 * peers' shares.
 */
export function nameProbability(c: Context, namespace: number, value: number): number {
  lookUp(c, namespace, value);
  return probabilityOf(c);
}

/** Surprise of such a value, no more than the observations of its vocabulary can bear. */
export function nameBits(c: Context, namespace: number, value: number): number {
  lookUp(c, namespace, value);
  return surpriseFrom(uses.own_all + (c.near === undefined ? 0 : uses.near_all), probabilityOf(c));
}

export function ownNameCount(c: Context, namespace: number, value: number): number {
  return countOf(c.u32, c.at + AT.names, NAME_ENTRIES, mix(namespace, value));
}
