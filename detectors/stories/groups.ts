import type { HandedFinding } from '../../schemas/handed.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type Visit, visitOf } from './chains.ts';
import { learnSpans, newRate, type Rate } from './outbreak.ts';

/** One pattern in one group: who of its members shows it in the present span, and how many do so otherwise. */
export type PatternWatch = {
  readonly key: string;
  readonly group: string;
  readonly pattern: string;
  readonly rate: Rate;
  span: number;
  visits: Visit[];
  /** Active spans of the group that are behind it. */
  counted: number;
  story: string | undefined;
};

type Activity = { span: number; active: number };
type Encoded = {
  readonly watches: readonly PatternWatch[];
  readonly activity: readonly (readonly [string, Activity])[];
};

/** Members of one group that show the same pattern at the same time. Bounded: the longest unseen makes room. */
export class GroupPatterns {
  readonly #watches = new Map<string, PatternWatch>();
  /** By group: its present span, and how many spans it was active in. */
  readonly #activity = new Map<string, Activity>();

  constructor(state?: unknown) {
    if (state === undefined) return;
    const { watches, activity } = state as Encoded;
    for (const watch of watches) this.#watches.set(watch.key, { ...watch, visits: [...watch.visits] });
    for (const [group, one] of activity) this.#activity.set(group, { ...one });
  }

  encode(): unknown {
    return { watches: [...this.#watches.values()], activity: [...this.#activity] } satisfies Encoded;
  }

  get size(): { readonly watches: number; readonly groups: number } {
    return { watches: this.#watches.size, groups: this.#activity.size };
  }

  /** Takes in what an identity shows. Returns what it is one more of in this span. */
  take(found: HandedFinding): PatternWatch[] {
    const span = Math.floor(found.at / LIMITS.story_outbreak_ms);
    const active = this.#active(found.group, span);
    const grown: PatternWatch[] = [];
    for (const pattern of new Set(found.patterns)) {
      if (!spreads(pattern)) continue;
      const watch = this.#watch(found.group, pattern, span, active);
      if (span < watch.span) continue;
      if (span > watch.span) turn(watch, span, active);
      const there = watch.visits.some(({ identity }) => identity.id === found.identity.id);
      if (there || watch.visits.length >= LIMITS.story_identities_max) continue;
      watch.visits.push(visitOf(found, undefined));
      grown.push(watch);
    }
    return grown;
  }

  #active(group: string, span: number): number {
    let activity = this.#activity.get(group);
    if (activity === undefined) activity = { span, active: 1 };
    else if (span > activity.span) activity = { span, active: activity.active + 1 };
    this.#activity.delete(group);
    this.#activity.set(group, activity);
    dropOldest(this.#activity);
    return activity.active;
  }

  #watch(group: string, pattern: string, span: number, active: number): PatternWatch {
    const key = `${group}\u0000${pattern}`;
    const known = this.#watches.get(key);
    const rate = known?.rate ?? newRate();
    const watch = known ?? { key, group, pattern, rate, span, visits: [], counted: 0, story: undefined };
    // A group that was active before it first showed the pattern has shown that it seldom does.
    if (known === undefined) learnSpans(rate, active - 1, 0);
    if (known === undefined) watch.counted = active - 1;
    this.#watches.delete(key);
    this.#watches.set(key, watch);
    dropOldest(this.#watches);
    return watch;
  }
}

/** A new span begins: the one before is learned, with those in which the group was active and did not show the pattern. */
function turn(watch: PatternWatch, span: number, active: number): void {
  const spans = Math.max(1, active - 1 - watch.counted);
  // What a story tells of waits for what people say of it, and a rate that was not learned misses little.
  learnSpans(watch.rate, spans, watch.story === undefined ? watch.visits.length : 0);
  watch.counted = active - 1;
  watch.span = span;
  watch.visits = [];
  watch.story = undefined;
}

/** Amounts and hours rise for everybody at once: a month's end is no outbreak. */
function spreads(pattern: string): boolean {
  return !pattern.startsWith('volume_') && !SHARED_BY_NATURE.has(pattern);
}
const SHARED_BY_NATURE: ReadonlySet<string> = new Set(['low_and_slow', 'call_rate', 'unusual_hour', 'error_burst']);

function dropOldest(map: Map<string, unknown>): void {
  if (map.size <= LIMITS.story_rates_max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
