import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Context } from '../../detectors/context.ts';
import type { ScoreInput } from '../../detectors/contract.ts';
import type { Detector } from '../../detectors/detector.ts';
import { DETECTORS } from '../../detectors/ensemble.ts';
import { AT, WORDS } from '../../detectors/layout.ts';
import { BITS_MAX } from '../../detectors/math/logarithm.ts';
import { createModel } from '../../detectors/model.ts';
import { MAPPED_PATTERNS } from '../../detectors/techniques.ts';
import { type CanonicalEvent, OPERATIONS } from '../../schemas/event.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { event, Fleet, MONDAY, ordinarySession, seeded, workedFleet } from './fleet.ts';

/** Every detector, and the ensemble of them, goes through every check. */

const worked = workedFleet();

/** Any event that ingest could let through, the absurd ones included. */
const size = fc.option(
  fc.oneof(
    fc.constant(0),
    fc.constant(LIMITS.volume_max),
    fc.integer({ min: 0, max: 1e6 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ),
  { nil: undefined },
);
const anyEvent: fc.Arbitrary<CanonicalEvent> = fc
  .record({
    offset: fc.integer({ min: -UNITS.HOUR_MS, max: 40 * UNITS.DAY_MS }),
    tool: fc.option(fc.oneof(fc.constantFrom('search_tickets', 'read_customer', 'export_all'), fc.string()), {
      nil: undefined,
    }),
    server: fc.option(fc.string(), { nil: undefined }),
    operation: fc.constantFrom(...OPERATIONS),
    resources: fc.array(
      fc.record(
        {
          id: fc.string(),
          store: fc.string(),
          classification: fc.constantFrom('public', 'restricted', 'pii', 'unknown'),
        },
        { requiredKeys: ['id'] },
      ),
      { maxLength: 20 },
    ),
    sizes: fc.tuple(size, size, size),
    outcome: fc.constantFrom('ok', 'error', 'denied', 'unknown'),
    source: fc.record(
      {
        ip: fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc.constantFrom('10.0.0.9', '::', 'unix:/run/agent'),
          fc.string({ minLength: 1 }),
        ),
        network: fc.constantFrom('office', 'vpn', '__proto__'),
        workload: fc.string({ minLength: 1 }),
      },
      { requiredKeys: [] },
    ),
    credential: fc.record(
      { id: fc.string({ minLength: 1 }), kind: fc.constantFrom('oauth_token', 'api_key') },
      { requiredKeys: ['id'] },
    ),
  })
  .map(({ offset, sizes: [bytes_in, bytes_out, records], tool, server, ...rest }) =>
    event({
      ...rest,
      identity: 'agent-0',
      time: MONDAY + 8 * UNITS.DAY_MS + offset,
      ...(tool === undefined ? {} : { tool }),
      ...(server === undefined ? {} : { server }),
      volume: {
        ...(bytes_in === undefined ? {} : { bytes_in }),
        ...(bytes_out === undefined ? {} : { bytes_out }),
        ...(records === undefined ? {} : { records }),
      },
    }),
  );

function contextOf(input: ScoreInput): Context {
  const c = new Context();
  c.read(input);
  return c;
}

function scored(detector: Detector, fleet: Fleet, one: CanonicalEvent): number {
  return detector.score(contextOf(fleet.input(one)));
}

for (const detector of DETECTORS) {
  describe(detector.name, () => {
    test('is finite, not negative and bounded for any event', () => {
      fc.assert(
        fc.property(anyEvent, (one) => {
          for (const fleet of [worked, new Fleet()]) {
            const bits = scored(detector, fleet, one);
            assert.ok(bits >= 0 && bits <= BITS_MAX, `${bits} bits`);
          }
        }),
        { numRuns: 150 },
      );
    });

    test('scores the same twice and changes nothing by it', () => {
      fc.assert(
        fc.property(anyEvent, (one) => {
          const input = worked.input(one);
          const before = [worked.words('agent-0'), worked.model.encodeSession(input.session)];
          const first = detector.score(contextOf(input));
          assert.equal(detector.score(contextOf(input)), first);
          assert.deepEqual([worked.words('agent-0'), worked.model.encodeSession(input.session)], before);
        }),
        { numRuns: 50 },
      );
    });

    test('says nothing extreme about an ordinary session', () => {
      const fleet = worked.restored();
      const trace = fleet.model.newSession();
      for (const one of ordinarySession(seeded(99), MONDAY + 8 * UNITS.DAY_MS, 'agent-0')) {
        const input = fleet.input(one, trace);
        assert.ok(detector.score(contextOf(input)) < 10);
        fleet.model.observe(input, fleet.model.score(input));
      }
    });

    test('explains any event it scores, with a known pattern and finite numbers', () => {
      fc.assert(
        fc.property(anyEvent, (one) => {
          const c = contextOf(worked.input(one));
          const bits = Math.fround(detector.score(c));
          if (bits === 0) return;
          const said = detector.explain(c, bits);
          assert.ok(MAPPED_PATTERNS.includes(said.pattern), said.pattern);
          assert.ok(
            said.sentence.endsWith('.') && !/NaN|Infinity|undefined/.test(said.sentence.replace(/".*?"/g, '')),
            said.sentence,
          );
          for (const measure of [said.observed, said.expected]) {
            if (typeof measure.value === 'number') assert.ok(Number.isFinite(measure.value), said.pattern);
          }
        }),
        { numRuns: 80 },
      );
    });

    test('knows nothing of sizes that are unknown', () => {
      if (detector.family !== 'data_volume' && detector.name !== 'argument_size') return;
      const one = event({ identity: 'agent-0', tool: 'read_customer', time: MONDAY + 8 * UNITS.DAY_MS });
      assert.equal(scored(detector, worked, one), 0);
    });
  });
}

describe('ensemble', () => {
  const extreme = event({
    identity: 'agent-0',
    tool: 'export_everything',
    operation: 'export',
    time: MONDAY + 8 * UNITS.DAY_MS,
    resources: [{ id: 'dropbox', classification: 'restricted' }],
    volume: { bytes_in: 1e6, bytes_out: 1e9, records: 1e6 },
  });

  test('the same log gives the same state, group, prior and scores', () => {
    // Not the shared one: its clock has gone on.
    const [once, again] = [workedFleet(), workedFleet()];
    assert.deepEqual(again.words('agent-3'), once.words('agent-3'));
    const [name, group] = [...once.groups][0]!;
    assert.deepEqual(again.model.encodeGroup(again.groups.get(name)!), once.model.encodeGroup(group));
    assert.deepEqual(again.model.score(again.input(extreme)), once.model.score(once.input(extreme)));
  });

  test('observing teaches nothing: only learning makes a new tool familiar', () => {
    const fleet = workedFleet({ days: 2 });
    const one = { ...extreme, time: fleet.log_ms + 1000 };
    const tool = fleet.model.detectors.findIndex((d) => d.name === 'tool_frequency');
    const first = fleet.session([one], { learn: false })[0]!;
    const second = fleet.session([one], { learn: true })[0]!;
    const third = fleet.session([one])[0]!;
    assert.equal(second.parts[tool], first.parts[tool]);
    assert.ok(third.parts[tool]! < second.parts[tool]!);
  });

  test('a restored fleet goes on bit for bit alike', () => {
    const original = workedFleet({ days: 3, seed: 4 });
    const copy = original.restored();
    original.adoptPrior();
    const random = [seeded(7), seeded(7)];
    for (let i = 0; i < 40; i++) {
      const time = MONDAY + 4 * UNITS.DAY_MS + i * UNITS.HOUR_MS;
      const scores = [original, copy].map((fleet, n) =>
        fleet.session(ordinarySession(random[n]!, time, `agent-${i % 5}`)),
      );
      assert.deepEqual(scores[0], scores[1]);
    }
    for (const id of original.states.keys()) assert.deepEqual(copy.words(id), original.words(id));
    const name = [...original.groups.keys()][0]!;
    assert.deepEqual(
      copy.model.encodeGroup(copy.groups.get(name)!),
      original.model.encodeGroup(original.groups.get(name)!),
    );
  });

  test('a session restored in the middle goes on bit for bit alike', () => {
    const fleet = worked.restored();
    const { model } = fleet;
    const events = [...ordinarySession(seeded(5), fleet.log_ms, 'agent-1'), extreme];
    const trace = model.newSession();
    for (const one of events.slice(0, -1)) {
      const input = fleet.input(one, trace);
      model.observe(input, model.score(input));
    }
    const copy = model.decodeSession(model.encodeSession(trace));
    assert.equal(copy.bits_max, trace.bits_max);
    assert.equal(copy.events, events.length - 1);
    assert.deepEqual(model.score(fleet.input(extreme, copy)), model.score(fleet.input(extreme, trace)));
    assert.deepEqual(model.encodeSession(copy), model.encodeSession(trace));
  });

  test('windows close and restore alike', () => {
    const fleet = workedFleet({ days: 1 });
    const due = fleet.model.advance(fleet.stateOf('agent-0'), fleet.log_ms, false);
    assert.ok(due !== undefined && due > fleet.log_ms);
    assert.equal(fleet.model.advance(fleet.stateOf('agent-0'), fleet.log_ms + 3 * UNITS.DAY_MS, false), undefined);
    const closed = fleet.words('agent-0');
    assert.equal(fleet.model.advance(fleet.stateOf('agent-0'), fleet.log_ms + 9 * UNITS.DAY_MS, false), undefined);
    assert.deepEqual(fleet.words('agent-0'), closed);
  });

  test('a held window is not learned', () => {
    const [held, free] = [workedFleet({ days: 3 }), workedFleet({ days: 3 })];
    const later = held.log_ms + 3 * UNITS.DAY_MS;
    held.model.advance(held.stateOf('agent-0'), later, true);
    free.model.advance(free.stateOf('agent-0'), later, false);
    assert.notDeepEqual(held.words('agent-0'), free.words('agent-0'));
  });

  test('state stays within 4 KiB, a session and a group within their bounds, under 100,000 distinct names', () => {
    assert.ok(WORDS <= 1024);
    const fleet = workedFleet({ days: 3 });
    const before = fleet.model.score(fleet.input(ordinarySession(seeded(3), fleet.log_ms, 'agent-0')[0]!));
    let biggest = 0;
    for (let i = 0; i < 100; i++) {
      const trace = fleet.model.newSession();
      for (let n = 0; n < 1000; n++) {
        const name = `${i}/${n}`;
        const one = event({
          identity: 'agent-0',
          tool: `tool-${name}`,
          server: `s-${name}`,
          time: fleet.log_ms + 10,
          resources: [`r-${name}`, { id: `q-${name}`, store: name, classification: name }],
          volume: { bytes_out: n },
          source: { ip: `10.${i}.${n % 256}.1`, network: `n-${name}`, workload: `w-${name}` },
          credential: { id: `c-${name}`, kind: `k-${name}` },
        });
        const input = fleet.input(one, trace);
        const score = fleet.model.score(input);
        assert.ok(Number.isFinite(score.bits));
        fleet.model.observe(input, score);
      }
      biggest = Math.max(biggest, fleet.model.encodeSession(trace).length);
      fleet.model.learn(fleet.stateOf('agent-0'), trace, [...fleet.groups.values()][0]!);
    }
    assert.ok(biggest < 32 * UNITS.KIB, `${biggest} bytes of session`);
    assert.ok(fleet.model.encodeGroup([...fleet.groups.values()][0]!).length <= UNITS.MIB);
    assert.equal(fleet.words('agent-0').length, WORDS);
    fleet.adoptPrior();
    const after = fleet.model.score(fleet.input(ordinarySession(seeded(3), fleet.log_ms, 'agent-0')[0]!));
    const tool = fleet.model.detectors.findIndex((d) => d.name === 'tool_frequency');
    assert.ok(after.parts[tool]! < before.parts[tool]! + 8, 'an old habit survives the flood');
  });

  test('survives clock jumps and times out of every window', () => {
    const fleet = workedFleet({ days: 1 });
    for (const time of [fleet.log_ms + 400 * UNITS.DAY_MS, fleet.log_ms, LIMITS.time_ms_min, LIMITS.time_ms_max]) {
      for (const in_window of [true, false]) {
        const input = {
          ...fleet.input(event({ identity: 'agent-0', tool: 'read_customer', time, volume: { bytes_out: 10 } })),
          in_window,
        };
        fleet.model.advance(input.state, input.log_ms, false);
        const score = fleet.model.score(input);
        assert.ok(Number.isFinite(score.bits) && score.bits >= 0);
        fleet.model.observe(input, score);
      }
    }
    const floats = new Float32Array(fleet.words('agent-0').buffer);
    assert.equal(floats.length, WORDS);
  });

  test('an event outside the accepted time span leaves the windows alone', () => {
    const fleet = workedFleet({ days: 2 });
    const one = event({ identity: 'agent-0', tool: 'read_customer', time: fleet.log_ms, volume: { bytes_out: 1e12 } });
    const windows = fleet.model.detectors.findIndex((d) => d.name === 'low_and_slow');
    const input = { ...fleet.input(one), in_window: false };
    fleet.model.observe(input, fleet.model.score(input));
    const next = fleet.model.score(fleet.input({ ...one, volume: { bytes_out: 100 } }));
    assert.ok(next.parts[windows]! < 3);
  });

  test('upgrade keeps the words of this layout and refuses any other', () => {
    const model = createModel();
    const words = worked.words('agent-0');
    assert.deepEqual(model.upgrade(words, model.layout_version), words);
    assert.throws(() => model.upgrade(words, 99), RangeError);
    assert.throws(() => model.upgrade(words.subarray(1), model.layout_version), RangeError);
  });

  test('what a release before this one kept is kept, and what it did not have begins empty', () => {
    const model = createModel();
    const words = worked.words('agent-0');
    const before = words.slice(0, AT.access_fresh);
    const upgraded = model.upgrade(before, model.layout_version - 1);
    assert.deepEqual(upgraded.subarray(0, before.length), before);
    assert.equal(upgraded.length, model.words);
    assert.ok(upgraded.subarray(before.length).every((word) => word === 0));
  });

  test('damaged bytes are refused', () => {
    const { model } = worked;
    const session = model.encodeSession(model.newSession());
    assert.throws(() => model.decodeSession(session.subarray(0, 40)), RangeError);
    assert.throws(() => model.decodeSession(new Uint8Array(0)), RangeError);
    const group = model.encodeGroup([...worked.groups.values()][0]!);
    assert.throws(() => model.decodeGroup(group.subarray(0, group.length - 8)), RangeError);
    assert.throws(() => model.decodeGroup(new Uint8Array(64)), RangeError);
    assert.throws(() => model.openPrior(new Uint8Array(64), 'x'), RangeError);
  });

  test('a profile counts what was learned', () => {
    const profile = worked.model.profile(worked.stateOf('agent-0'));
    assert.equal(profile.sessions, 96);
    assert.equal(profile.maturity, 'mature');
    assert.ok(profile.first_ms >= MONDAY && profile.last_ms > profile.first_ms);
    assert.ok(profile.baselines.length > 5 && profile.baselines.every((b) => Number.isFinite(b.value)));
  });
});
