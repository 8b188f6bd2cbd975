import type { Prior } from '../../detectors/contract.ts';
import type { Effects } from './effects.ts';
import type { IdentityState } from './identity.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Residents } from './residents.ts';
import type { SilenceWatch } from './silence.ts';

/** Identities for which time passes in one step of a tick: about 5 ms. */
const TICK_STEP = 512;

export type Tick = {
  readonly offset: number;
  readonly log_ms: number;
  readonly recorded: boolean;
  readonly prior: Prior;
};

/** Time passes for every identity of which something falls due, and with it silence is judged. */
export function* passTick(
  { offset, log_ms, recorded, prior }: Tick,
  on: {
    readonly residents: Residents;
    readonly lifecycle: Lifecycle;
    readonly silence: SilenceWatch;
    readonly effects: Effects;
  },
): Generator<undefined, void> {
  const { residents, lifecycle, silence, effects } = on;
  // An identity that is ahead of this tick has met it already; its deadline waits for a tick that it has not met.
  const ahead: IdentityState[] = [];
  let met = 0;
  for (const state of residents.due(log_ms, recorded)) {
    if (++met % TICK_STEP === 0) yield;
    if (offset <= state.applied) {
      ahead.push(state);
      continue;
    }
    lifecycle.advance(state, offset, log_ms, recorded);
    if (state.effects !== undefined) effects.pass(state, offset);
    silence.tick(state, offset, prior);
    residents.rearm(state);
  }
  for (const state of ahead) residents.rearm(state);
}
