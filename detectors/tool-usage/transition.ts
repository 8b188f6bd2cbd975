import { anyAt, placeAfter, placeAfterTwo, toolAt } from '../at-hand.ts';
import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { KIND, keyOf } from '../group.ts';
import { AT, BIGRAM_ENTRIES, TOOL_ENTRIES } from '../layout.ts';
import { countOf, increment } from '../math/count-table.ts';
import { surprise, surpriseFrom } from '../math/logarithm.ts';
import { bounded, count, name, peersName, percent, plural, toolName } from '../sentences.ts';
import { TRACE } from '../trace.ts';

/** Observations by which each order of context leans on the next lower one (absolute back-off, Witten-Bell style). */
const BACK_OFF_PEERS = 2;
const BACK_OFF_OWN = 4;
/** Bits by which the two steps before may surprise more than own habit after the last of them. */
const BEYOND_OWN = 3;
/** Times after which a transition is a habit: what was done once, an attack may have done. */
const HABIT_MIN = 2;

/**
 * Probability of a tool at least as rare as this one, never 0: where a place has seen nothing like it, what is left of the
 * peers' calls counts, as a share of its own would make every rare tool a marvel. Own share where nobody taught.
 */
function base({ known, peers }: Context): number {
  if (peers === undefined) return (known.tool + 0.5) / (known.tools + 10);
  const share = (known.peers_tool + 0.5) / (peers.total(KIND.tool) + 50);
  return Math.max(share, peers.tail(KIND.tool, known.peers_tool));
}

function peersOrder1(c: Context): number {
  if (c.peers === undefined) return base(c);
  const { peers_came: seen, peers_came_tool: together } = c.known;
  return (Math.min(together, seen) + BACK_OFF_PEERS * base(c)) / (seen + BACK_OFF_PEERS);
}

function peersOrder2(c: Context): number {
  const lower = peersOrder1(c);
  if (c.peers === undefined) return lower;
  const place = placeAfterTwo(c.trace.get(TRACE.before), c.trace.get(TRACE.previous));
  const seen = c.peers.count(keyOf(KIND.order2, anyAt(place)));
  const together = c.peers.count(keyOf(KIND.order2, toolAt(place, c.f.tool)));
  return (Math.min(together, seen) + BACK_OFF_PEERS * lower) / (seen + BACK_OFF_PEERS);
}

function ownOrder1(c: Context): number {
  const { came: seen, came_tool: together } = c.known;
  return (Math.min(together, seen) + BACK_OFF_OWN * peersOrder1(c)) / (seen + BACK_OFF_OWN);
}

/** How often the identity was at this point: after this tool, whether or not anything came, or at a session's start. */
function ownPlaces(c: Context): number {
  const previous = c.trace.get(TRACE.previous);
  const followed = c.known.came;
  return previous === 0 ? followed : Math.max(followed, countOf(c.u32, c.at + AT.tools, TOOL_ENTRIES, previous));
}

function peersPlaces(c: Context): number {
  if (c.peers === undefined) return 0;
  const previous = c.trace.get(TRACE.previous);
  const followed = c.known.peers_came;
  return previous === 0 ? followed : Math.max(followed, c.peers.count(keyOf(KIND.tool, previous)));
}

/** Own habit where there is one, otherwise the peers': "after the tool before it, its peer group went on with it in 2 of 143 cases". */
function howOften(c: Context, seen: number, together: number): string {
  const own = seen > 0;
  const places = own ? seen : peersPlaces(c);
  const times = own ? together : c.known.peers_came_tool;
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
 * Statistics: the conditional probability of order 1, backed off to the peers' and that to tail masses of tools (Katz 1987),
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
    if (c.known.came === 0 && c.known.peers_came === 0 && ownPlaces(c) + peersPlaces(c) === 0) return 0;
    return surpriseFrom(c.known.tools + (c.peers?.total(KIND.tool) ?? 0), ownOrder1(c));
  },

  learn({ state, group, record, previous, trust }) {
    const place = placeAfter(previous);
    const any = anyAt(place);
    const one = toolAt(place, record.tool);
    increment(state.u32, state.at + AT.bigrams, BIGRAM_ENTRIES, any);
    increment(state.u32, state.at + AT.bigrams, BIGRAM_ENTRIES, one);
    group.add(keyOf(KIND.order1, any), trust);
    group.add(keyOf(KIND.order1, one), trust);
  },

  explain(c, bits) {
    const seen = ownPlaces(c);
    const together = c.known.came_tool;
    return {
      pattern: 'unlikely_transition',
      subject: { kind: 'tool', value: toolName(c) },
      observed: { name: 'times this tool came here before', value: together, unit: 'calls' },
      expected: { name: 'probability of this tool here', value: bounded(ownOrder1(c), bits), unit: 'probability' },
      basis: seen > 0 ? 'identity' : c.basis,
      sentence: `${howOften(c, seen, together)}.`,
    };
  },
};

/**
 * How unlikely this tool is after the two before it, by the habit of the peers.
 *
 * Statistics: the conditional probability of order 2, backed off to order 1, as above. State: none of the identity's own; the
 * group: one count a place and triple. Own habit excuses what the peers seldom do: where the identity made this transition
 * twice before, the surprise is at most three bits more than that of the transition by its own habit.
 *
 * Wrong and blind as above, and blind where each step of an attack is own habit and only their order is strange; it knows
 * what others do where own history is short.
 */
export const toolSequence: Detector = {
  name: 'tool_sequence',
  family: 'tool_usage',
  weighed: 'operation',
  voice: 1.6,

  score(c) {
    if (c.peers === undefined) return 0;
    if (c.known.peers_came === 0 && peersPlaces(c) === 0) return 0;
    const bits = surpriseFrom(c.peers.total(KIND.tool), peersOrder2(c));
    if (bits <= BEYOND_OWN || c.known.came_tool < HABIT_MIN) return bits;
    return Math.min(bits, surprise(ownOrder1(c)) + BEYOND_OWN);
  },

  learn({ group, record, previous, before, trust }) {
    const place = placeAfterTwo(before, previous);
    group.add(keyOf(KIND.order2, anyAt(place)), trust);
    group.add(keyOf(KIND.order2, toolAt(place, record.tool)), trust);
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
