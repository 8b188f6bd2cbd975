import type { FormatName } from '../../../schemas/format.ts';
import type { HeldEvent } from '../../../schemas/span.ts';
import type { Decided } from '../core.ts';
import type { Alias } from './alias.ts';
import type { SettleRule } from './rule.ts';
import { type Eviction, Settler } from './settler.ts';

/** What a held event of a recording weighs: nobody has measured it, since it was never written. */
const HELD_BYTES = 1_024;

export type InlineSink = {
  /** What an item became in the end: never held, and with nothing left to tell. */
  decided(decided: Decided, at_ms: number): void;
  alias(alias: Alias, at_ms: number): void;
  evicted?(what: Eviction): void;
};

export type InlineSettler = {
  /** `at_ms` is the recorded clock, which never goes back. */
  add(decided: Decided, at_ms: number): void;
  /** The recording is over: what still waits is released. */
  end(): void;
};

/**
 * Settles a recorded stream while it is read, in one pass and without a log. Whatever becomes of an event happens at the
 * clock of what brought it about.
 */
export function createInlineSettler(rule: SettleRule, sink: InlineSink): InlineSettler {
  const formats = new WeakMap<HeldEvent, FormatName>();
  let clock = 0;
  const settler = new Settler(rule, {
    event: ({ event, json, held, way }) =>
      sink.decided({ kind: 'accepted', event, json, way, format: formats.get(held) }, clock),
    alias: (alias) => sink.alias(alias, clock),
    evicted: (what) => sink.evicted?.(what),
    reused: () => undefined,
  });
  return {
    add(decided, at_ms) {
      clock = at_ms;
      settler.pass(at_ms);
      if (decided.kind === 'held') {
        const { waiting, format } = decided;
        if (waiting.event !== undefined && format !== undefined) formats.set(waiting.event, format);
        settler.put(waiting, at_ms, HELD_BYTES);
        return;
      }
      const tells = decided.kind === 'dead_letter' ? undefined : decided.tells;
      sink.decided(withoutTelling(decided), at_ms);
      if (tells !== undefined) settler.put(tells, at_ms, 0);
    },
    end: () => settler.end(),
  };
}

function withoutTelling(decided: Exclude<Decided, { readonly kind: 'held' }>): Decided {
  if (decided.kind === 'dead_letter' || decided.tells === undefined) return decided;
  const { tells: _, ...rest } = decided;
  return rest;
}
