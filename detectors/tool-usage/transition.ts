import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { KIND, keyOf } from '../group.ts';
import { AT, BIGRAM_ENTRIES, TOOL_ENTRIES } from '../layout.ts';
import { countOf, increment, totalOf } from '../math/count-table.ts';
import { mix } from '../math/hash.ts';
import { surpriseFrom } from '../math/logarithm.ts';
import { bounded, count, name, peersName, percent, plural, toolName } from '../sentences.ts';
import { TRACE } from '../trace.ts';

/** Observations by which each order of context leans on the next lower one (absolute back-off, Witten-Bell style). */
const BACK_OFF_PEERS = 2;
const BACK_OFF_OWN = 4;
/** Stands for "no tool yet". */
const START = 0x5eed5eed;
const ANY = 0x0a11a11a;

const contextOf1 = (previous: number): number => mix(previous || START, 1);
const contextOf2 = (before: number, previous: number): number => mix(mix(before || START, previous || START), 2);

/** Share of the tool in all calls, never 0. */
function base(c: Context): number {
  if (c.peers === undefined) {
    const own = countOf(c.u32, c.at + AT.tools, TOOL_ENTRIES, c.f.tool);
    return (own + 0.5) / (totalOf(c.u32, c.at + AT.tools) + 10);
  }
  return (c.peers.count(keyOf(KIND.tool, c.f.tool)) + 0.5) / (c.peers.total(KIND.tool) + 50);
}

function peersOrder1(c: Context, context: number): number {
  if (c.peers === undefined) return base(c);
  const seen = c.peers.count(keyOf(KIND.order1, mix(context, ANY)));
  const together = c.peers.count(keyOf(KIND.order1, mix(context, c.f.tool)));
  return (Math.min(together, seen) + BACK_OFF_PEERS * base(c)) / (seen + BACK_OFF_PEERS);
}

function peersOrder2(c: Context): number {
  const lower = peersOrder1(c, contextOf1(c.trace.get(TRACE.previous)));
  if (c.peers === undefined) return lower;
  const context = contextOf2(c.trace.get(TRACE.before), c.trace.get(TRACE.previous));
  const seen = c.peers.count(keyOf(KIND.order2, mix(context, ANY)));
  const together = c.peers.count(keyOf(KIND.order2, mix(context, c.f.tool)));
  return (Math.min(together, seen) + BACK_OFF_PEERS * lower) / (seen + BACK_OFF_PEERS);
}

function ownOrder1(c: Context): number {
  const context = contextOf1(c.trace.get(TRACE.previous));
  const seen = countOf(c.u32, c.at + AT.bigrams, BIGRAM_ENTRIES, mix(context, ANY));
  const together = countOf(c.u32, c.at + AT.bigrams, BIGRAM_ENTRIES, mix(context, c.f.tool));
  return (Math.min(together, seen) + BACK_OFF_OWN * peersOrder1(c, context)) / (seen + BACK_OFF_OWN);
}

/** How often the identity was at this point: after this tool, whether or not anything came, or at a session's start. */
function ownPlaces(c: Context, context: number): number {
  const previous = c.trace.get(TRACE.previous);
  const followed = countOf(c.u32, c.at + AT.bigrams, BIGRAM_ENTRIES, mix(context, ANY));
  return previous === 0 ? followed : Math.max(followed, countOf(c.u32, c.at + AT.tools, TOOL_ENTRIES, previous));
}

function peersPlaces(c: Context, context: number): number {
  if (c.peers === undefined) return 0;
  const previous = c.trace.get(TRACE.previous);
  const followed = c.peers.count(keyOf(KIND.order1, mix(context, ANY)));
  return previous === 0 ? followed : Math.max(followed, c.peers.count(keyOf(KIND.tool, previous)));
}

/** Own habit where there is one, otherwise the peers': "after the tool before it, its peer group went on with it in 2 of 143 cases". */
function howOften(c: Context, context: number, seen: number, together: number): string {
  const own = seen > 0;
  const places = own ? seen : peersPlaces(c, context);
  const times = own ? together : (c.peers?.count(keyOf(KIND.order1, mix(context, c.f.tool))) ?? 0);
  const whose = own ? 'this identity' : peersName(c);
  const tool = name(toolName(c));
  const often = times === 0 ? 'none' : count(times);
  if (c.trace.get(TRACE.previous) === 0) {
    return `${tool} is the first call of a session; of ${plural(places, 'learned session', 'learned sessions')} of ${whose}, ${often} began with it`;
  }
  return `${tool} came at an unusual place: after the tool before it, ${whose} went on with ${tool} in ${often} of ${plural(places, 'case', 'cases')}`;
}

/**
 * How unlikely this tool is after the one before it, by this identity's own habit.
 *
 * Statistics: the conditional probability of order 1, backed off to the peers' and that to shares of tools (Katz 1987),
 * bounded by Laplace's rule of succession. State: 112 counts of places and pairs (125 words).
 *
 * Wrong about a known task done in another order; blind where an attack takes the steps in the usual one.
 */
export const toolTransition: Detector = {
  name: 'tool_transition',
  family: 'tool_usage',
  weighed: 'operation',
  voice: 0.8,

  score(c) {
    const context = contextOf1(c.trace.get(TRACE.previous));
    if (ownPlaces(c, context) + peersPlaces(c, context) === 0) return 0;
    return surpriseFrom(totalOf(c.u32, c.at + AT.tools) + (c.peers?.total(KIND.tool) ?? 0), ownOrder1(c));
  },

  learn({ state, group, record, previous, trust }) {
    const context = contextOf1(previous);
    const any = mix(context, ANY);
    const one = mix(context, record.tool);
    increment(state.u32, state.at + AT.bigrams, BIGRAM_ENTRIES, any);
    increment(state.u32, state.at + AT.bigrams, BIGRAM_ENTRIES, one);
    group.add(keyOf(KIND.order1, any), trust);
    group.add(keyOf(KIND.order1, one), trust);
  },

  explain(c, bits) {
    const context = contextOf1(c.trace.get(TRACE.previous));
    const seen = ownPlaces(c, context);
    const together = countOf(c.u32, c.at + AT.bigrams, BIGRAM_ENTRIES, mix(context, c.f.tool));
    return {
      pattern: 'unlikely_transition',
      subject: { kind: 'tool', value: toolName(c) },
      observed: { name: 'times this tool came here before', value: together, unit: 'calls' },
      expected: { name: 'probability of this tool here', value: bounded(ownOrder1(c), bits), unit: 'probability' },
      basis: seen > 0 ? 'identity' : c.basis,
      sentence: `${howOften(c, context, seen, together)}.`,
    };
  },
};

/**
 * How unlikely this tool is after the two before it, by the habit of the peers.
 *
 * Statistics: the conditional probability of order 2, backed off to order 1, as above. State: none of the identity's own; the
 * group: one count a place and triple. Wrong and blind as above; it knows what others do where own history is short.
 */
export const toolSequence: Detector = {
  name: 'tool_sequence',
  family: 'tool_usage',
  weighed: 'operation',
  voice: 1.6,

  score(c) {
    if (c.peers === undefined) return 0;
    const context = contextOf1(c.trace.get(TRACE.previous));
    if (peersPlaces(c, context) === 0) return 0;
    return surpriseFrom(c.peers.total(KIND.tool), peersOrder2(c));
  },

  learn({ group, record, previous, before, trust }) {
    const context = contextOf2(before, previous);
    group.add(keyOf(KIND.order2, mix(context, ANY)), trust);
    group.add(keyOf(KIND.order2, mix(context, record.tool)), trust);
  },

  explain(c, bits) {
    const p = peersOrder2(c);
    return {
      pattern: 'unlikely_sequence',
      subject: { kind: 'tool', value: toolName(c) },
      observed: { name: 'calls in this session before', value: c.trace.events, unit: 'calls' },
      expected: { name: 'probability of this tool here', value: bounded(p, bits), unit: 'probability' },
      basis: c.peers === undefined ? 'identity' : c.basis,
      sentence: `${name(toolName(c))} is an unlikely next step after the two calls before it: ${c.peers === undefined ? 'this identity' : peersName(c)} takes it in ${percent(bounded(p, bits))} of such places.`,
    };
  },
};
