import type { HandedFinding } from '../../schemas/handed.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { surprise } from '../math/logarithm.ts';
import { type Visit, visitOf } from './chains.ts';
import { chainsLearned, learnChain, lengthTail, newSpread, type Spread } from './spread.ts';

/**
 * Members of one group that show the same departure from habit in the same span of LIMITS.story_outbreak_ms: a plug-in
 * that all of them load, a document that all of them read. How many do so is learned as chains are (spread.ts), of every
 * group and pattern: the chance that one more does, given how many do already. Beside it stands what the pattern does in
 * all groups or, where that is new, what all patterns do.
 */
export type PatternWatch = {
  readonly key: string;
  readonly pattern: string;
  readonly spread: Spread;
  span: number;
  visits: Visit[];
  story: string | undefined;
};

type Encoded = {
  readonly watches: readonly PatternWatch[];
  readonly patterns: readonly (readonly [string, Spread])[];
};

/** Spans after which a pattern is known by itself, and the name of what all patterns teach. */
const PATTERN_KNOWN = 24;
const ALL = '';

/** Bounded: the longest unseen make room. */
export class GroupPatterns {
  readonly #watches = new Map<string, PatternWatch>();
  readonly #patterns = new Map<string, Spread>();

  constructor(state?: unknown) {
    if (state === undefined) return;
    const { watches, patterns } = state as Encoded;
    for (const watch of watches) this.#watches.set(watch.key, { ...watch, visits: [...watch.visits] });
    for (const [pattern, spread] of patterns) this.#patterns.set(pattern, spread);
  }

  encode(): unknown {
    return { watches: [...this.#watches.values()], patterns: [...this.#patterns] } satisfies Encoded;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** Takes in what an identity shows. Returns what it is one more of in this span. */
  take(found: HandedFinding): PatternWatch[] {
    const span = Math.floor(found.at / LIMITS.story_outbreak_ms);
    const grown: PatternWatch[] = [];
    for (const pattern of new Set(found.patterns)) {
      if (!spreads(pattern)) continue;
      const watch = this.#watch(found.group, pattern, span);
      if (span < watch.span) continue;
      if (span > watch.span) this.#turn(watch, span);
      const there = watch.visits.some(({ identity }) => identity.id === found.identity.id);
      if (there || watch.visits.length >= LIMITS.story_identities_max) continue;
      watch.visits.push(visitOf(found, undefined));
      grown.push(watch);
    }
    return grown;
  }

  /** Surprise in bits that so many members show it. */
  bitsOf(watch: PatternWatch): number {
    return surprise(lengthTail(watch.spread, this.#likeOf(watch), watch.visits.length - 1));
  }

  /** Spans that were learned of the pattern. */
  historyOf({ pattern }: PatternWatch): number {
    return chainsLearned(this.#patternOf(pattern));
  }

  #likeOf({ pattern }: PatternWatch): Spread {
    const spread = this.#patternOf(pattern);
    return chainsLearned(spread) < PATTERN_KNOWN ? this.#patternOf(ALL) : spread;
  }

  #watch(group: string, pattern: string, span: number): PatternWatch {
    const key = `${group}\u0000${pattern}`;
    const known = this.#watches.get(key);
    const watch = known ?? { key, pattern, spread: newSpread(), span, visits: [], story: undefined };
    this.#watches.delete(key);
    this.#watches.set(key, watch);
    dropOldest(this.#watches);
    return watch;
  }

  /**
   * A new span begins, and the one before is learned, also where a story told of it: what a whole group does at once and
   * nobody stops is how the group works now.
   */
  #turn(watch: PatternWatch, span: number): void {
    const chain = { joins: watch.visits.length - 1, across: 0, linked: 0 };
    learnChain(watch.spread, chain);
    learnChain(this.#patternOf(watch.pattern), chain);
    learnChain(this.#patternOf(ALL), chain);
    watch.span = span;
    watch.visits = [];
    watch.story = undefined;
  }

  #patternOf(pattern: string): Spread {
    const spread = this.#patterns.get(pattern) ?? newSpread();
    this.#patterns.delete(pattern);
    this.#patterns.set(pattern, spread);
    dropOldest(this.#patterns);
    return spread;
  }
}

/** Amounts and hours rise for everybody at once: a month's end is no outbreak. */
function spreads(pattern: string): boolean {
  return !pattern.startsWith('volume_') && !SHARED_BY_NATURE.has(pattern);
}
const SHARED_BY_NATURE: ReadonlySet<string> = new Set([
  'low_and_slow',
  'egress_drift',
  'call_rate',
  'unusual_hour',
  'error_burst',
]);

function dropOldest(map: Map<string, unknown>): void {
  if (map.size <= LIMITS.story_rates_max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
