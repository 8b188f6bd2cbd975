import type { FindingDraft, Model, Score, ScoreInput } from '../../detectors/contract.ts';
import { toldApart } from './apart.ts';
import type { IdentityState } from './identity.ts';
import { type Policy, ruleFor, type Thresholds } from './policy.ts';

export type Sifted = {
  readonly drafts: readonly FindingDraft[];
  readonly muted: readonly { readonly draft: FindingDraft; readonly by: string }[];
  /** Surprise of what is not muted. */
  readonly bits: number;
  /** Somebody asked to see one of the drafts again, whatever the budget says. */
  readonly watched: boolean;
  /** What is judged by the day, and told whatever the score of the event is. */
  readonly apart: ReturnType<typeof toldApart>;
};

/**
 * The findings behind a score, without those that a directive mutes. What is muted counts as if it had not been said:
 * the rest is weighed and explained anew, so that no suppression hides anything but what it names.
 */
export function siftFindings(
  model: Model,
  on: {
    readonly state: IdentityState;
    readonly input: ScoreInput;
    readonly score: Score;
    readonly policy: Policy | undefined;
    readonly thresholds: Thresholds;
  },
): Sifted {
  const { state, input, policy, thresholds } = on;
  const explain = ({ bits, parts }: Score): readonly FindingDraft[] =>
    // Several weak signals can make a strong whole: then the strongest of them speaks for it.
    model.explain(input, { bits, parts }, Math.min(thresholds.finding_bits, Math.max(...parts)));
  const muted: { draft: FindingDraft; by: string }[] = [];
  let rest = on.score;
  let drafts = explain(rest);
  let apart = toldApart(model, rest, input, thresholds);
  if (policy === undefined) return { drafts, muted, bits: rest.bits, watched: false, apart };
  for (let round = 0; round < model.detectors.length; round++) {
    const silenced = drafts.flatMap((draft) => {
      const rule = ruleFor(policy, state, draft, input.event.identity.version);
      return rule?.says === 'mute' ? [{ draft, by: rule.uid }] : [];
    });
    if (silenced.length === 0) break;
    muted.push(...silenced);
    const names = new Set(silenced.map(({ draft }) => draft.detector));
    const parts = rest.parts.map((part, i) => (names.has(model.detectors[i]?.name ?? '') ? 0 : part));
    rest = { bits: model.weigh(input, parts), parts };
    apart = toldApart(model, rest, input, thresholds);
    drafts = rest.bits >= thresholds.finding_bits || apart !== undefined ? explain(rest) : [];
  }
  const watched = drafts.some((draft) => ruleFor(policy, state, draft, input.event.identity.version)?.says === 'watch');
  return { drafts, muted, bits: rest.bits, watched, apart };
}
