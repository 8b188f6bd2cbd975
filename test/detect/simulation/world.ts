import type { DirectiveEffect, DirectiveScope } from '../../../schemas/directive.ts';
import type { EffectWatch } from '../../../schemas/effect.ts';
import type { CanonicalEvent } from '../../../schemas/event.ts';
import type { DetectRecord } from '../../../schemas/record.ts';
import { undecidedGaps } from '../../../services/detect/gap.ts';
import { buildPriorFrom, createPriorBuilder, requestPrior } from '../../../services/detect/priors.ts';
import { DetectRunner } from '../../../services/detect/runner.ts';
import type { WriteStep } from '../../../services/detect/writer.ts';
import type { Clock } from '../../../services/platform/clock.ts';
import { TOPICS } from '../../../services/platform/event-log.ts';
import { identityKey, partitionOf } from '../../../services/platform/partitioner.ts';
import type { DetectStore } from '../../../services/platform/store.ts';
import { silentTelemetry } from '../../../services/platform/telemetry.ts';
import { digestOf, fakeModel, mix } from '../../support/fake-model.ts';
import {
  newDisk,
  openSimulatedLog,
  randomFaults,
  type SimulatedDisk,
  type SimulatedLog,
} from '../../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore, type StoreDisk } from '../../support/simulated-store.ts';
import { recordKey } from '../support.ts';

/** One seeded world: a log with everything that can stand in it, and what one uninterrupted run makes of it. */
export type World = {
  readonly partitions: number;
  readonly log: SimulatedDisk;
  readonly reference: StoreDisk;
  readonly dedup_keys_max: number;
};

export type Random = { (): number; int(below: number): number; chance(p: number): boolean };

/** SplitMix32: seeds differ in every bit that matters, and the sequence is the same everywhere. */
export function randomOf(seed: number): Random {
  let state = mix(seed >>> 0, 0x5eed);
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state, 0x7f4a7c15) / 2 ** 32;
  };
  return Object.assign(next, {
    int: (below: number) => Math.floor(next() * below),
    chance: (p: number) => next() < p,
  });
}

export type VirtualClock = Clock & { advance(ms: number): void };

/** Time that passes only when told to, and a little with every look. */
export function virtualClock(start_ms: number): VirtualClock {
  let now = start_ms;
  return {
    now: () => now,
    elapsed: () => now++,
    sleep: async (ms) => {
      now += ms;
      await new Promise(setImmediate);
    },
    advance: (ms) => {
      now += ms;
    },
  };
}

export type RunnerKnobs = {
  readonly flush_rows_max?: number;
  readonly flush_ms?: number;
  readonly checkpoint_ms?: number;
  readonly checkpoint_records_max?: number;
  readonly fetch_records_max?: number;
  readonly resident_identities_max?: number;
  readonly onStep?: (step: WriteStep) => Promise<void> | void;
};

const telemetry = silentTelemetry();

export function newRunner(
  world: Pick<World, 'dedup_keys_max'>,
  log: SimulatedLog,
  store: DetectStore,
  clock: Clock,
  knobs: RunnerKnobs,
): DetectRunner {
  const describe = () => ({
    title: 'title',
    summary: 'summary',
    severity: 'high' as const,
    recommendation: { action: 'suspend_agent' as const, target: 't', parameters: {}, reason: 'r' },
    techniques: [],
  });
  const worker = { model: fakeModel(), describe, dedup_keys_max: world.dedup_keys_max };
  return new DetectRunner({ log, store, clock, telemetry, worker, gaps: undecidedGaps(), ...knobs });
}

const NO_FAULTS = { plan: () => 'none' as const, random: () => 0, died: () => {} };
const START_MS = Date.UTC(2026, 0, 5);

export async function buildWorld(seed: number): Promise<World> {
  const random = randomOf(seed);
  const partitions = 1 + random.int(4);
  const log = newDisk({ partitions, random });
  const reference = newStoreDisk();
  const dedup_keys_max = random.chance(0.3) ? 8 + random.int(30) : 4096;
  const clock = virtualClock(START_MS);
  const holes = random.chance(0.5) ? 0.5 : 0;
  const faults = randomFaults(random, { fail: 0, delay: 0, delay_ms_max: 1, skip: holes });
  const handle = openSimulatedLog({ disk: log, clock, faults });
  const store = openSimulatedStore(reference, NO_FAULTS, []);
  const runner = newRunner({ dedup_keys_max }, handle, store, clock, { fetch_records_max: 64 });
  for (let p = 0; p < partitions; p++) await runner.assign(p);

  const teller = new Teller(random, clock, CLOCKS[random.int(CLOCKS.length)]!);
  const phases = 1 + random.int(4);
  for (let phase = 0; phase < phases; phase++) {
    await teller.tell(handle, partitions, 10 + random.int(60), reference);
    await runner.drain();
    if (random.chance(0.7)) {
      await requestPrior(handle, { version: `v${phase}` });
      // Now and then the next is asked for before the one before it was built.
      if (random.chance(0.3)) await requestPrior(handle, { version: `v${phase}-next` });
      await runner.drain();
      const build = async (cuts: readonly Uint8Array[]) => buildPriorFrom(fakeModel(), cuts, 20);
      const builder = createPriorBuilder({ log: handle, store, clock, build });
      while ((await builder.step()) !== 'idle');
    }
  }
  await runner.drain();
  return { partitions, log, reference, dedup_keys_max };
}

/** Which clocks the records of a world carry: the log's, a recording's, or both among each other. */
const CLOCKS = ['live', 'live', 'recorded', 'mixed'] as const;

type Told = { readonly partition: number; readonly key: string; readonly value: Buffer };

/** Tells the story of a seed into the log. */
class Teller {
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #clocks: (typeof CLOCKS)[number];
  #recorded_ms: number;
  /** Whether the record at hand carries the clock of the recording. */
  #recorded: boolean;
  readonly #sent: { partition: number; record: DetectRecord }[] = [];
  readonly #directives: string[] = [];
  readonly #watches: EffectWatch[] = [];
  #serial = 0;

  constructor(random: Random, clock: VirtualClock, clocks: (typeof CLOCKS)[number]) {
    this.#random = random;
    this.#clock = clock;
    this.#clocks = clocks;
    this.#recorded = clocks === 'recorded';
    // Mixed clocks run close to each other, so that an identity changes from either to the other.
    this.#recorded_ms = clocks === 'mixed' ? START_MS - random.int(86_400_000) : Date.UTC(2025, 0, 1);
  }

  async tell(log: SimulatedLog, partitions: number, records: number, reference: StoreDisk): Promise<void> {
    for (let i = 0; i < records; i++) {
      this.#pass();
      await log.transact({ records: [{ topic: TOPICS.events, ...this.#next(partitions, reference) }] });
    }
  }

  /** Mostly seconds, now and then the hours and days at which sessions, windows, alerts and holds fall due. */
  #pass(): void {
    const steps_ms = [1_000, 20_000, 120_000, 1_900_000, 5 * 3_600_000, 8 * 3_600_000, 15 * 86_400_000];
    const step = steps_ms[Math.floor(this.#random() ** 2.5 * steps_ms.length)]!;
    if (this.#clocks === 'mixed') this.#recorded = this.#random.chance(0.5);
    if (this.#recorded) this.#recorded_ms += step;
    else this.#clock.advance(step);
  }

  #next(partitions: number, reference: StoreDisk): Told {
    const random = this.#random;
    const dice = random();
    if (dice < 0.02) return { partition: random.int(partitions), key: 'k', value: Buffer.from('{"not":"ours"') };
    if (dice < 0.12) return this.#send(random.int(partitions), { type: 'tick', ...this.#at() });
    if (dice < 0.2 && this.#sent.length > 0) {
      const again = this.#sent[random.int(this.#sent.length)]!;
      // Under a key that does not tell whose it is: keys are a hint of what will be needed and no more.
      return { ...this.#send(again.partition, { ...again.record, ...this.#at() }), key: 'k' };
    }
    if (dice < 0.26 && reference.alerts.size > 0) return this.#verdict(partitions, reference);
    if (dice < 0.31) return this.#directive(partitions);
    if (dice < 0.36) return this.#watch(partitions);
    const event = this.#event();
    const partition = partitionOf(identityKey(event.tenant, event.identity.id), partitions);
    const sent = this.#send(partition, { type: 'event', ...this.#at(), event });
    this.#sent.push({ partition, record: { type: 'event', ...this.#at(), event } });
    return sent;
  }

  #verdict(partitions: number, reference: StoreDisk): Told {
    const rows = [...reference.alerts.values()];
    const { alert } = JSON.parse(rows[this.#random.int(rows.length)]!) as {
      alert: { uid: string; tenant: string; identity: { id: string } };
    };
    const kinds = ['true_positive', 'false_positive', 'expected_change'] as const;
    const verdict = {
      alert_uid: alert.uid,
      tenant: alert.tenant,
      identity: alert.identity.id,
      verdict: kinds[this.#random.int(3)]!,
      author: 'ana',
      time: 0,
    };
    const partition = partitionOf(identityKey(alert.tenant, alert.identity.id), partitions);
    return this.#send(partition, { type: 'verdict', ...this.#at(), verdict });
  }

  /** Sets one, of any kind and reach, or ends one that may be over, in force, or unknown to this partition. */
  #directive(partitions: number): Told {
    const random = this.#random;
    const partition = random.int(partitions);
    const { length } = this.#directives;
    const by = { author: 'ana', reason: 'because', time: 0 };
    if (length > 0 && random.chance(0.3)) {
      const directive = this.#directives[random.int(length)]!;
      return this.#send(partition, { type: 'directive', ...this.#at(), change: { op: 'end', directive, ...by } });
    }
    const uid = random.chance(0.1) && length > 0 ? this.#directives[random.int(length)]! : uidOf(length);
    this.#directives.push(uid);
    const now = this.#recorded ? this.#recorded_ms : this.#clock.now();
    const expires = now + [1_000, 3_600_000, 2 * 86_400_000, 40 * 86_400_000][random.int(4)]!;
    const directive = {
      uid,
      tenant: random.chance(0.9) ? 'default' : 'another',
      scope: scopeOf(random),
      effect: effectOf(random),
      ...by,
      ...(random.chance(0.8) && { expires }),
    };
    return this.#send(partition, { type: 'directive', ...this.#at(), change: { op: 'set', directive } });
  }

  /** Watches a containment's effect; now and then the same order again, or about somebody who is not known yet. */
  #watch(partitions: number): Told {
    const random = this.#random;
    const again = this.#watches[random.int(10 * this.#watches.length)];
    const watch = again ?? this.#newWatch();
    if (again === undefined) this.#watches.push(watch);
    const partition = partitionOf(identityKey('default', watch.predicate.identity), partitions);
    return this.#send(partition, { type: 'effect_watch', ...this.#at(), watch });
  }

  #newWatch(): EffectWatch {
    const random = this.#random;
    const now = this.#recorded ? this.#recorded_ms : this.#clock.now();
    const from = now + [0, 1_000, 120_000][random.int(3)]!;
    const [action, about] = WATCHED[random.int(WATCHED.length)]!;
    return {
      containment: uidOf(0x10000 + this.#watches.length),
      action,
      predicate: { tenant: 'default', identity: `agent-${random.chance(0.05) ? 7 : random.int(7)}`, ...about },
      from,
      until: from + [20_000, 3_600_000, 9 * 3_600_000, 3 * 86_400_000][random.int(4)]!,
    };
  }

  #send(partition: number, record: DetectRecord): Told {
    return { partition, key: recordKey(record), value: Buffer.from(JSON.stringify(record)) };
  }

  #at(): { at?: number } {
    return this.#recorded ? { at: this.#recorded_ms } : {};
  }

  #event(): CanonicalEvent {
    const random = this.#random;
    const serial = this.#serial++;
    const id = random.chance(0.05) ? 'same-id' : `e${serial}`;
    const skew_ms = random.chance(0.1) ? -9 * 3_600_000 : random.chance(0.1) ? 3_600_000 : 0;
    const session = random.int(6);
    return {
      key: [1, 2, 3, 4]
        .map((n) =>
          mix(digestOf(`${id}/${serial}`), n)
            .toString(16)
            .padStart(8, '0'),
        )
        .join(''),
      id,
      origin: 'sim',
      tenant: 'default',
      time: (this.#recorded ? this.#recorded_ms : this.#clock.now()) + skew_ms,
      identity: {
        id: `agent-${random.int(7)}`,
        kind: 'agent',
        peer_group: `g${random.int(3)}`,
        ...(random.chance(0.5) && { version: `v${random.int(2)}` }),
      },
      ...(session === 0 ? {} : { session: `s${session}` }),
      action: { operation: 'read' },
      resources: [],
      volume: {},
      outcome: { status: random.chance(0.4) ? 'denied' : 'ok' },
      ...(random.chance(0.5) && { credential: { id: `c${random.int(2)}` } }),
    };
  }
}

/** A copy of the log as it was when the story was told: without what the reference run wrote to other topics. */
export function copyOfLog(disk: SimulatedDisk): SimulatedDisk {
  const topics = [...disk.topics].map(([name, topic]) => {
    const partitions = topic.partitions.map((p) =>
      name === TOPICS.events ? { ...p, records: [...p.records] } : { start: 0, end: 0, append_ms: 0, records: [] },
    );
    return [name, { generation: topic.generation, partitions }] as const;
  });
  return { topics: new Map(topics), positions: new Map(), counters: new Map(), onGrowth: new Set() };
}

/** What containments that are watched were about. */
const WATCHED = [
  ['suspend_agent', {}],
  ['quarantine_session', { session: 's1' }],
  ['restrict_tool', { tool: 'read' }],
  ['revoke_credential', { credential: 'c1' }],
] as const;

const uidOf = (serial: number): string => serial.toString(16).padStart(32, '0');

function scopeOf(random: Random): DirectiveScope {
  const whose = [{ identity: `agent-${random.int(7)}` }, { peer_group: `g${random.int(3)}` }, {}][random.int(3)]!;
  const matches = [{ pattern: `p${random.int(3)}` }, { detector: ['fake_usage', 'fake_volume'][random.int(2)]! }];
  return { ...whose, ...(random.chance(0.5) && { matches: [matches[random.int(2)]!] }) };
}

function effectOf(random: Random): DirectiveEffect {
  const detector = ['fake_usage', 'fake_volume'][random.int(2)]!;
  const effects: readonly DirectiveEffect[] = [
    { kind: 'suppress' },
    { kind: 'watch' },
    { kind: 'budget', alerts_per_1000_identity_days: [1, 50][random.int(2)]! },
    { kind: 'detector_offset', detector, offset_bits: random.int(9) - 4 },
    { kind: 'detector_mute', detector },
    {
      kind: 'change',
      touches: random.chance(0.5) ? ['tools'] : ['data', 'model'],
      sessions: 1 + random.int(4),
      ...(random.chance(0.5) && { version: `v${random.int(2)}` }),
    },
  ];
  return effects[random.int(effects.length)]!;
}
