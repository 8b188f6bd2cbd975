import { UNITS } from '../../schemas/limits.ts';
import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { ACCESS } from '../features.ts';
import { KIND, keyOf } from '../group.ts';
import { AT, MEASURES, PLACES_WORDS } from '../layout.ts';
import { goOnProbability, learnChain } from '../math/chain.ts';
import { mix } from '../math/hash.ts';
import { log2, surprise } from '../math/logarithm.ts';
import { count, name, plural, quoted } from '../sentences.ts';
import { TRACE } from '../trace.ts';
import { MEASURE, SPAN } from '../windows.ts';

/**
 * One credential in two places at once: it acts from one, then from another, and within minutes from the first again.
 *
 * Statistics: a place is a network with an address prefix (IPv4 /16, IPv6 /32). A move is no surprise here; a return within
 * ten minutes shows both ends alive. The probability that a session has a return is a beta-binomial rate, leaning on
 * the peers' rate; that returns go on, twice as many and again twice, is a chain as for runs (math/chain.ts). Identities
 * with several egress addresses, or with office and VPN side by side, return all the time and learn that they do. The
 * idea is that of the "impossible travel" rule of identity providers, without their map: only what alternates counts.
 *
 * State: 7 words for the credential used last and its last two places, 4 for the chain, one of the session.
 *
 * Wrong when a credential is handed over once and not used at its owner's meanwhile (access_origin sees that); blind when
 * an identity alternates between two credentials, or its traffic between three places in turn; and
 * when events name neither network nor address.
 */
const RETURN_S = 600;
/** Seconds without a return after which an episode is over. */
const EPISODE_S = 3600;
/** Sessions that the peers' rate weighs. */
const LEAN = 8;
/** Sessions after which the oldest fade. */
const MEMORY = 512;

const FIELD = { credential: 0, place: 1, last_s: 2, other: 3, other_s: 4, returns: 5, returned_s: 6 } as const;
const SESSIONS = keyOf(KIND.name, mix(0x91ace, 1));
const RETURNING = keyOf(KIND.name, mix(0x91ace, 2));

/** Number of this return in its episode, 0 where the event at hand is none. */
function returnOf(c: Context): number {
  const { u32, f } = c;
  if (!isInWindow(c)) return 0;
  const at = c.at + AT.places;
  if (f.place === 0 || f.place === u32[at + FIELD.place] || f.place !== u32[at + FIELD.other]) return 0;
  if (f.access[ACCESS.credential] !== u32[at + FIELD.credential]) return 0;
  const now = secondsOf(c);
  if (now - (u32[at + FIELD.other_s] as number) > RETURN_S) return 0;
  return 1 + (now - (u32[at + FIELD.returned_s] as number) > EPISODE_S ? 0 : (u32[at + FIELD.returns] as number));
}

function isInWindow(c: Context): boolean {
  return (c.windows.totals[SPAN.minute * MEASURES + MEASURE.calls] as number) >= 0;
}

/** Time of the event in whole seconds, never before the last one's: what comes late is counted where it is seen. */
function secondsOf(c: Context): number {
  const seconds = Math.max(0, Math.floor((c.f.event?.time ?? 0) / UNITS.SECOND_MS));
  return Math.max(seconds, c.u32[c.at + AT.places + FIELD.last_s] as number);
}

function startProbability(c: Context): number {
  const at = c.at + AT.place_runs;
  const peers = c.peers?.count(SESSIONS) ?? 0;
  const rate = peers === 0 ? 1 : Math.min(1, ((c.peers?.count(RETURNING) ?? 0) + 0.5) / (peers + 1));
  const sessions = c.u32[at + 1] as number;
  const expected = ((c.u32[at] as number) + LEAN * rate + 0.5) / (sessions + LEAN + 1);
  return Math.max(Math.min(1, expected), 1 / (sessions + peers + 1));
}

/** Doublings of the number of returns, each as likely as it has been. */
function doublings(returns: number): number {
  return returns === 0 ? 0 : Math.floor(log2(returns));
}

function returnProbability(c: Context, returns: number): number {
  let probability = startProbability(c);
  const again = goOnProbability(c.u32, c.at + AT.place_runs);
  for (let i = doublings(returns); i > 0; i--) probability *= again;
  return probability;
}

/** The places take the event in. */
export function observePlace(c: Context): void {
  const { u32, f, trace } = c;
  if (f.place === 0 || !isInWindow(c)) return;
  const at = c.at + AT.places;
  const now = secondsOf(c);
  const returns = returnOf(c);
  if (returns > 0) {
    trace.u32[TRACE.returns] = trace.get(TRACE.returns) + 1;
    u32[at + FIELD.returns] = returns;
    u32[at + FIELD.returned_s] = now;
  }
  if (u32[at + FIELD.credential] !== f.access[ACCESS.credential]) {
    u32.fill(0, at, at + PLACES_WORDS);
    u32[at + FIELD.credential] = f.access[ACCESS.credential] as number;
  } else if (u32[at + FIELD.place] !== f.place) {
    u32[at + FIELD.other] = u32[at + FIELD.place] as number;
    u32[at + FIELD.other_s] = u32[at + FIELD.last_s] as number;
  }
  u32[at + FIELD.place] = f.place;
  u32[at + FIELD.last_s] = now;
}

export const twoPlaces: Detector = {
  name: 'two_places',
  family: 'access_context',
  weighed: 'place',
  voice: 1,
  score(c) {
    const returns = returnOf(c);
    return returns === 0 ? 0 : surprise(returnProbability(c, returns));
  },
  learnSession({ state, group, trace, trust }) {
    if (trace.get(TRACE.accesses) === 0) return;
    const returns = trace.get(TRACE.returns);
    const at = state.at + AT.place_runs;
    group.add(SESSIONS, trust);
    if (returns > 0) group.add(RETURNING, trust);
    learnChain(state.u32, at, false, returns > 0, MEMORY);
    if (returns === 0) return;
    for (let i = doublings(returns); i > 0; i--) learnChain(state.u32, at, true, true, MEMORY);
    learnChain(state.u32, at, true, false, MEMORY);
  },
  explain(c) {
    const returns = returnOf(c);
    const { source, credential } = c.f.event ?? {};
    const sessions = c.u32[c.at + AT.place_runs + 1] as number;
    const from = name(source?.ip ?? source?.network ?? '');
    const minutes = (secondsOf(c) - (c.u32[c.at + AT.places + FIELD.other_s] as number)) / 60;
    const what = credential === undefined ? 'The identity' : `The credential ${quoted(credential.id)}`;
    const before = c.u32[c.at + AT.place_runs] as number;
    return {
      pattern: 'two_places',
      subject:
        credential === undefined ? { kind: 'address', value: from } : { kind: 'credential', value: credential.id },
      observed: { name: 'returns between two places', value: returns },
      expected: { name: 'probability of so many', value: returnProbability(c, returns), unit: 'probability' },
      basis: sessions > 0 ? 'identity' : c.basis,
      sentence: `${what} was used from ${from}, then from elsewhere, and from ${from} again, all within ${plural(Math.max(1, Math.ceil(minutes)), 'minute', 'minutes')} (${plural(returns, 'return', 'returns')} so far); ${before === 0 ? 'none' : count(before)} of ${plural(sessions, 'learned session', 'learned sessions')} had that.`,
    };
  },
};
