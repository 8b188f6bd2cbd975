import type { CanonicalEvent } from '../schemas/event.ts';
import { UNITS } from '../schemas/limits.ts';
import { AtHand } from './at-hand.ts';
import { KIND_PREFIX, peerGroupOf, type ScoreInput } from './contract.ts';
import { Features } from './features.ts';
import { AT, WORDS } from './layout.ts';
import { companyOf, taughtEnough } from './peers/company.ts';
import type { OpenPrior, PriorGroup } from './prior.ts';
import { sizeSlotOf } from './sizes.ts';
import { RECORDS_AT, type Trace } from './trace.ts';
import { WindowView } from './windows.ts';

/**
 * What every detector reads about the event at hand: its features, the identity's words, the session, the yardsticks.
 * One is made per model and refilled for each event, so that the hot path makes no garbage.
 */
export class Context {
  readonly f = new Features();
  readonly windows = new WindowView();
  /** What is known of the tool and the resources at hand. */
  readonly known = new AtHand();
  u32: Uint32Array = new Uint32Array(0);
  f32: Float32Array = new Float32Array(0);
  u16: Uint16Array = new Uint16Array(0);
  /** First word of the identity's state. */
  at = 0;
  /** Log clock in seconds. */
  log_s = 0;
  trace!: Trace;
  prior!: OpenPrior;
  /**
   * The population: whose sequences and sessions it is compared with, as those of a larger crowd say more; undefined before
   * anybody taught.
   */
  peers: PriorGroup | undefined;
  /**
   * The nearest group that taught enough, else the population: whose tools, resources and amounts it is compared with. The
   * declared group; where none is declared, those that use like tools, or all of its kind.
   */
  near: PriorGroup | undefined;
  /** Where the identity's words and the peers' tables keep the sizes of the tool at hand; -1 where they do not. */
  size_slot = -1;
  size_index = -1;
  /** What each detector claims its surprise to be, before the group's experience corrects it. */
  readonly claims: number[] = [];
  /** Whether the session made this very call before. */
  repeated = false;
  basis: 'peer_group' | 'population' = 'population';
  near_basis: 'peer_group' | 'population' = 'population';
  /** Whether `near` was derived from what its members do. */
  derived = false;

  /** Of one prior and one tenant, by what follows the tenant in a group's name, and by label. */
  readonly #yardsticks = new Map<string, Map<number, Yardstick>>();
  #yardsticks_prior: OpenPrior | undefined;
  #tenant = '';
  /** Kept, as what nobody reads need not be fetched. */
  fetched = 0;

  read(input: ScoreInput): void {
    this.f.read(input.event);
    this.u32 = input.state.u32;
    this.f32 = input.state.f32;
    this.u16 = input.state.u16;
    this.at = input.state.at;
    this.log_s = Math.floor(input.log_ms / UNITS.SECOND_MS);
    this.trace = input.session as Trace;
    this.#fetch();
    this.prior = input.prior as OpenPrior;
    this.repeated = this.trace.hasSignature(this.f.signature);
    this.#chooseYardstick(input.event);
    this.size_slot = sizeSlotOf(input.state, this.f.tool);
    this.size_index = this.near === undefined ? -1 : this.near.toolIndex(this.f.tool);
    this.windows.read(input, this.f, this.trace);
    this.known.read(this);
  }

  /**
   * Detectors read the words of identity and session here and there, and each would wait for memory by itself. Read in order
   * beforehand, they come in one go.
   */
  #fetch(): void {
    const { u32, at } = this;
    const session = this.trace.u32;
    let word = 0;
    for (let i = 0; i < RECORDS_AT; i += WORDS_A_LINE) word ^= session[i] as number;
    for (let i = at; i < at + WORDS; i += WORDS_A_LINE) word ^= u32[i] as number;
    this.fetched = word;
  }

  /** Groups are few: neither is a group's name put together for each event, nor are three tables asked for it. */
  #chooseYardstick(event: CanonicalEvent): void {
    const { kind, peer_group } = event.identity;
    if (this.prior !== this.#yardsticks_prior || event.tenant !== this.#tenant) {
      this.#yardsticks.clear();
      this.#yardsticks_prior = this.prior;
      this.#tenant = event.tenant;
    }
    const label = peer_group === undefined ? (this.u32[this.at + AT.peer_label] as number) : 0;
    const name = peer_group ?? KIND_PREFIX + kind;
    let known = this.#yardsticks.get(name);
    if (known === undefined) {
      if (this.#yardsticks.size >= YARDSTICKS_MAX) this.#yardsticks.clear();
      known = new Map();
      this.#yardsticks.set(name, known);
    }
    let chosen = known.get(label);
    if (chosen === undefined) {
      if (known.size >= YARDSTICKS_MAX) known.clear();
      chosen = yardstickOf(this.prior, peerGroupOf(event), label);
      known.set(label, chosen);
    }
    this.peers = chosen.peers;
    this.near = chosen.near;
    this.basis = chosen.basis;
    this.near_basis = chosen.near_basis;
    this.derived = chosen.derived;
  }
}

type Yardstick = Pick<Context, 'peers' | 'near' | 'basis' | 'near_basis' | 'derived'>;

/** Of a processor's cache: 64 bytes. */
const WORDS_A_LINE = 16;

/** Remembered at most: names of groups, and the tools behind a label, are an agent's to choose. */
const YARDSTICKS_MAX = 1024;

function yardstickOf(prior: OpenPrior, name: string, label: number): Yardstick {
  const population = prior.population(name);
  const company = companyOf(prior, name, label);
  const near = taughtEnough(company.group) ? company.group : undefined;
  return {
    peers: population,
    // A group that is all there is stands for the population.
    basis: near !== undefined && near === population ? 'peer_group' : 'population',
    near: near ?? population,
    near_basis: near === undefined ? 'population' : 'peer_group',
    derived: company.origin === 'derived',
  };
}
