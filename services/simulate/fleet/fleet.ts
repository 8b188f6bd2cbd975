import { UNITS } from '../../../schemas/limits.ts';
import { type Agent, makeAgents } from './agents.ts';
import { hashOf } from './random.ts';

/** Everything that is fixed before the first event. */
export type Fleet = {
  readonly seed: number;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly agents: readonly Agent[];
  /** Pools and their growth are multiplied by it, so that large fleets do not crowd on few resources. */
  readonly scale: number;
  /** Key of the permutation that makes ids opaque. */
  readonly id_key: number;
};

export type FleetSize = {
  readonly seed: number;
  readonly identities: number;
  readonly days: number;
  readonly start_ms: number;
};

export function makeFleet(size: FleetSize): Fleet {
  return {
    seed: size.seed,
    start_ms: size.start_ms,
    end_ms: size.start_ms + size.days * UNITS.DAY_MS,
    agents: makeAgents(size.seed, size.identities),
    scale: Math.max(1, size.identities / 40),
    id_key: hashOf(size.seed, 'ids') | 0,
  };
}
