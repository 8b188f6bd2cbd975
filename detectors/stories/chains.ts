import type { AlertIdentity, EvidenceRef } from '../../schemas/finding.ts';
import type { HandedFinding, HandedSubject } from '../../schemas/handed.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type Chain, chainBits, chainsLearned, learnChain, newSpread, type Spread } from './spread.ts';

/** What one identity had to do with the subject of a story. */
export type Visit = {
  readonly identity: AlertIdentity;
  readonly group: string;
  readonly at: number;
  readonly finding: string;
  readonly event: EvidenceRef;
  readonly session: string | undefined;
  readonly operation: string;
  readonly bits: number;
  readonly detector: string;
  readonly pattern: string;
  readonly sentence: string;
  readonly alert_uid: string | undefined;
  /** Who of those before handed work to it. */
  readonly handed_by: string | undefined;
};

/** Identities that took up one subject, each within LIMITS.story_gap_ms of the one before. */
export type SubjectChain = {
  readonly key: string;
  readonly subject: HandedSubject;
  /** Kind and weight of the subject: what is learned, is learned of these. */
  readonly class: string;
  readonly sensitivity: number;
  readonly outbound: boolean;
  readonly visits: Visit[];
  /** Identities that had to do with it before. */
  readonly known: readonly string[];
  across: number;
  linked: number;
  last_at: number;
  /** The story that tells of it. */
  story: string | undefined;
};

/** The same as what is learned of a chain. */
export function chainOf({ visits, across, linked }: SubjectChain): Chain {
  return { joins: visits.length - 1, across, linked };
}

/** Who handed work to the identity lately, as a chain may follow it. */
export type Handovers = (to: AlertIdentity, by: string, at: number) => boolean;

type Encoded = {
  readonly open: readonly SubjectChain[];
  readonly past: readonly (readonly [key: string, identities: readonly string[]])[];
  readonly spreads: readonly (readonly [name: string, spread: Spread])[];
};

/**
 * The subjects that findings are about, and the identities that took them up one after the other. Bounded: the longest
 * quiet one makes room, and one identity alone may begin only so many, so that whoever invents subjects drives out few.
 */
export class Chains {
  /** By key, the longest quiet one first. */
  readonly #open = new Map<string, SubjectChain>();
  /** Who had to do with a subject whose chain is over; the longest past first. */
  readonly #past = new Map<string, readonly string[]>();
  readonly #spreads = new Map<string, Spread>();
  /** Chains that nobody has followed yet, by who began them. */
  readonly #alone = new Map<string, number>();

  constructor(state?: unknown) {
    if (state === undefined) return;
    const { open, past, spreads } = state as Encoded;
    for (const chain of open) {
      this.#open.set(chain.key, { ...chain, visits: [...chain.visits] });
      if (chain.visits.length === 1) this.#countAlone(chain, 1);
    }
    for (const [key, identities] of past) this.#past.set(key, identities);
    for (const [name, spread] of spreads) this.#spreads.set(name, spread);
  }

  encode(): unknown {
    return { open: [...this.#open.values()], past: [...this.#past], spreads: [...this.#spreads] } satisfies Encoded;
  }

  get size(): { readonly open: number; readonly past: number } {
    return { open: this.#open.size, past: this.#past.size };
  }

  #spreadOf(name: string): Spread {
    let spread = this.#spreads.get(name);
    if (spread === undefined) {
      if (this.#spreads.size >= LIMITS.story_classes_max) return OTHERS;
      spread = newSpread();
      this.#spreads.set(name, spread);
    }
    return spread;
  }

  /** Takes in that an identity had to do with a subject. Returns the chain when it has become longer by that. */
  take(found: HandedFinding, subject: HandedSubject, handovers: Handovers): SubjectChain | undefined {
    const key = `${subject.kind}\u0000${subject.value}`;
    const chain = this.#open.get(key);
    if (chain === undefined) return this.#begin(key, found, subject);
    if (found.at > chain.last_at + LIMITS.story_gap_ms) {
      this.#end(chain);
      return this.#begin(key, found, subject);
    }
    const { id } = found.identity;
    const late = found.at < chain.last_at - LIMITS.story_gap_ms;
    const full = chain.visits.length >= LIMITS.story_identities_max;
    if (late || full || chain.known.includes(id) || chain.visits.some(({ identity }) => identity.id === id)) return;
    const by = chain.visits.find((visit) => handovers(found.identity, visit.identity.id, found.at))?.identity.id;
    if (chain.visits.length === 1) this.#countAlone(chain, -1);
    if (!chain.visits.some(({ group }) => group === found.group)) chain.across++;
    if (by !== undefined) chain.linked++;
    chain.visits.push(visitOf(found, by));
    chain.last_at = Math.max(chain.last_at, found.at);
    this.#open.delete(key);
    this.#open.set(key, chain);
    return chain;
  }

  /** Time has passed: chains that nobody followed in time are over. */
  advance(now: number): void {
    for (const chain of this.#open.values()) {
      if (chain.last_at + LIMITS.story_gap_ms >= now) return;
      this.#end(chain);
    }
  }

  /** A chain of this class is over: its class learns of it, and its kind. */
  learn(name: string, chain: Chain): void {
    learnChain(this.#spreadOf(name), chain);
    learnChain(this.#spreadOf(kindOf(name)), chain);
  }

  /** Surprise in bits. */
  bitsOf(chain: SubjectChain): number {
    return chainBits(this.#spreadOf(chain.class), this.#spreadOf(kindOf(chain.class)), chainOf(chain));
  }

  /** Chains of its kind that were learned. */
  historyOf(chain: SubjectChain): number {
    return chainsLearned(this.#spreadOf(kindOf(chain.class)));
  }

  #begin(key: string, found: HandedFinding, subject: HandedSubject): undefined {
    const { id } = found.identity;
    const known = this.#past.get(key) ?? [];
    if (known.includes(id) || (this.#alone.get(id) ?? 0) >= LIMITS.story_chains_per_identity_max) return;
    const outbound = OUTBOUND.has(found.operation);
    const weight = found.sensitivity >= RESTRICTED ? 'restricted' : outbound ? 'outbound' : 'plain';
    const chain: SubjectChain = {
      key,
      subject,
      class: `${subject.kind}/${weight}/${known.length === 0 ? 'new' : 'again'}`,
      sensitivity: found.sensitivity,
      outbound,
      visits: [visitOf(found, undefined)],
      known,
      across: 0,
      linked: 0,
      last_at: found.at,
      story: undefined,
    };
    this.#past.delete(key);
    this.#open.set(key, chain);
    this.#countAlone(chain, 1);
    if (this.#open.size <= LIMITS.story_chains_max) return;
    const [oldest] = this.#open.values();
    if (oldest !== undefined) this.#end(oldest);
  }

  #end(chain: SubjectChain): void {
    this.#open.delete(chain.key);
    if (chain.visits.length === 1) this.#countAlone(chain, -1);
    // What a story tells of waits for what people say of it.
    if (chain.story === undefined) this.learn(chain.class, chainOf(chain));
    const identities = [...chain.visits.map(({ identity }) => identity.id), ...chain.known];
    this.#past.set(chain.key, identities.slice(0, LIMITS.story_identities_max));
    if (this.#past.size <= LIMITS.story_past_max) return;
    const [oldest] = this.#past.keys();
    if (oldest !== undefined) this.#past.delete(oldest);
  }

  #countAlone({ visits }: SubjectChain, by: number): void {
    const id = (visits[0] as Visit).identity.id;
    const count = (this.#alone.get(id) ?? 0) + by;
    if (count > 0) this.#alone.set(id, count);
    else this.#alone.delete(id);
  }
}

const kindOf = (name: string): string => name.slice(0, name.indexOf('/'));

/** Kinds beyond the limit are judged by the prior and teach nobody. */
const OTHERS = newSpread();
const RESTRICTED = 3;
/** Operations by which something leaves, or is set going elsewhere. */
const OUTBOUND: ReadonlySet<string> = new Set(['export', 'delegate', 'execute']);

export function visitOf(found: HandedFinding, handed_by: string | undefined): Visit {
  const { identity, group, at, id, event, session, operation, bits, detector, pattern, sentence, alert_uid } = found;
  const cut = sentence.slice(0, LIMITS.story_sentence_chars_max);
  return {
    identity,
    group,
    at,
    finding: id,
    event,
    session,
    operation,
    bits,
    detector,
    pattern,
    sentence: cut,
    alert_uid,
    handed_by,
  };
}
