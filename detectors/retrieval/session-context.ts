import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { type Group, KIND, keyOf, TRUST_FULL } from '../group.ts';
import { mix, mixUnordered } from '../math/hash.ts';
import { log2, surpriseFrom } from '../math/logarithm.ts';
import type { PriorGroup } from '../prior.ts';
import { bounded, name, peersName, percent, toolName } from '../sentences.ts';
import { TOKENS_MAX, TRACE, type Trace } from '../trace.ts';
import { resourceName } from './resource.ts';

/**
 * "Is the next resource one that sessions like this had?" Sessions are compared by their tokens (tool with resource).
 * A nearest-neighbour search over past sessions is approximated by pairs: of the sessions that had a token of this
 * one's prefix, the share that also had the next token. Rare tokens say most about which sessions are alike, so the
 * mean is weighted by inverse document frequency (Sparck Jones 1972); the least share is the other witness.
 *
 * State: the first 24 distinct tokens of an open session; none of the identity's own. The group: one count a token and pair.
 *
 * Wrong about legitimate work that nobody did in one session before, and where sessions hold many unlike tasks
 * (calibration.ts takes off what a fleet shows); blind for harm done with the tokens that such sessions have.
 */
const PRIOR_WEIGHT = 2;
/** Sessions of the group that must have had a token before it is one of its own, and no longer "a new one of this tool". */
const KNOWN_SESSIONS = 2;
const NEVER = 0.2;

const parts = { mean: 1, least: 1 };

/** Stands for any token of a tool that nobody had before: free text and dates are new every time, and that is known. */
const NEW = 0x0e30e30e;

function judge(c: Context, peers: PriorGroup, token: number): void {
  const seen = peers.count(keyOf(KIND.token, token));
  const count = seen < KNOWN_SESSIONS ? 0 : seen;
  const known = count > 0 ? token : mix(c.f.tool, NEW);
  const sessions = peers.sessions;
  const base = ((count > 0 ? count : peers.count(keyOf(KIND.token, known))) + NEVER) / (sessions + 2);
  let shares = 0;
  let weights = 0;
  let least = 1;
  const prefix = c.trace.get(TRACE.tokens);
  for (let i = 0; i < prefix; i++) {
    const other = c.trace.get(TRACE.token + i);
    const had = peers.count(keyOf(KIND.token, other));
    if (had === 0) continue;
    const both = peers.count(keyOf(KIND.pair, mixUnordered(other, known)));
    const share = Math.min(1, (both + PRIOR_WEIGHT * base) / (had + PRIOR_WEIGHT));
    const weight = 0.05 + log2(1 + sessions / (1 + had));
    shares += weight * share;
    weights += weight;
    if (share < least) least = share;
  }
  parts.mean = weights === 0 ? Math.min(1, base) : shares / weights;
  parts.least = weights === 0 ? Math.min(1, base) : least;
}

/** Index of the token that fits worst, -1 where all were in the session already or nobody taught. */
function worst(c: Context): number {
  probability = 1;
  if (c.peers === undefined) return -1;
  let index = -1;
  for (let i = 0; i < c.f.tokens; i++) {
    const token = c.f.token[i] as number;
    if (c.trace.hasToken(token)) continue;
    judge(c, c.peers, token);
    const p = Math.sqrt(parts.mean * parts.least);
    if (p < probability) {
      probability = p;
      index = i;
    }
  }
  return index;
}
let probability = 1;

/** Keys of all tokens, each followed by those of its pairs; a token and the one that stands for new ones of its tool, for each. */
const keys = new Uint32Array(TOKENS_MAX * (2 * TOKENS_MAX + 1));
const fetched = new Uint32Array(1);

export const sessionContext: Detector = {
  name: 'session_context',
  family: 'retrieval_pattern',
  weighed: 'operation',
  voice: 2,

  score(c) {
    worst(c);
    return c.peers === undefined ? 0 : surpriseFrom(c.peers.sessions, probability);
  },

  learnSession({ group, trace, trust }) {
    if (trust === 0) return;
    const tokens = tokensOf(trace, group);
    let last = 0;
    for (let i = 0; i < tokens.length; i++) {
      const one = tokens[i] as number;
      keys[last++] = keyOf(KIND.token, one);
      for (let j = i + 1; j < tokens.length; j++) {
        const key = keyOf(KIND.pair, mixUnordered(one, tokens[j] as number));
        keys[last++] = key;
        fetched[0] = group.fetch(key);
      }
    }
    for (let i = 0; i < last; i++) group.add(keys[i] as number, trust);
  },

  explain(c, bits) {
    const index = worst(c);
    const resource = index < 0 || c.f.resources === 0 ? undefined : resourceName(c, index);
    const what = resource === undefined ? name(toolName(c)) : `${name(toolName(c))} on ${name(resource)}`;
    return {
      pattern: 'out_of_context',
      subject: resource === undefined ? { kind: 'tool', value: toolName(c) } : { kind: 'resource', value: resource },
      observed: { name: 'calls in this session before', value: c.trace.events, unit: 'calls' },
      expected: {
        name: 'share of sessions like this one that had it',
        value: bounded(probability, bits),
        unit: 'probability',
      },
      basis: c.basis,
      sentence: `${what} does not fit what this session did so far: of the sessions of ${peersName(c)} that began like it, about ${percent(bounded(probability, bits))} had it.`,
    };
  },
};

/** The session's tokens, and for each that the group does not know yet the one that stands for new ones of its tool. */
function tokensOf(trace: Trace, group: Group): number[] {
  const tokens: number[] = [];
  const count = trace.get(TRACE.tokens);
  for (let i = 0; i < count; i++) tokens.push(trace.get(TRACE.token + i));
  for (let i = 0; i < count; i++) {
    if (group.count(keyOf(KIND.token, tokens[i] as number)) >= KNOWN_SESSIONS * TRUST_FULL) continue;
    const fresh = mix(trace.get(TRACE.token_tool + i), NEW);
    if (!tokens.includes(fresh)) tokens.push(fresh);
  }
  return tokens;
}
