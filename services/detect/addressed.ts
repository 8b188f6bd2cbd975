import type { EffectWatch } from '../../schemas/effect.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import { identityKey } from '../platform/partitioner.ts';
import type { Effects } from './effects.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Outbox } from './outbox.ts';
import type { Residents } from './residents.ts';

/** Records that are no event but are addressed to one identity: what people judged, and what the responder asks. */
type At = { readonly offset: number; readonly log_ms: number; readonly recorded: boolean };

export function applyVerdict(
  verdict: Verdict,
  { offset, log_ms, recorded }: At,
  on: { readonly residents: Residents; readonly lifecycle: Lifecycle; readonly outbox: Outbox },
): void {
  on.outbox.handOn({ type: 'verdict', at: log_ms, recorded, verdict });
  const state = on.residents.get(identityKey(verdict.tenant, verdict.identity));
  if (state === undefined || offset <= state.applied) return;
  on.lifecycle.advance(state, offset, log_ms, recorded);
  on.lifecycle.verdict(state, verdict, offset);
  on.residents.rearm(state);
}

/** The identity's clock stands still meanwhile: an order is no sign of life. */
export function applyWatch(
  watch: EffectWatch,
  at: At,
  on: { readonly residents: Residents; readonly effects: Effects },
): void {
  const state = on.residents.get(identityKey(watch.predicate.tenant, watch.predicate.identity));
  on.effects.begin(watch, state, at);
  if (state !== undefined) on.residents.rearm(state);
}
