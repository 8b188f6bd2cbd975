import type { Context } from '../context.ts';
import type { Lesson } from '../detector.ts';
import { ACCESS } from '../features.ts';
import { KIND, keyOf } from '../group.ts';
import { ACCESS_ENTRIES, AT } from '../layout.ts';
import { countOf, increment, tailMass } from '../math/count-table.ts';
import { mix } from '../math/hash.ts';
import { surpriseFrom } from '../math/logarithm.ts';
import { TRACE } from '../trace.ts';

/**
 * How unusual a value of one kind of access (address prefix, network, workload, credential, kind of credential) is.
 *
 * Statistics: what counts is the session, as the calls of one session share their access. A value the identity never
 * had has the probability that its next session brings a new one, a beta-binomial rate that leans on the rate of its
 * peers. An identity whose address changes every day, behind a NAT pool or on a serverless platform, has a high rate,
 * and new addresses say little about it. That probability is never below what the sessions can bear (Laplace's rule of
 * succession), in its beginning its own ones alone, so a new identity's first addresses say nothing. It is multiplied by the share of new values of the
 * group that were as strange as this one: unknown to everybody or, for a credential, somebody else's. A value the
 * identity had is judged by the tail mass of values at least as rare (Good 1953).
 *
 * State: a count table of 48 entries for all kinds together (61 words), two words a kind for its rate, and 12 words of
 * the session. The group: one count a value and four a kind.
 *
 * Wrong when an attacker shares the victim's address block, network and credential, or acts through its machine; when
 * an identity's values change at every session, as its own new ones then say nothing (a thief who changes his address all the
 * time is told at the first ones, and less loudly then); and it learns a new value only
 * when the session ends, so a morning of many parallel sessions after a move is new in all of them.
 */

/** First sessions of an identity: what is new in them is what any identity begins with. */
const BEGINNING = 16;
/** Sessions after which the oldest fade: both counts are halved. */
const MEMORY = 512;
/** Sessions that the peers' rate weighs. */
const LEAN = 8;
const COUNT = { sessions: 0x5e55, news: 0x0e35, fresh: 0xf4e5, strange: 0x57a6 } as const;
/** From this share of sessions that bring a new value, values are no habit, and the group is not told of them. */
const RESTLESS = 0.5;

const countKey = (what: number, kind: number): number => keyOf(KIND.name, mix(what, kind + 1));
const groupKey = (key: number): number => keyOf(KIND.name, key);

export function seenSessions(c: Pick<Context, 'u32' | 'at'>, kind: number): number {
  return (c.u32[c.at + AT.access_news + kind] as number) & 0xffff;
}

export function ownAccesses(c: Context, kind: number): number {
  return countOf(c.u32, c.at + AT.access, ACCESS_ENTRIES, c.f.access[kind] as number);
}

/** Whether anybody else of the tenant is known to have the value that is at hand. */
export function knownToOthers(c: Context, kind: number): boolean {
  if (c.peers === undefined) return false;
  const key = groupKey(c.f.access[kind] as number);
  return c.peers.count(key) > 0;
}

/**
 * Probability that a session of this identity brings a value of this kind that it never had: its own rate, beginning
 * from that of its peers, or from a half where it has none.
 */
export function newProbability(c: Context, kind: number): number {
  const word = c.u32[c.at + AT.access_news + kind] as number;
  const seen = word & 0xffff;
  // The value at hand may have been counted itself, if its session or one before it brought it.
  const itself = c.u32[c.at + AT.access_fresh + kind] === c.f.access[kind] ? 1 : 0;
  const own = Math.max(0, (word >>> 16) - itself);
  const judged = Math.max(0, seen - BEGINNING);
  const sessions = c.peers?.count(countKey(COUNT.sessions, kind)) ?? 0;
  const news = c.peers?.count(countKey(COUNT.news, kind)) ?? 0;
  const believed = sessions === 0 ? 0.5 : (LEAN * (Math.min(news, sessions) + 0.5)) / (sessions + 1);
  const expected = (own + believed) / (judged + (sessions === 0 ? 1 : LEAN));
  return Math.min(1, Math.max(expected, 1 / (seen + 1 + (judged === 0 ? 0 : sessions))));
}

/** Of the values that were new to members, the share that were as strange to the others as this one. */
function strangeShare(c: Context, kind: number, known: boolean): number {
  const foreign = kind === ACCESS.credential;
  if (c.peers === undefined || known !== foreign) return 1;
  const fresh = c.peers.count(countKey(COUNT.fresh, kind));
  const strange = Math.min(fresh, c.peers.count(countKey(COUNT.strange, kind)));
  return (strange + 0.5) / (fresh + 1);
}

/** Surprise of the value of this kind that the event at hand names, in bits; 0 where it names none. */
export function accessBits(c: Context, kind: number, kinds: number): number {
  if (c.f.access[kind] === 0) return 0;
  const own = ownAccesses(c, kind);
  const seen = seenSessions(c, kind);
  // What a fourth of all sessions had is a habit: most events end here.
  if (own * 4 > seen) return 0;
  const probability = newProbability(c, kind);
  if (own === 0) return surpriseFrom(SESSIONS_ALL, probability * strangeShare(c, kind, knownToOthers(c, kind)));
  // Kinds share the table: each one's tail mass is at most so many times that of all together.
  const tail = kinds * tailMass(c.u32, c.at + AT.access, own);
  return surpriseFrom(seen, Math.max(probability, tail));
}
/** More sessions than any group counts: what bounds a new value's surprise is in its probability already. */
const SESSIONS_ALL = 2 ** 32;

/**
 * The session brings a value of its kind (`key` carries it) for the first time. That it is new counts at once, once for each value,
 * whether or not the session will be learned: sessions with new values are those that alerts hold, and a rate that only the
 * others teach would call every journey the first one.
 */
export function noteAccessValue({ u32, at }: Pick<Context, 'u32' | 'at'>, key: number): void {
  const kind = key & 7;
  if (u32[at + AT.access_fresh + kind] === key || countOf(u32, at + AT.access, ACCESS_ENTRIES, key) > 0) return;
  u32[at + AT.access_fresh + kind] = key;
  const word = u32[at + AT.access_news + kind] as number;
  const seen = word & 0xffff;
  if (seen >= BEGINNING && word >>> 16 < seen) u32[at + AT.access_news + kind] = (word + 0x10000) >>> 0;
}

/** An ended session teaches its values of the kinds from `first` to `last`, each once. */
export function learnAccess({ state, group, trace, trust }: Lesson, first: number, last: number): void {
  const { u32, at } = state;
  const table = at + AT.access;
  const accesses = trace.get(TRACE.accesses);
  let met = 0;
  let renewed = 0;
  for (let i = 0; i < accesses; i++) {
    const key = trace.get(TRACE.access + i);
    const kind = key & 7;
    if (kind < first || kind > last) continue;
    met |= 1 << kind;
    const word = u32[at + AT.access_news + kind] as number;
    const isNew = countOf(u32, table, ACCESS_ENTRIES, key) === 0;
    if (isNew) {
      renewed |= 1 << kind;
      const known = group.count(groupKey(key)) > 0;
      group.add(countKey(COUNT.fresh, kind), trust);
      if (known === (kind === ACCESS.credential)) group.add(countKey(COUNT.strange, kind), trust);
    }
    increment(u32, table, ACCESS_ENTRIES, key);
    if (u32[at + AT.access_fresh + kind] === key) u32[at + AT.access_fresh + kind] = 0;
    if (word >>> 16 <= RESTLESS * (word & 0xffff)) group.add(groupKey(key), trust);
  }
  for (let kind = first; kind <= last; kind++) {
    if ((met & (1 << kind)) === 0) continue;
    const judged = ((u32[at + AT.access_news + kind] as number) & 0xffff) >= BEGINNING;
    const isNew = (renewed & (1 << kind)) !== 0;
    if (judged) {
      group.add(countKey(COUNT.sessions, kind), trust);
      if (isNew) group.add(countKey(COUNT.news, kind), trust);
    }
    countSession(u32, at + AT.access_news + kind);
  }
}

function countSession(u32: Uint32Array, at: number): void {
  const word = u32[at] as number;
  let news = word >>> 16;
  let seen = (word & 0xffff) + 1;
  if (seen >= MEMORY) {
    news >>>= 1;
    seen >>>= 1;
  }
  u32[at] = ((news << 16) | seen) >>> 0;
}

/** Times in the learned sessions, for sentences: "in 340 learned sessions". */
export function ofSessions(seen: number): string {
  return seen === 0 ? 'before' : `in its last ${seen} sessions`;
}
