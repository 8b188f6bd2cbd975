import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Gap, GapResume } from '../../schemas/gap.ts';
import { emptyCatalogue } from '../../services/ingest/catalogue.ts';
import { IngestRunner, type IngestRunnerOptions } from '../../services/ingest/raw-runner.ts';
import { type RawSource, type ReadySource, readySources } from '../../services/ingest/raw-source.ts';
import type { Clock } from '../../services/platform/clock.ts';
import { type EventLog, type LogRecord, TOPICS, type Topic } from '../../services/platform/event-log.ts';
import { type GapPort, gapOf, HIDDEN_BY_GROWTH } from '../../services/platform/gaps.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { newDisk, type SimulatedDisk } from '../support/simulated-log.ts';

/** A clock that jumps to the next sleeper once everything else had its turn. */
export function jumpingClock(start = 1_800_000_000_000): Clock {
  let now = start;
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  let pumping = false;
  const pump = async (): Promise<void> => {
    pumping = true;
    while (sleepers.size > 0) {
      for (let turns = 0; turns < 3; turns++) await turn();
      const next = Math.min(...[...sleepers].map(({ until }) => until));
      now = Math.max(now, next);
      for (const sleeper of [...sleepers]) if (sleeper.until <= now) sleeper.wake();
    }
    pumping = false;
  };
  return {
    now: () => now,
    elapsed: () => now - start,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { until: now + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
        if (signal?.aborted) wake();
        else if (!pumping) void pump();
      }),
  };
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const diskOf = (partitions: number): SimulatedDisk => newDisk({ partitions, random: () => 0.5 });

/** Puts records into a partition as foreign producers would: undefined is a tombstone, a number so many missing offsets. */
export function produce(
  disk: SimulatedDisk,
  values: readonly (string | Buffer | number | undefined)[],
  { topic = TOPICS.raw, partition = 0 }: { topic?: Topic; partition?: number } = {},
): void {
  const held = disk.topics.get(topic)?.partitions[partition];
  assert.ok(held !== undefined);
  for (const value of values) {
    if (typeof value === 'number') held.end += value;
    else {
      const bytes = Buffer.from(value ?? '');
      const tombstone = value === undefined ? { tombstone: true as const } : {};
      held.records.push({ offset: held.end++, append_ms: 1, key: 'k', value: bytes, ...tombstone });
    }
  }
  for (const look of [...disk.onGrowth]) look();
}

/** Decisions as a test makes them, and what was told. */
export type TestGaps = GapPort & {
  readonly reported: Map<string, Gap>;
  readonly ended: Map<string, number>;
  decide(id: string, resume: GapResume): void;
};

export function testGaps(): TestGaps {
  const reported = new Map<string, Gap>();
  const ended = new Map<string, number>();
  const decisions = new Map<string, GapResume>();
  const waiting = new Set<() => void>();
  return {
    reported,
    ended,
    report: async (gap) => void reported.set(gap.id, gap),
    decision: (id) => decisions.get(id),
    changed: (signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
        if (signal.aborted) wake();
      }),
    closed: async (id, resumed_at) => void ended.set(id, resumed_at),
    hidden: ({ stage, topic, partition }, evidence) =>
      [...reported.values()].find(
        (gap) =>
          gap.stage === stage &&
          gap.topic === topic &&
          gap.partition === partition &&
          !ended.has(gap.id) &&
          gap.reason === HIDDEN_BY_GROWTH &&
          gapOf(gap, evidence).id === gap.id,
      ),
    working: async ({ stage, topic, partition }, offset) => {
      for (const gap of reported.values()) {
        const here = gap.stage === stage && gap.topic === topic && gap.partition === partition;
        if (here && !ended.has(gap.id)) ended.set(gap.id, offset);
      }
    },
    decide(id, resume) {
      decisions.set(id, resume);
      for (const wake of [...waiting]) wake();
    },
  };
}

export function sourcesOf(...sources: RawSource[]): readonly ReadySource[] {
  const ready = readySources(sources, []);
  return ready.ok ? ready.sources : assert.fail(ready.problems.map(({ message }) => message).join());
}

export const RAW: RawSource = { topic: TOPICS.raw, format: 'canonical' };

/** A runner over a log, without pauses between writes. */
export function runnerOn(
  log: EventLog,
  more: Partial<IngestRunnerOptions> = {},
): { runner: IngestRunner; gaps: TestGaps } {
  const gaps = testGaps();
  const runner = new IngestRunner({
    log,
    clock: jumpingClock(),
    telemetry: silentTelemetry(),
    gaps,
    catalogue: emptyCatalogue(),
    sources: sourcesOf(RAW),
    ...more,
    limits: { raw_commit_ms: 0, ...more.limits },
  });
  return { runner, gaps };
}

/** Turns of the event loop until it holds; fails after many. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turns = 0; turns < 100_000; turns++) {
    if (await holds()) return;
    await turn();
  }
  assert.fail(`never: ${what}`);
}

export const positionsOf = (disk: SimulatedDisk, topic: Topic = TOPICS.raw): { next: number; clock?: number }[] =>
  Array.from({ length: disk.topics.get(topic)?.partitions.length ?? 0 }, (_, partition) =>
    JSON.parse(disk.positions.get(`ingest.${topic}.${partition}`) ?? '{"next":-1}'),
  );

/** Everything in a topic was worked off. */
export const isDrained = (disk: SimulatedDisk, topic: Topic = TOPICS.raw): boolean =>
  positionsOf(disk, topic).every(({ next }, partition) => next === disk.topics.get(topic)?.partitions[partition]?.end);

export const allRecords = (disk: SimulatedDisk, topic: Topic): LogRecord[] =>
  (disk.topics.get(topic)?.partitions ?? []).flatMap(({ records }) => records);

export type Outcome = {
  /** JSON of every event record, by order of the text. */
  readonly events: string[];
  readonly dead: { reason: string; position: string }[];
  readonly sums: Record<string, number>;
};

export function outcomeOf(disk: SimulatedDisk): Outcome {
  const letters = allRecords(disk, TOPICS.dead).map(({ value }) => JSON.parse(value.toString()));
  return {
    events: allRecords(disk, TOPICS.events)
      .map(({ value }) => value.toString())
      .sort(),
    dead: letters
      .map(({ reason, position }) => ({ reason: String(reason), position: String(position) }))
      .sort((a, b) => (a.position < b.position ? -1 : 1)),
    sums: Object.fromEntries([...disk.counters].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Promise P1: what was received is what became of it, in total and for the source, and in the log. */
export function assertSums(disk: SimulatedDisk, topic: Topic = TOPICS.raw): void {
  const { events, dead, sums } = outcomeOf(disk);
  for (const prefix of ['ingest', `ingest.source.${topic}`]) {
    const sum = (name: string): number => sums[`${prefix}.${name}`] ?? 0;
    assert.equal(sum('received'), sum('accepted') + sum('dead_lettered') + sum('absorbed'), prefix);
    assert.equal(sum('accepted'), events.length, prefix);
    assert.equal(sum('dead_lettered'), dead.length, prefix);
  }
}
