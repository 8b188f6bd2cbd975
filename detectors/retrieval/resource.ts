import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { isHarmful, NAMESPACE } from '../features.ts';
import { KIND, keyOf } from '../group.ts';
import { AT, RESOURCE_ENTRIES } from '../layout.ts';
import { increment, tailMass, totalOf, unseenMass } from '../math/count-table.ts';
import { surpriseFrom } from '../math/logarithm.ts';
import { learnName } from '../names.ts';
import { amongPeers, bounded, name, ofHistory, quoted, times } from '../sentences.ts';
import { blendTails, nameBits, nameProbability, ownNameCount, tailAmongPeers } from '../yardstick.ts';

/** Of the resource at this index of the event. */
function ownTail(c: Context, index: number): number {
  const own = c.known.resource[index] as number;
  const among = tailAmongPeers(c, KIND.resource, c.known.near_resource[index] as number);
  const mass = tailMass(c.u32, c.at + AT.resources, own, c.known.resources);
  // A resource new to the identity but common among its peers is half a surprise: the geometric mean of both views.
  return own === 0 ? Math.sqrt(mass * among * among) : blendTails(mass, c.known.resources, among);
}

/** Index of the most surprising resource of the event, -1 where it names none. */
function rarest(c: Context): number {
  let index = -1;
  let least = 2;
  for (let i = 0; i < c.f.resources; i++) {
    const p = ownTail(c, i);
    if (p < least) {
      least = p;
      index = i;
    }
  }
  probability = Math.min(least, 1);
  return index;
}
let probability = 1;

function resourceBits(c: Context): number {
  return surpriseFrom(c.known.resources + (c.near?.total(KIND.resource) ?? 0), probability);
}

/**
 * How rare the resource is, for this identity and among its peers, by tail mass.
 *
 * Statistics: the probability of a resource at least as rare. One never seen has Good and Turing's unseen mass (Good 1953),
 * shared out by the peers' (Katz 1987); one new to the identity and common among its peers is half a surprise. State: 192
 * counts (205 words); the group: one count a resource.
 *
 * Wrong where every piece of work has a resource of its own (tickets, builds): calibration.ts takes off what a fleet of such
 * work shows. Blind for a known resource put to another use.
 */
export const resourceRarity: Detector = {
  name: 'resource_rarity',
  family: 'retrieval_pattern',
  weighed: 'operation',
  voice: 1,

  score(c) {
    rarest(c);
    const bits = resourceBits(c);
    return c.f.store === 0 ? bits : Math.max(bits, nameBits(c, NAMESPACE.store, c.f.store));
  },

  learn(lesson) {
    const { state, part, record, trace, trust } = lesson;
    for (let i = 0; i < record.resources; i++) {
      const hash = trace.get(record.at + i);
      increment(state.u32, state.at + AT.resources, RESOURCE_ENTRIES, hash);
      part.add(keyOf(KIND.resource, hash), trust);
    }
    if (record.store !== 0) learnName(lesson, NAMESPACE.store, record.store);
  },

  explain(c, bits) {
    const index = rarest(c);
    const store = c.f.event?.resources[0]?.store;
    if (index < 0 || (store !== undefined && Math.fround(resourceBits(c)) < bits))
      return storeExplanation(c, store ?? '', bits);
    const value = resourceName(c, index);
    const own = c.known.resource[index] as number;
    const total = c.near?.total(KIND.resource) ?? 0;
    const target = c.f.event !== undefined && isHarmful(c.f.event.action.operation);
    const what = target ? 'target' : 'resource';
    const done = c.known.near_resource[index] as number;
    const peers = amongPeers(c, { own, verb: ['touched', 'touches'], done, all: total, unit: 'uses of resources' });
    return {
      pattern: own === 0 ? `first_seen_${what}` : `rare_${what}`,
      subject: { kind: 'resource', value },
      observed: { name: `uses of this ${what} before`, value: own, unit: 'events' },
      expected: { name: 'probability of one so rare', value: bounded(probability, bits), unit: 'probability' },
      basis: own > 0 ? 'identity' : c.near_basis,
      sentence:
        own === 0
          ? `${name(value)} was never touched by this identity ${ofHistory(c)}${peers}.`
          : `${name(value)} was touched by this identity only ${times(own)} ${ofHistory(c)}${peers}.`,
    };
  },

  baselines: (state) => [
    { name: 'resource uses remembered', value: totalOf(state.u32, state.at + AT.resources), unit: 'events' },
    { name: 'chance of a new resource', value: unseenMass(state.u32, state.at + AT.resources), unit: 'probability' },
  ],
};

/** The event's own string for a resource that the features hold as a hash. Repeats are dropped there, so walk along. */
export function resourceName(c: Context, index: number): string {
  return c.f.event?.resources[c.f.position[index] as number]?.id ?? '';
}

function storeExplanation(c: Context, store: string, bits: number): ReturnType<Detector['explain']> {
  const own = ownNameCount(c, NAMESPACE.store, c.f.store);
  return {
    pattern: own === 0 ? 'first_seen_store' : 'rare_store',
    subject: { kind: 'store', value: store },
    observed: { name: 'uses of this store before', value: own, unit: 'events' },
    expected: {
      name: 'probability of this store',
      value: bounded(nameProbability(c, NAMESPACE.store, c.f.store), bits),
      unit: 'probability',
    },
    basis: 'identity',
    sentence:
      own === 0
        ? `The store ${quoted(store)} was never used by this identity ${ofHistory(c)}.`
        : `The store ${quoted(store)} was used by this identity only ${times(own)} ${ofHistory(c)}.`,
  };
}
