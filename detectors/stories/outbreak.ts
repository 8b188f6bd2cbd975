import { exp2, log2, surprise } from '../math/logarithm.ts';

/**
 * How surprising it is that one kind of finding shows at so many members of one group at once.
 *
 * In every span of LIMITS.story_outbreak_ms in which the group shows anything, its members that show the pattern are
 * counted. Their number is Poisson with a rate of its own for every group and pattern, and the rate is Gamma: so the
 * tail is that of the negative binomial (Greenwood & Yule 1920) with learned shape and exposure. What was learned weighs
 * `TRUST` spans at most, which leaves the rate the width that hours and weekdays give to it.
 */
export type Rate = {
  /** Spans that were counted, and members in them. Halved together. */
  spans: number;
  members: number;
};

const PRIOR_SHAPE = 0.5;
const PRIOR_EXPOSURE = 1;
const EXPOSURE_MAX = 4_096;
const TRUST = 24;

export function newRate(): Rate {
  return { spans: 0, members: 0 };
}

export function learnSpans(rate: Rate, spans: number, members: number): void {
  rate.spans += spans;
  rate.members += members;
  while (rate.spans >= EXPOSURE_MAX) {
    rate.spans /= 2;
    rate.members /= 2;
  }
}

/** Surprise in bits of at least so many members in one span. */
export function outbreakBits(rate: Rate, members: number): number {
  const weight = rate.spans > TRUST ? TRUST / rate.spans : 1;
  const shape = PRIOR_SHAPE + weight * rate.members;
  const exposure = PRIOR_EXPOSURE + weight * rate.spans;
  const stay = exposure / (exposure + 1);
  // 1 - P(K < members), with terms C(shape + k - 1, k) stay^shape (1 - stay)^k.
  let term = exp2(shape * log2(stay));
  let below = 0;
  for (let k = 0; k < members; k++) {
    below += term;
    term *= ((shape + k) / (k + 1)) * (1 - stay);
  }
  // Far out the difference has no digits left, and the leading term of the tail is close to it.
  return surprise(Math.min(1, Math.max(1 - below, term)));
}
