import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { KIND, keyOf } from '../group.ts';
import { mixUnordered } from '../math/hash.ts';
import { log2, surprise } from '../math/logarithm.ts';
import { name, peersName, percent, toolName } from '../sentences.ts';
import { TRACE } from '../trace.ts';
import { resourceName } from './resource.ts';

/**
 * "Is the next resource one that sessions like this had?" Sessions are compared by their tokens (tool with resource).
 * A nearest-neighbour search over past sessions is approximated by pairs: of the sessions that had a token of this
 * one's prefix, the share that also had the next token. Rare tokens say most about which sessions are alike, so the
 * mean is weighted by inverse document frequency (Sparck Jones 1972); the least share is the other witness.
 */
const PRIOR_WEIGHT = 2;
const NEVER = 0.2;

const parts = { mean: 1, least: 1 };

function judge(c: Context, token: number): void {
  const peers = c.peers as NonNullable<Context['peers']>;
  const sessions = peers.sessions;
  const base = (peers.count(keyOf(KIND.token, token)) + NEVER) / (sessions + 2);
  let shares = 0;
  let weights = 0;
  let least = 1;
  const prefix = c.trace.get(TRACE.tokens);
  for (let i = 0; i < prefix; i++) {
    const other = c.trace.get(TRACE.token + i);
    const had = peers.count(keyOf(KIND.token, other));
    const both = peers.count(keyOf(KIND.pair, mixUnordered(other, token)));
    const share = Math.min(1, (both + PRIOR_WEIGHT * base) / (had + PRIOR_WEIGHT));
    const weight = 0.05 + log2(1 + sessions / (1 + had));
    shares += weight * share;
    weights += weight;
    if (share < least) least = share;
  }
  parts.mean = prefix === 0 ? base : shares / weights;
  parts.least = prefix === 0 ? base : least;
}

/** Index of the token that fits worst, -1 where all were in the session already or nobody taught. */
function worst(c: Context): number {
  probability = 1;
  if (c.peers === undefined) return -1;
  let index = -1;
  for (let i = 0; i < c.f.tokens; i++) {
    const token = c.f.token[i] as number;
    if (c.trace.hasToken(token)) continue;
    judge(c, token);
    const p = Math.sqrt(parts.mean * parts.least);
    if (p < probability) {
      probability = p;
      index = i;
    }
  }
  return index;
}
let probability = 1;

export const sessionContext: Detector = {
  name: 'session_context',
  family: 'retrieval_pattern',
  weighed: 'operation',

  score(c) {
    worst(c);
    return surprise(probability);
  },

  learnSession({ group, trace }) {
    const tokens = trace.get(TRACE.tokens);
    for (let i = 0; i < tokens; i++) {
      const one = trace.get(TRACE.token + i);
      group.add(keyOf(KIND.token, one));
      for (let j = i + 1; j < tokens; j++) {
        group.add(keyOf(KIND.pair, mixUnordered(one, trace.get(TRACE.token + j))));
      }
    }
  },

  explain(c) {
    const index = worst(c);
    const resource = index < 0 || c.f.resources === 0 ? undefined : resourceName(c, index);
    const what = resource === undefined ? name(toolName(c)) : `${name(toolName(c))} on ${name(resource)}`;
    return {
      pattern: 'out_of_context',
      subject: resource === undefined ? { kind: 'tool', value: toolName(c) } : { kind: 'resource', value: resource },
      observed: { name: 'calls in this session before', value: c.trace.events, unit: 'calls' },
      expected: { name: 'share of sessions like this one that had it', value: probability, unit: 'probability' },
      basis: c.basis,
      sentence: `${what} does not belong to what this session did so far: of sessions like it in ${peersName(c)}, ${percent(probability)} had it.`,
    };
  },
};
