import type { Alert } from '../../schemas/alert.ts';
import type { Finding } from '../../schemas/finding.ts';
import type { HandedFinding } from '../../schemas/handed.ts';
import { UNITS } from '../../schemas/limits.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import { Chains } from './chains.ts';
import { GroupPatterns } from './groups.ts';
import { HandoverMemory } from './handovers.ts';
import { outbreakBits } from './outbreak.ts';
import { type Naming, Stories } from './stories.ts';
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
const OUTBREAK_BITS = 15;

type Encoded = {
  readonly tenant: string;
  readonly clock: number;
  readonly since: number;
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
  /** The highest log clock seen, and the first. */
  #clock: number;
  #since: number;

  constructor(tenant: string, naming: Naming, state?: unknown) {
    const saved = state as Encoded | undefined;
    this.tenant = tenant;
    this.#clock = saved?.clock ?? 0;
    this.#since = saved?.since ?? 0;
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
      chains: this.#chains.encode(),
      handovers: this.#handovers.encode(),
      groups: this.#groups.encode(),
      stories: this.#stories.encode(),
    } satisfies Encoded;
  }

  /** Log clock at which the next story is over unless it goes on; undefined when none is open. */
  get due(): number | undefined {
    return this.#stories.due;
  }

  get size(): { readonly open: number; readonly past: number; readonly watches: number; readonly stories: number } {
    return { ...this.#chains.size, ...this.#groups.size, stories: this.#stories.size };
  }

  /** `now` is the highest log clock so far, of whatever tenant. */
  take(found: HandedFinding, now: number): StoryOutput {
    if (this.#since === 0) this.#since = now;
    const output = this.advance(now);
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
      const bits = outbreakBits(watch.rate, watch.visits.length);
      if (bits < OUTBREAK_BITS && watch.story === undefined) continue;
      watch.story = this.#tell(tellingOfWatch(watch, bits), watch.story, output) ?? watch.story;
    }
    return output;
  }

  /** Time passes: what nobody followed is over. */
  advance(now: number): StoryOutput {
    this.#clock = Math.max(this.#clock, now);
    this.#chains.advance(this.#clock);
    return { findings: [], alerts: this.#stories.advance(this.#clock) };
  }

  verdict(verdict: Verdict, now: number): StoryOutput {
    const output = this.advance(now);
    const judged = this.#stories.verdict(verdict, this.#clock);
    if (judged === undefined) return output;
    output.alerts.push(judged.alert);
    for (const { held } of judged.released) if (held !== undefined) this.#chains.learn(held.class, held.chain);
    return output;
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
