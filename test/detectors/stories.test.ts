import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FindingDraft } from '../../detectors/contract.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import { event, Fleet, MONDAY, ordinarySession, seeded, workedFleet } from './fleet.ts';

/** Stories a person can follow: after a week of ordinary work, what is found, how strongly, and in which words. */

const WEEK_LATER = MONDAY + 8 * UNITS.DAY_MS;

function raise(fleet: Fleet, events: readonly CanonicalEvent[]): { bits: number; drafts: FindingDraft[] } {
  const trace = fleet.model.newSession();
  let strongest: { bits: number; drafts: FindingDraft[] } = { bits: 0, drafts: [] };
  for (const one of events) {
    const input = fleet.input(one, trace);
    fleet.model.advance(input.state, fleet.log_ms, false);
    const score = fleet.model.score(input);
    const drafts = fleet.model.explain(input, score, 6);
    if (score.bits > strongest.bits) strongest = { bits: score.bits, drafts };
    fleet.model.observe(input, score);
  }
  return strongest;
}

const patterns = (drafts: readonly FindingDraft[]): string[] => drafts.map((draft) => draft.pattern);
const work = (time: number, seed = 77, identity = 'agent-1'): CanonicalEvent[] =>
  ordinarySession(seeded(seed), time, identity);

describe('after a week of ordinary work', () => {
  test('ordinary sessions raise nothing', () => {
    const fleet = workedFleet();
    for (let i = 0; i < 30; i++) {
      const { bits } = raise(fleet, work(WEEK_LATER + i * 30 * UNITS.MINUTE_MS, 200 + i));
      assert.ok(bits < fleet.prior.finding_bits, `session ${i}: ${bits} bits`);
    }
  });

  test('a tool never used is named, with the history it rests on', () => {
    const fleet = workedFleet({ identities: 8 });
    const { bits, drafts } = raise(fleet, [
      ...work(WEEK_LATER),
      event({
        identity: 'agent-1',
        time: WEEK_LATER + 120_000,
        tool: 'send_money',
        operation: 'export',
        resources: ['account-999'],
        volume: { bytes_in: 120 },
      }),
    ]);
    assert.ok(bits >= fleet.prior.alert_bits, `${bits} bits against ${fleet.prior.alert_bits}`);
    const draft = drafts.find((one) => one.pattern === 'first_seen_tool')!;
    assert.equal(draft.subject?.value, 'send_money');
    assert.equal(draft.observed.value, 0);
    assert.match(
      draft.sentence,
      /^send_money was never used by this identity in \d{3} learned events; nor did its peers \(\d identities that use like tools\) in /,
    );
    assert.equal(draft.history.sessions, 96);
    assert.equal(draft.history.maturity, 'mature');
    assert.ok(draft.probability > 0 && draft.probability < 1);
    assert.ok(Math.abs(-Math.log2(draft.probability) - draft.bits) < 1e-3);
    assert.deepEqual(
      drafts.map((one) => one.bits),
      drafts.map((one) => one.bits).toSorted((a, b) => b - a),
    );
    assert.ok(patterns(drafts).includes('first_seen_target'));
  });

  test('a burst of data by one call is found and put beside what is usual', () => {
    const fleet = workedFleet();
    const events = work(WEEK_LATER).map((one) =>
      one.tool?.name === 'read_customer'
        ? { ...one, volume: { bytes_in: 30, bytes_out: 80_000_000, records: 40_000 } }
        : one,
    );
    const { bits, drafts } = raise(fleet, events);
    assert.ok(bits > fleet.prior.alert_bits);
    const draft = drafts.find((one) => one.pattern === 'volume_event')!;
    assert.equal(draft.family, 'data_volume');
    assert.match(draft.sentence, /^One call of read_customer moved /);
    assert.ok((draft.expected.value as number) < (draft.observed.value as number) / 1000);
  });

  test('a burst over many small calls is found by its window', () => {
    const fleet = workedFleet();
    const many = Array.from({ length: 250 }, (_, i) =>
      event({
        identity: 'agent-1',
        time: WEEK_LATER + i * 1000,
        tool: 'read_customer',
        resources: [{ id: `customer-${i % 40}`, store: 'crm', classification: 'internal' }],
        volume: { bytes_in: 30, bytes_out: 3_000, records: 1 },
      }),
    );
    const trace = fleet.model.newSession();
    const found = new Set<string>();
    for (const one of many) {
      const input = fleet.input(one, trace);
      const score = fleet.model.score(input);
      for (const draft of fleet.model.explain(input, score, 10)) found.add(draft.pattern);
      fleet.model.observe(input, score);
    }
    assert.ok(found.has('call_rate'), [...found].join());
    assert.ok(
      [...found].some((pattern) => pattern.startsWith('volume_')),
      [...found].join(),
    );
  });

  test('a sweep through unknown resources grows with every step', () => {
    const fleet = workedFleet();
    const steps = Array.from({ length: 12 }, (_, i) =>
      event({
        identity: 'agent-1',
        time: WEEK_LATER + i * 5000,
        tool: 'read_customer',
        resources: [{ id: `vip-${i}`, store: 'crm', classification: 'internal' }],
        volume: { bytes_in: 30, bytes_out: 2500, records: 1 },
      }),
    );
    const sweep = fleet.model.detectors.findIndex((one) => one.name === 'resource_sweep');
    const bits = fleet.session(steps, { learn: false }).map((score) => score.parts[sweep]!);
    for (let i = 1; i < bits.length; i++) assert.ok(bits[i]! > bits[i - 1]!);
    assert.ok(bits.at(-1)! > 10, `${bits.at(-1)}`);
    const { drafts } = raise(workedFleet(), steps);
    assert.ok(patterns(drafts).includes('resource_sweep'), patterns(drafts).join());
  });

  test('sensitive data out of habit is a finding of its own', () => {
    const { drafts } = raise(workedFleet(), [
      event({
        identity: 'agent-1',
        time: WEEK_LATER,
        tool: 'read_customer',
        resources: [{ id: 'payroll', store: 'crm', classification: 'restricted' }],
        volume: { bytes_out: 2500 },
      }),
    ]);
    assert.ok(patterns(drafts).includes('sensitivity_reached'), patterns(drafts).join());
  });

  test('refusals in a row are found, one refusal is not', () => {
    const denied = (n: number): CanonicalEvent[] =>
      Array.from({ length: n }, (_, i) =>
        event({
          identity: 'agent-1',
          time: WEEK_LATER + i * 1000,
          tool: 'read_customer',
          resources: ['customer-1'],
          outcome: 'denied',
        }),
      );
    const part = (events: CanonicalEvent[]): number => {
      const fleet = workedFleet();
      const failures = fleet.model.detectors.findIndex((one) => one.name === 'failure_run');
      return fleet.session(events, { learn: false }).at(-1)!.parts[failures]!;
    };
    assert.ok(part(denied(1)) < 12);
    assert.ok(part(denied(8)) > part(denied(1)) + 4);
  });

  test('days that are each a little high add up', () => {
    const fleet = new Fleet();
    const slow = fleet.model.detectors.findIndex((one) => one.name === 'low_and_slow');
    const day = (n: number, bytes_out: number): number => {
      const scores = fleet.session([
        event({ identity: 'a', time: MONDAY + n * UNITS.DAY_MS, tool: 'report', volume: { bytes_out } }),
      ]);
      return scores[0]!.parts[slow]!;
    };
    const random = seeded(3);
    for (let n = 0; n < 20; n++) assert.ok(day(n, 100_000 + random.next(20_000)) < 6);
    const later = Array.from({ length: 10 }, (_, i) => day(20 + i, 190_000));
    assert.ok(later.at(-1)! > 8, later.map((bits) => bits.toFixed(1)).join(' '));
    assert.ok(later[0]! < later.at(-1)! / 2);
  });
});

describe('peers', () => {
  test('a new member is judged by its group, a known tool of the group is no alarm', () => {
    const fleet = workedFleet();
    const { bits, drafts } = raise(fleet, work(WEEK_LATER, 5, 'newcomer'));
    assert.ok(bits < fleet.prior.alert_bits, `${bits}`);
    for (const draft of drafts) assert.equal(draft.history.maturity, 'learning');
    const alien = raise(fleet, [
      event({
        identity: 'newcomer',
        time: WEEK_LATER + 200_000,
        tool: 'drop_table',
        operation: 'execute',
        resources: ['production'],
      }),
    ]);
    assert.ok(alien.bits > bits + 8, `${alien.bits} against ${bits}`);
    assert.ok(alien.drafts.some((draft) => draft.history.basis !== 'identity'));
  });

  test('tenants learn nothing of each other', () => {
    const fleet = workedFleet();
    const stranger = {
      ...event({ identity: 'x', time: WEEK_LATER, tool: 'search_tickets', operation: 'search' }),
      tenant: 'other',
    };
    const native = event({ identity: 'y', time: WEEK_LATER, tool: 'search_tickets', operation: 'search' });
    const context = fleet.model.detectors.findIndex((one) => one.name === 'session_context');
    assert.equal(fleet.model.score(fleet.input(stranger)).parts[context], 0);
    assert.ok(fleet.model.score(fleet.input(native)).parts[context]! > 0);
  });
});
