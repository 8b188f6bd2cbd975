import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SpanRecord, Waiting } from '../../schemas/span.ts';
import type { SettleSink } from '../../services/ingest/settle/settler.ts';
import { type Placed, type Remembered, Streams } from '../../services/ingest/settle/streams.ts';
import { call, recordOf, rule, spanLink, tells, waits, whose } from './settle-support.ts';
import { HOUR_MS, MINUTE_MS } from './support.ts';

/** Everything small, so that all of it overflows all the time. */
const SMALL = rule({
  bound_ms: 10 * MINUTE_MS,
  memory_ms: HOUR_MS,
  links_max: 12,
  links_per_trace_max: 6,
  waiting_max: 7,
  waiting_bytes_max: 500,
  waiting_per_trace_max: 4,
  bindings_max: 2,
  binding_links: 3,
  binding_traces_min: 2,
  hops_max: 4,
  alias_events_max: 2,
});

type Decision = readonly [offset: number, what: string];

/** Reads the log from where memory begins, and tells what is decided at `next` and behind it. */
function decide(log: readonly Placed[], next: number, remembered: readonly Remembered[]) {
  const decisions: Decision[] = [];
  const memories: (readonly Remembered[])[] = [];
  let offset = 0;
  const say = (source: string, ...what: unknown[]): void => {
    if (offset >= next) decisions.push([offset, JSON.stringify([source, ...what])]);
  };
  const sink = (source: string): SettleSink => ({
    event: ({ event, way, at }) => say(source, 'event', event.key, event.identity.id, way, at),
    alias: (alias, at) => say(source, 'alias', alias, at),
    evicted: () => undefined,
    reused: () => undefined,
  });
  const streams = new Streams(SMALL, ({ source, recorded }) => sink(`${recorded} ${source}`), next, remembered);
  const from = Math.min(next, ...remembered.map((one) => one.from));
  for (const placed of log) {
    offset = placed.offset;
    if (offset < from) continue;
    memories[offset] = streams.remembered();
    streams.take(placed);
  }
  return { decisions, memories, reach: next - from };
}

const names = (prefix: string, count: number) => fc.nat(count - 1).map((at) => `${prefix}${at}`);
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 1 });
const given = (more: object) => Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));

const span = fc
  .record({
    trace: names('t', 3),
    name: names('s', 6),
    parent: optional(names('s', 6)),
    conversation: optional(names('c', 3)),
    instance: optional(names('i', 2)),
    says: fc.oneof(fc.constant('waits'), fc.constant('nothing'), names('agent-', 2)),
  })
  .map(({ trace, name, parent, conversation, instance, says }): Waiting => {
    const link = spanLink(trace, name, parent, given({ conversation, instance }));
    if (says === 'waits') return waits(link);
    return says === 'nothing' ? tells(link) : tells(link, whose(says));
  });

const half = fc
  .record({ name: names('call', 2), side: fc.constantFrom('request' as const, 'response' as const), time: fc.nat(4) })
  .map(({ name, side, time }) => call(name, side, time));

const step = fc.record({
  /** Mostly nothing, at times more than is remembered. */
  live_ms: fc.oneof(
    { weight: 6, arbitrary: fc.nat(2 * MINUTE_MS) },
    { weight: 2, arbitrary: fc.nat(20 * MINUTE_MS) },
    { weight: 1, arbitrary: fc.integer({ min: -MINUTE_MS, max: 3 * HOUR_MS }) },
  ),
  recorded_ms: fc.oneof(
    { weight: 6, arbitrary: fc.nat(3 * MINUTE_MS) },
    { weight: 1, arbitrary: fc.integer({ min: -5 * HOUR_MS, max: 5 * HOUR_MS }) },
  ),
  source: fc.constantFrom(undefined, undefined, 'a', 'b'),
  what: fc.oneof(
    { weight: 6, arbitrary: span },
    { weight: 2, arbitrary: half },
    { weight: 2, arbitrary: fc.constant('tick') },
  ),
  bytes: fc.nat(200),
});

const logs = fc.array(step, { minLength: 30, maxLength: 220 }).map((steps) => {
  let append_ms = 1_800_000_000_000;
  const recorded = { a: 1_000_000_000_000, b: 1_500_000_000_000 };
  return steps.map(({ live_ms, recorded_ms, source, what, bytes }, offset): Placed => {
    append_ms += live_ms;
    if (source !== undefined) recorded[source as 'a' | 'b'] += recorded_ms;
    const at = source === undefined ? undefined : recorded[source as 'a' | 'b'];
    const tick = { type: 'tick', ...given({ at, source }) } as SpanRecord;
    return { offset, append_ms, bytes, record: what === 'tick' ? tick : recordOf(what as Waiting, at, source) };
  });
});

test('what is decided from some place on is the same, whether the whole log was read or what is remembered', () => {
  let shortened = 0;
  let decided = 0;
  fc.assert(
    fc.property(logs, fc.array(fc.nat(10_000), { minLength: 1, maxLength: 5 }), (log, places) => {
      const whole = decide(log, 0, []);
      for (const place of places) {
        const next = place % log.length;
        const restarted = decide(log, next, whole.memories[next] as readonly Remembered[]);
        const expected = whole.decisions.filter(([offset]) => offset >= next);
        assert.deepEqual(restarted.decisions, expected, `from ${next}`);
        assert.deepEqual(restarted.memories.slice(next), whole.memories.slice(next), `memory from ${next}`);
        if (restarted.reach < next) shortened++;
        decided += expected.length;
      }
    }),
    { numRuns: Number(process.env.SETTLE_RUNS ?? 300) },
  );
  assert.ok(shortened > 50 && decided > 1_000, `restarts in the middle ${shortened}, decisions ${decided}`);
});
