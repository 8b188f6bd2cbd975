import type { Alert } from '../../schemas/alert.ts';
import type { Finding } from '../../schemas/finding.ts';
import type { HandedFinding } from '../../schemas/handed.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import { Chains } from './chains.ts';
import { GroupPatterns } from './groups.ts';
import { HandoverMemory } from './handovers.ts';
import { type Closed, type Naming, Stories } from './stories.ts';
import { type Telling, tellingOfChain, tellingOfWatch } from './telling.ts';

/** What a record leads to. */
export type StoryOutput = {
  readonly findings: { readonly finding: Finding; readonly identity: string; readonly alert_uid: string }[];
  readonly alerts: Alert[];
};

/** Identities from which on it is a story. Two may be chance, and each of them has its own alert. */
const IDENTITIES_MIN = 3;
/** Surprise from which several identities that take up one thing are a story, and members of a group that do the same. */
const CHAIN_BITS = 10;
const OUTBREAK_BITS = 11;

type Encoded = {
  readonly tenant: string;
  readonly clock: number;
  readonly since: number;
  readonly waiting: readonly HandedFinding[];
  readonly chains: unknown;
  readonly handovers: unknown;
  readonly groups: unknown;
  readonly stories: unknown;
};

/** Changes with every change of what the same findings would yield. */
export const STORY_RULES_VERSION = 1;

/**
 * All that is known of the stories of one tenant, live or recorded: a pure function of the findings that were handed to
 * it, in their order. It is asked for one record at a time, and its state is plain data.
 */
export class StoryBook {
  readonly tenant: string;
  readonly #chains: Chains;
  readonly #handovers: HandoverMemory;
  readonly #groups: GroupPatterns;
  readonly #stories: Stories;
  /** Findings beyond the clock, the earliest first. */
  readonly #waiting: HandedFinding[];
  /** The highest log clock seen, and the first. */
  #clock: number;
  #since: number;

  constructor(tenant: string, naming: Naming, state?: unknown) {
    const saved = state as Encoded | undefined;
    this.tenant = tenant;
    this.#clock = saved?.clock ?? 0;
    this.#since = saved?.since ?? 0;
    this.#waiting = [...(saved?.waiting ?? [])];
    this.#chains = new Chains(saved?.chains);
    this.#handovers = new HandoverMemory(saved?.handovers);
    this.#groups = new GroupPatterns(saved?.groups);
    this.#stories = new Stories(tenant, naming, saved?.stories);
  }

  encode(): unknown {
    return {
      tenant: this.tenant,
      clock: this.#clock,
      since: this.#since,
      waiting: this.#waiting,
      chains: this.#chains.encode(),
      handovers: this.#handovers.encode(),
      groups: this.#groups.encode(),
      stories: this.#stories.encode(),
    } satisfies Encoded;
  }

  /** Log clock at which something waits to be told, or a story is over unless it goes on; undefined when nothing is. */
  get due(): number | undefined {
    const waiting = this.#waiting[0]?.at;
    const over = this.#stories.due;
    return waiting === undefined || over === undefined ? (waiting ?? over) : Math.min(waiting, over);
  }

  get size(): Readonly<Record<'open' | 'past' | 'watches' | 'stories' | 'waiting', number>> {
    const { open, past } = this.#chains.size;
    return { open, past, watches: this.#groups.size, stories: this.#stories.size, waiting: this.#waiting.length };
  }

  /**
   * `now` is the clock up to which everything has been handed on. A finding beyond it waits: partitions of a recording are
   * read one after the other, and what happened is told in the order in which it did.
   */
  take(found: HandedFinding, now: number): StoryOutput {
    const output = this.advance(now);
    if (found.at <= now) this.#apply(found, output);
    else this.#wait(found, output);
    return output;
  }

  /** Time passes: what waited for it is told, and what nobody followed is over. */
  advance(now: number): StoryOutput {
    const output: StoryOutput = { findings: [], alerts: [] };
    const waiting = this.#waiting.findIndex(({ at }) => at > now);
    const told = this.#waiting.splice(0, waiting === -1 ? this.#waiting.length : waiting);
    for (const found of told) this.#apply(found, output);
    this.#pass(now, output);
    return output;
  }

  verdict(verdict: Verdict, now: number): StoryOutput {
    const output = this.advance(now);
    const judged = this.#stories.verdict(verdict, this.#clock);
    if (judged !== undefined) this.#close(judged, output);
    return output;
  }

  /** Keeps what waits in the order of its time. The oldest waits no longer when there is too much of it. */
  #wait(found: HandedFinding, output: StoryOutput): void {
    let at = this.#waiting.length;
    while (at > 0 && isBefore(found, this.#waiting[at - 1] as HandedFinding)) at--;
    this.#waiting.splice(at, 0, found);
    if (this.#waiting.length <= LIMITS.story_waiting_max) return;
    const oldest = this.#waiting.shift();
    if (oldest !== undefined) this.#apply(oldest, output);
  }

  #apply(found: HandedFinding, output: StoryOutput): void {
    if (this.#since === 0) this.#since = found.at;
    this.#pass(found.at, output);
    for (const subject of found.subjects) {
      const chain = this.#chains.take(found, subject, (to, by, at) => this.#handovers.between(to, by, at));
      if (chain === undefined || chain.visits.length < IDENTITIES_MIN) continue;
      const bits = this.#chains.bitsOf(chain);
      if (bits < CHAIN_BITS && chain.story === undefined) continue;
      const telling = tellingOfChain(chain, bits, this.#chains.historyOf(chain));
      chain.story = this.#tell(telling, chain.story, output) ?? chain.story;
    }
    // What the event hands on is of use to those after it.
    this.#handovers.take(found);
    for (const watch of this.#groups.take(found)) {
      if (watch.visits.length < IDENTITIES_MIN) continue;
      const bits = this.#groups.bitsOf(watch);
      if (bits < OUTBREAK_BITS && watch.story === undefined) continue;
      const telling = tellingOfWatch(watch, bits, this.#groups.historyOf(watch));
      watch.story = this.#tell(telling, watch.story, output) ?? watch.story;
    }
  }

  #pass(now: number, output: StoryOutput): void {
    this.#clock = Math.max(this.#clock, now);
    this.#chains.advance(this.#clock);
    for (const closed of this.#stories.advance(this.#clock)) this.#close(closed, output);
  }

  #close({ alert, released }: Closed, output: StoryOutput): void {
    output.alerts.push(alert);
    for (const { held } of released) if (held !== undefined) this.#chains.learn(held.class, held.chain);
  }

  /** Returns the story that it became part of. */
  #tell(telling: Telling, story: string | undefined, output: StoryOutput): string | undefined {
    const days = Math.floor((10 * (this.#clock - this.#since)) / UNITS.DAY_MS) / 10;
    const told = this.#stories.tell(telling, story, { now: this.#clock, days });
    if (told === undefined) return undefined;
    const { finding, uid, identity, revision } = told;
    output.findings.push({ finding, identity, alert_uid: uid });
    if (revision !== undefined) output.alerts.push(revision);
    return uid;
  }
}

function isBefore(a: HandedFinding, b: HandedFinding): boolean {
  return a.at < b.at || (a.at === b.at && a.id < b.id);
}
