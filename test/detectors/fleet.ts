import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { type GroupState, type Model, type Prior, peerGroupOf, type ScoreInput } from '../../detectors/contract.ts';
import { hashText } from '../../detectors/math/hash.ts';
import { createModel } from '../../detectors/model.ts';
import { type StateRef, StateSlab } from '../../detectors/state.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';

/** Small worlds for the detector tests: events from a few words, and a harness that does what the worker does. */

export const MONDAY = Date.UTC(2026, 0, 5, 9);

export type EventSketch = {
  readonly time?: number;
  readonly identity?: string;
  readonly group?: string;
  readonly tenant?: string;
  readonly version?: string;
  readonly tool?: string;
  readonly server?: string;
  readonly tool_version?: string;
  readonly operation?: CanonicalEvent['action']['operation'];
  readonly resources?: readonly (string | CanonicalEvent['resources'][number])[];
  readonly volume?: CanonicalEvent['volume'];
  readonly outcome?: CanonicalEvent['outcome']['status'];
  readonly source?: CanonicalEvent['source'];
  readonly credential?: CanonicalEvent['credential'];
};

export function event(sketch: EventSketch = {}): CanonicalEvent {
  const { tool, server, group, version, tool_version } = sketch;
  return {
    key: '0'.repeat(32),
    id: 'e',
    origin: 'test',
    tenant: sketch.tenant ?? 'default',
    time: sketch.time ?? MONDAY,
    identity: {
      id: sketch.identity ?? 'agent',
      kind: 'agent',
      ...(group === undefined ? {} : { peer_group: group }),
      ...(version === undefined ? {} : { version }),
    },
    action: { operation: sketch.operation ?? 'read' },
    ...(tool === undefined ? {} : { tool: toolOf(tool, server, tool_version) }),
    resources: (sketch.resources ?? []).map((r) => (typeof r === 'string' ? { id: r } : r)),
    volume: sketch.volume ?? {},
    outcome: { status: sketch.outcome ?? 'ok' },
    ...(sketch.source === undefined ? {} : { source: sketch.source }),
    ...(sketch.credential === undefined ? {} : { credential: sketch.credential }),
  };
}

function toolOf(name: string, server: string | undefined, version: string | undefined): CanonicalEvent['tool'] {
  return { name, ...(server === undefined ? {} : { server }), ...(version === undefined ? {} : { version }) };
}

export type Random = { next(below: number): number };

export function seeded(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return { next: (below) => (generator.next() >>> 0) % below };
}

/** One fleet in one partition. Sessions are given whole; learning is at their end, priors are built on request. */
export class Fleet {
  readonly model: Model = createModel();
  readonly groups = new Map<string, GroupState>();
  readonly states = new Map<string, StateRef>();
  readonly #slab = new StateSlab(this.model.words);
  prior: Prior = this.model.emptyPrior();
  log_ms = 0;

  stateOf(identity: string): StateRef {
    let state = this.states.get(identity);
    if (state === undefined) {
      state = this.#slab.take();
      this.model.initial(state);
      this.states.set(identity, state);
    }
    return state;
  }

  input(one: CanonicalEvent, session = this.model.newSession()): ScoreInput {
    this.log_ms = Math.max(this.log_ms, one.time);
    const state = this.stateOf(one.identity.id);
    return { event: one, log_ms: this.log_ms, in_window: true, state, session, prior: this.prior };
  }

  /** Scores and observes the events as one session and learns it unless told otherwise. Returns the scores. */
  session(events: readonly CanonicalEvent[], options: { learn?: boolean } = {}): { bits: number; parts: number[] }[] {
    const trace = this.model.newSession();
    const scores = events.map((one) => {
      const input = this.input(one, trace);
      this.model.advance(input.state, this.log_ms, false);
      const score = this.model.score(input);
      this.model.observe(input, score);
      return score;
    });
    const last = events.at(-1);
    if (last !== undefined && options.learn !== false) {
      this.model.learn(this.stateOf(last.identity.id), trace, this.groupOf(last));
    }
    return scores;
  }

  groupOf(one: CanonicalEvent): GroupState {
    const name = peerGroupOf(one);
    let group = this.groups.get(name);
    if (group === undefined) {
      group = this.model.newGroup();
      this.groups.set(name, group);
    }
    return group;
  }

  adoptPrior(): void {
    const groups = new Map([...this.groups].map(([name, group]) => [name, [group]]));
    this.prior = this.model.openPrior(this.model.buildPrior(groups, 100), 'v1');
  }

  /** The same model and clock over restored copies of everything. */
  restored(): Fleet {
    const copy = new Fleet();
    copy.log_ms = this.log_ms;
    for (const [name, group] of this.groups) {
      copy.groups.set(name, copy.model.decodeGroup(this.model.encodeGroup(group)));
    }
    for (const [id, state] of this.states) copy.states.set(id, copy.#slab.load(this.#slab.save(state)));
    copy.adoptPrior();
    return copy;
  }

  words(identity: string): Uint32Array {
    return this.#slab.save(this.stateOf(identity));
  }
}

const TICKETS = 40;

/** Where an identity of the fleet acts from, and with which credential: its own address block in the common network. */
export function accessOf(identity: string): Required<Pick<EventSketch, 'source' | 'credential'>> {
  const block = hashText(identity) % 200;
  return {
    source: { ip: `10.1.${block}.7`, network: 'agents', workload: `${identity}-pod` },
    credential: { id: `token-${identity}`, kind: 'service_account' },
  };
}

/** A support agent's day: look up a ticket, read the customer, answer. `skew` tells identities apart a little. */
export function ordinarySession(random: Random, time: number, identity: string, group?: string): CanonicalEvent[] {
  const ticket = random.next(TICKETS);
  const base = { identity, ...accessOf(identity), ...(group === undefined ? {} : { group }) };
  const steps = 1 + random.next(3);
  const events = [
    event({
      ...base,
      time,
      tool: 'search_tickets',
      operation: 'search',
      volume: { bytes_in: 40, bytes_out: 900 + random.next(400), records: 5 },
    }),
  ];
  for (let i = 0; i < steps; i++) {
    events.push(
      event({
        ...base,
        time: time + (i + 1) * 20_000,
        tool: 'read_customer',
        resources: [{ id: `customer-${(ticket + i) % TICKETS}`, store: 'crm', classification: 'internal' }],
        volume: { bytes_in: 30, bytes_out: 2_000 + random.next(1_500), records: 1 },
        outcome: random.next(50) === 0 ? 'error' : 'ok',
      }),
    );
  }
  events.push(
    event({
      ...base,
      time: time + 90_000,
      tool: 'post_reply',
      operation: 'store',
      resources: [`ticket-${ticket}`],
      volume: { bytes_in: 300 + random.next(200), bytes_out: 60 },
    }),
  );
  return events;
}

/** A fleet that worked for so many days, its prior adopted at the end of each. */
export function workedFleet(
  options: { identities?: number; days?: number; sessions?: number; seed?: number } = {},
): Fleet {
  const fleet = new Fleet();
  const random = seeded(options.seed ?? 1);
  const identities = Array.from({ length: options.identities ?? 5 }, (_, i) => `agent-${i}`);
  for (let day = 0; day < (options.days ?? 8); day++) {
    for (let i = 0; i < (options.sessions ?? 12); i++) {
      for (const [n, identity] of identities.entries()) {
        const time = MONDAY + day * UNITS.DAY_MS + i * 40 * UNITS.MINUTE_MS + n * 1000;
        fleet.session(ordinarySession(random, time, identity));
      }
    }
    fleet.adoptPrior();
  }
  return fleet;
}
