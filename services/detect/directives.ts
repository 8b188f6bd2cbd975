import type { Directive, DirectiveChange, DirectiveEntry } from '../../schemas/directive.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Watermark } from './residents.ts';

/**
 * The directives in force in one partition, oldest first: folded from its records, restored from its manifest, and so at
 * every offset the same in every run. What has ended or expired is gone from it.
 *
 * An expiry is judged by the highest clock that the partition has seen, on the side (live or recorded) on which the
 * directive was given: an identity of a recording has a clock that may lie years away from that of the analyst.
 */
export class DirectiveTable {
  readonly #entries = new Map<string, DirectiveEntry>();
  /** Earliest expiry on either clock. */
  #due: { live: number; recorded: number } = { live: Number.POSITIVE_INFINITY, recorded: Number.POSITIVE_INFINITY };
  #revision = 0;

  constructor(entries: readonly DirectiveEntry[] = []) {
    for (const entry of entries) this.#entries.set(entry.uid, entry);
    this.#changed();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Grows with every change; of this process only. */
  get revision(): number {
    return this.#revision;
  }

  /** Oldest first. */
  get entries(): Iterable<DirectiveEntry> {
    return this.#entries.values();
  }

  /** For the manifest: absent where there are none. */
  saved(): { readonly directives?: readonly DirectiveEntry[] } {
    return this.#entries.size === 0 ? {} : { directives: [...this.#entries.values()] };
  }

  /** Takes a step in; says what it did. A directive that is known already is not set again, wherever it comes from. */
  apply(
    change: DirectiveChange,
    recorded: boolean,
    watermark: Readonly<Watermark>,
  ): 'set' | 'ended' | 'nothing' | 'refused' {
    if (change.op === 'end') {
      if (!this.#entries.delete(change.directive)) return 'nothing';
      this.#changed();
      return 'ended';
    }
    const { directive } = change;
    if (this.#entries.has(directive.uid) || isOver(directive.expires, recorded, watermark)) return 'nothing';
    if (this.#entries.size >= LIMITS.directives_per_partition_max) return 'refused';
    this.#entries.set(directive.uid, entryOf(directive, recorded));
    this.#changed();
    return 'set';
  }

  /** Time passes: what has expired is gone. */
  pass(watermark: Readonly<Watermark>): void {
    if (watermark.live < this.#due.live && watermark.recorded < this.#due.recorded) return;
    for (const { uid, expires, recorded } of this.#entries.values()) {
      if (isOver(expires, recorded, watermark)) this.#entries.delete(uid);
    }
    this.#changed();
  }

  #changed(): void {
    this.#revision += 1;
    const due = { live: Number.POSITIVE_INFINITY, recorded: Number.POSITIVE_INFINITY };
    for (const { expires, recorded } of this.#entries.values()) {
      const clock = recorded ? 'recorded' : 'live';
      if (expires !== undefined) due[clock] = Math.min(due[clock], expires);
    }
    this.#due = due;
  }
}

function isOver(expires: number | undefined, recorded: boolean, watermark: Readonly<Watermark>): boolean {
  return expires !== undefined && expires <= (recorded ? watermark.recorded : watermark.live);
}

function entryOf({ uid, tenant, scope, effect, expires }: Directive, recorded: boolean): DirectiveEntry {
  return { uid, tenant, scope, effect, ...(expires !== undefined && { expires }), recorded };
}
