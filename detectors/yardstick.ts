import type { Context } from './context.ts';
import { KIND, keyOf } from './group.ts';
import { AT, NAME_ENTRIES } from './layout.ts';
import { countOf } from './math/count-table.ts';
import { mix } from './math/hash.ts';
import { surpriseFrom } from './math/logarithm.ts';

/** Observations of peers that count as much as own ones while own history is short. */
const LEAN = 8;

/**
 * Tail probability of a tool or resource among the nearest peers. What they do not know at all is news to them, whoever
 * else knows it. 1 where nobody taught anything.
 */
export function tailAmongPeers(c: Context, kind: typeof KIND.tool | typeof KIND.resource, hash: number): number {
  return c.near === undefined ? 1 : c.near.tail(kind, c.near.count(keyOf(kind, hash)));
}

/** Own tail probability, leaning on the peers' while own history is short. */
export function blendTails(own: number, history: number, among: number): number {
  return (own * history + among * LEAN) / (history + LEAN);
}

/**
 * Probability of a value of a small vocabulary (operation, classification, store, server): own counts, smoothed by the
 * peers' shares.
 */
export function nameProbability(c: Context, namespace: number, value: number): number {
  const all = mix(namespace, 1);
  const one = mix(namespace, value);
  const own = countOf(c.u32, c.at + AT.names, NAME_ENTRIES, one);
  const total = Math.max(own, countOf(c.u32, c.at + AT.names, NAME_ENTRIES, all));
  let among = 0.25;
  if (c.near !== undefined) {
    const values = c.near.count(keyOf(KIND.name, all));
    among = Math.min(1, (c.near.count(keyOf(KIND.name, one)) + 0.5) / (values + 5));
  }
  return (own + LEAN * among) / (total + LEAN);
}

/** Surprise of such a value, no more than the observations of its vocabulary can bear. */
export function nameBits(c: Context, namespace: number, value: number): number {
  const all = mix(namespace, 1);
  const own = countOf(c.u32, c.at + AT.names, NAME_ENTRIES, all);
  return surpriseFrom(own + (c.near?.count(keyOf(KIND.name, all)) ?? 0), nameProbability(c, namespace, value));
}

export function ownNameCount(c: Context, namespace: number, value: number): number {
  return countOf(c.u32, c.at + AT.names, NAME_ENTRIES, mix(namespace, value));
}
