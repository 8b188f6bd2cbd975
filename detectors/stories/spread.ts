import { log2, surprise } from '../math/logarithm.ts';

/**
 * How surprising it is that something new to one identity turns up at further ones soon after.
 *
 * Each identity that takes something up starts a trial: does another follow within LIMITS.story_gap_ms? What comes of
 * it is counted per class of subject and per place in the chain, as in a life table (Kaplan & Meier 1958), because one
 * that has spread to three members of a team will go on to the fourth. With a Beta prior on every chance of going on,
 * which takes in a little of what all subjects of the same kind have taught,
 * the probability that a chain goes on at least m times is the product of the predictive chances
 *
 *     P(M >= m) = prod_{j=1..m} (a_j + joined_j) / (a_j + b_j + joined_j + ended_j)
 *
 * Of m that follow, x are of a group that the chain had not reached, and l were handed work by one before them. Both are
 * Beta-binomial with learned counts: P(X >= x | m), P(L >= l | m). Counts beyond `TRUST` keep their ratio only, since
 * what one chain does, it does again: chances differ from chain to chain, and the Beta keeps that width.
 *
 * The product c of three such probabilities is no probability itself: that of a product so small is c (1 + L + L^2 / 2)
 * with L = -ln c (Fisher 1932). It is exact for continuous ones and too large for these, so errs to the quiet side.
 */
export type Spread = {
  /** Per place in the chain, from the first that follows: how often one followed, and how often none did. */
  readonly joined: number[];
  readonly ended: number[];
  /** Of those that followed: of a new group, of a known one; handed work by one before, or not. */
  across: number;
  within: number;
  linked: number;
  unlinked: number;
};

/** One chain so far. */
export type Chain = { readonly joins: number; readonly across: number; readonly linked: number };

/** Places that are counted apart; what comes later counts with the last. */
const PLACES = 6;
/** Prior chances of going on: seldom to a second, often from a third on. */
const PRIOR_JOINED = [0.1, 0.8, 1.2, 1.4, 1.5, 1.6] as const;
const PRIOR_ENDED = [1.9, 1.2, 0.8, 0.6, 0.5, 0.4] as const;
const PRIOR_ACROSS = 0.5;
const PRIOR_WITHIN = 1.5;
const PRIOR_LINKED = 0.1;
const PRIOR_UNLINKED = 3.9;
/** Weight that what was learned of groups and links has at most, and what all subjects of a kind say of a rarer sort. */
const TRUST = 24;
/** Trials of a place after which all of its counts are halved, so that what a fleet does now weighs more. */
const TRIALS_MAX = 8_192;

export function newSpread(): Spread {
  return { joined: zeros(), ended: zeros(), across: 0, within: 0, linked: 0, unlinked: 0 };
}

const zeros = (): number[] => new Array<number>(PLACES).fill(0);

/** A chain is over: what it did is learned. */
export function learnChain(spread: Spread, { joins, across, linked }: Chain): void {
  for (let j = 0; j < joins; j++) count(spread, spread.joined, j);
  count(spread, spread.ended, joins);
  spread.across += across;
  spread.within += joins - across;
  spread.linked += linked;
  spread.unlinked += joins - linked;
}

function count(spread: Spread, counts: number[], place: number): void {
  const at = Math.min(place, PLACES - 1);
  counts[at] = (counts[at] as number) + 1;
  if ((spread.joined[at] as number) + (spread.ended[at] as number) < TRIALS_MAX) return;
  spread.joined[at] = (spread.joined[at] as number) / 2;
  spread.ended[at] = (spread.ended[at] as number) / 2;
}

/** Chains that were learned lately. */
export function chainsLearned({ joined, ended }: Spread): number {
  return (joined[0] as number) + (ended[0] as number);
}

/**
 * Probability of a chain at least so long. `kind` is what all subjects of the kind have taught: as much of it as `TRUST`
 * trials stands in where those of this sort are few.
 */
export function lengthTail(spread: Spread, kind: Spread, joins: number): number {
  let p = 1;
  for (let j = 0; j < joins; j++) {
    const at = Math.min(j, PLACES - 1);
    const [like_joined, like_ended] = trusted(
      PRIOR_JOINED[at] as number,
      PRIOR_ENDED[at] as number,
      kind.joined[at] as number,
      kind.ended[at] as number,
    );
    const joined = like_joined + (spread.joined[at] as number);
    p *= joined / (joined + like_ended + (spread.ended[at] as number));
  }
  return p;
}

/** Probability that at least `hits` of `n` are such, where `yes` and `no` were learned: the tail of the Beta-binomial. */
export function shareTail(n: number, hits: number, yes: number, no: number): number {
  if (hits <= 0) return 1;
  const all = yes + no;
  let tail = 0;
  for (let k = hits; k <= n; k++) {
    let p = 1;
    // C(n, k) B(k + yes, n - k + no) / B(yes, no), factor by factor.
    for (let i = 0; i < k; i++) p *= ((yes + i) / (all + i)) * ((n - i) / (i + 1));
    for (let i = 0; i < n - k; i++) p *= (no + i) / (all + k + i);
    tail += p;
  }
  return Math.min(1, tail);
}

/** Surprise of a chain in bits, at least 0. */
export function chainBits(spread: Spread, kind: Spread, { joins, across, linked }: Chain): number {
  if (joins === 0) return 0;
  const groups = trusted(PRIOR_ACROSS, PRIOR_WITHIN, kind.across, kind.within);
  const links = trusted(PRIOR_LINKED, PRIOR_UNLINKED, kind.linked, kind.unlinked);
  const product =
    lengthTail(spread, kind, joins) * shareTail(joins, across, ...groups) * shareTail(joins, linked, ...links);
  return ofProduct(surprise(product));
}

/** A Beta with what was learned, which weighs so much at most. */
function trusted(yes: number, no: number, learned_yes: number, learned_no: number): [number, number] {
  const learned = learned_yes + learned_no;
  const weight = learned > TRUST ? TRUST / learned : 1;
  return [yes + weight * learned_yes, no + weight * learned_no];
}

/** Bits of a product of three probabilities, from the sum of their bits. */
function ofProduct(bits: number): number {
  const nats = bits * Math.LN2;
  return Math.max(0, bits - log2(1 + nats + (nats * nats) / 2));
}
