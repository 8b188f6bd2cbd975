import type { AlertIdentity } from '../../schemas/finding.ts';
import type { HandedFinding } from '../../schemas/handed.ts';
import { LIMITS } from '../../schemas/limits.ts';

type Handover = { readonly by: string; readonly at: number };

/** Who handed work to whom lately, as far as it was surprising: by the name or id under which the other was called. */
export class HandoverMemory {
  /** By who was handed something, the longest past first. */
  readonly #to = new Map<string, readonly Handover[]>();

  constructor(state?: unknown) {
    for (const [to, handovers] of (state as readonly (readonly [string, readonly Handover[]])[] | undefined) ?? []) {
      this.#to.set(to, handovers);
    }
  }

  encode(): unknown {
    return [...this.#to];
  }

  get size(): number {
    return this.#to.size;
  }

  take({ identity: { id: by }, hands_to = [], at }: HandedFinding): void {
    for (const to of hands_to) {
      const before = (this.#to.get(to) ?? []).filter((one) => one.by !== by);
      this.#to.delete(to);
      this.#to.set(to, [...before, { by, at }].slice(-LIMITS.story_delegators_max));
      if (this.#to.size <= LIMITS.story_delegations_max) continue;
      const [oldest] = this.#to.keys();
      if (oldest !== undefined) this.#to.delete(oldest);
    }
  }

  /** Whether the one handed work to the other, not long before. */
  between({ id, name }: AlertIdentity, by: string, at: number): boolean {
    const called = [...(this.#to.get(id) ?? []), ...(name === undefined ? [] : (this.#to.get(name) ?? []))];
    return called.some((one) => one.by === by && one.at <= at && one.at >= at - LIMITS.story_gap_ms);
  }
}
