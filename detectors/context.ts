import type { CanonicalEvent } from '../schemas/event.ts';
import { UNITS } from '../schemas/limits.ts';
import { peerGroupOf, type ScoreInput } from './contract.ts';
import { Features } from './features.ts';
import type { OpenPrior, PriorGroup } from './prior.ts';
import { sizeSlotOf } from './sizes.ts';
import type { Trace } from './trace.ts';
import { WindowView } from './windows.ts';

/**
 * What every detector reads about the event at hand: its features, the identity's words, the session, the yardsticks.
 * One is made per model and refilled for each event, so that the hot path makes no garbage.
 */
export class Context {
  readonly f = new Features();
  readonly windows = new WindowView();
  u32: Uint32Array = new Uint32Array(0);
  f32: Float32Array = new Float32Array(0);
  u16: Uint16Array = new Uint16Array(0);
  /** First word of the identity's state. */
  at = 0;
  /** Log clock in seconds. */
  log_s = 0;
  trace!: Trace;
  prior!: OpenPrior;
  /** The declared peer group, or the population where the group taught too little; undefined before anybody taught. */
  peers: PriorGroup | undefined;
  /** The population where it is somebody else than `peers`. */
  beyond: PriorGroup | undefined;
  /** Where the identity's words and the peers' tables keep the sizes of the tool at hand; -1 where they do not. */
  size_slot = -1;
  size_index = -1;
  /** What each detector claims its surprise to be, before the group's experience corrects it. */
  readonly claims: number[] = [];
  /** Whether the session made this very call before. */
  repeated = false;
  basis: 'peer_group' | 'population' = 'population';

  /** Of one prior and one tenant, by what follows the tenant in a group's name. */
  readonly #yardsticks = new Map<string, Yardstick>();
  #yardsticks_prior: OpenPrior | undefined;
  #tenant = '';

  read(input: ScoreInput): void {
    this.f.read(input.event);
    this.u32 = input.state.u32;
    this.f32 = input.state.f32;
    this.u16 = input.state.u16;
    this.at = input.state.at;
    this.log_s = Math.floor(input.log_ms / UNITS.SECOND_MS);
    this.trace = input.session as Trace;
    this.prior = input.prior as OpenPrior;
    this.repeated = this.trace.hasSignature(this.f.signature);
    this.#chooseYardstick(input.event);
    this.size_slot = sizeSlotOf(input.state, this.f.tool);
    this.size_index = this.peers === undefined ? -1 : this.peers.toolIndex(this.f.tool);
    this.windows.read(input, this.f, this.trace);
  }

  /** Groups are few: neither is a group's name put together for each event, nor are three tables asked for it. */
  #chooseYardstick(event: CanonicalEvent): void {
    const { kind, peer_group } = event.identity;
    if (this.prior !== this.#yardsticks_prior || event.tenant !== this.#tenant) {
      this.#yardsticks.clear();
      this.#yardsticks_prior = this.prior;
      this.#tenant = event.tenant;
    }
    const name = peer_group ?? `kind:${kind}`;
    let chosen = this.#yardsticks.get(name);
    if (chosen === undefined) {
      if (this.#yardsticks.size >= YARDSTICKS_MAX) this.#yardsticks.clear();
      chosen = yardstickOf(this.prior, peerGroupOf(event));
      this.#yardsticks.set(name, chosen);
    }
    this.peers = chosen.peers;
    this.beyond = chosen.beyond;
    this.basis = chosen.basis;
  }
}

type Yardstick = Pick<Context, 'peers' | 'beyond' | 'basis'>;

/** Remembered at most: names of groups are an agent's to choose. */
const YARDSTICKS_MAX = 1024;

function yardstickOf(prior: OpenPrior, name: string): Yardstick {
  const group = prior.group(name);
  const population = prior.population(name);
  if (group === undefined || group.sessions < GROUP_SESSIONS_MIN) {
    return { peers: population, beyond: undefined, basis: 'population' };
  }
  return { peers: group, beyond: group === population ? undefined : population, basis: 'peer_group' };
}

/** A group that taught fewer sessions is no yardstick yet; the population stands in. */
const GROUP_SESSIONS_MIN = 30;
