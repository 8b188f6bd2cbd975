import type { FindingDraft, Model, Score, ScoreInput } from '../../detectors/contract.ts';
import type { DirectiveChange, DirectiveEntry } from '../../schemas/directive.ts';
import { beginChanges, weighed } from './directed.ts';
import { DirectiveTable } from './directives.ts';
import type { IdentityState } from './identity.ts';
import { Policies, type Policy, ruleFor, type Thresholds } from './policy.ts';
import type { Watermark } from './residents.ts';

export type Directed = {
  readonly score: Score;
  /** Undefined when no directive concerns the identity. */
  readonly policy: Policy | undefined;
  readonly thresholds: Thresholds;
};

/** What people told detection, applied to the events of one partition. Where they told nothing it costs a comparison. */
export class Directing {
  readonly #model: Model;
  readonly #table: DirectiveTable;
  readonly #policies: Policies;

  constructor(model: Model, entries: readonly DirectiveEntry[] | undefined) {
    this.#model = model;
    this.#table = new DirectiveTable(entries);
    this.#policies = new Policies(this.#table, model);
  }

  /** Time passes: what has expired counts no more. */
  pass(watermark: Readonly<Watermark>): void {
    if (this.#table.size > 0) this.#table.pass(watermark);
  }

  apply(change: DirectiveChange, recorded: boolean, watermark: Readonly<Watermark>): string {
    return this.#table.apply(change, recorded, watermark);
  }

  /** Scores the event of an identity as its directives have it. */
  score(state: IdentityState, input: ScoreInput): Directed {
    if (this.#table.size === 0 && state.directed === undefined) {
      return { score: this.#model.score(input), policy: undefined, thresholds: input.prior };
    }
    const policy = this.#policies.of(state);
    beginChanges(this.#model, policy, { state, event: input.event, log_ms: input.log_ms });
    const said = this.#model.score(input);
    if (policy === undefined) return { score: said, policy, thresholds: input.prior };
    const thresholds = this.#policies.thresholds(policy, input.prior);
    return { score: weighed(this.#model, policy, input, said), policy, thresholds };
  }

  /** The directive that keeps a finding of the identity from opening an alert, if there is one. */
  muting(state: IdentityState, draft: FindingDraft, version: string | undefined): string | undefined {
    const policy = this.#table.size === 0 ? undefined : this.#policies.of(state);
    const rule = policy === undefined ? undefined : ruleFor(policy, state, draft, version);
    return rule?.says === 'mute' ? rule.uid : undefined;
  }

  /** For the manifest. */
  saved(): { readonly directives?: readonly DirectiveEntry[] } {
    return this.#table.saved();
  }
}
