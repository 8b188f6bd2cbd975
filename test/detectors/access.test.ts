import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FindingDraft } from '../../detectors/contract.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import { accessOf, event, Fleet, MONDAY, ordinarySession, type Random, seeded, workedFleet } from './fleet.ts';

/** Where from, when and with which credential: what is strange about it, and whom it must leave alone. */

type Access = Pick<CanonicalEvent, 'source' | 'credential'>;
const LATER = MONDAY + 14 * UNITS.DAY_MS;
const elsewhere: Access = { source: { ip: '203.0.113.80', network: 'internet' } };

function from(events: readonly CanonicalEvent[], access: Access): CanonicalEvent[] {
  return events.map((one) => ({ ...one, ...access }));
}

function part(fleet: Fleet, detector: string): number {
  return fleet.model.detectors.findIndex((one) => one.name === detector);
}

/** What one detector says of the first event of the session, and what all say together of the worst. */
function judge(fleet: Fleet, events: readonly CanonicalEvent[]) {
  const trace = fleet.model.newSession();
  const parts: number[][] = [];
  const drafts: FindingDraft[] = [];
  let bits = 0;
  for (const one of events) {
    const input = fleet.input(one, trace);
    fleet.model.advance(input.state, fleet.log_ms, false);
    const score = fleet.model.score(input);
    drafts.push(...fleet.model.explain(input, score, 4));
    fleet.model.observe(input, score);
    parts.push(score.parts);
    bits = Math.max(bits, score.bits);
  }
  const of = (detector: string): number => Math.max(...parts.map((one) => one[part(fleet, detector)]!));
  return { bits, of, drafts, patterns: new Set(drafts.map((draft) => draft.pattern)) };
}

/** A fleet whose members each work in their own way: `access` says where from, `hours` when (12 sessions a day). */
function fleetOf(options: {
  access?: (identity: number, day: number, session: number, random: Random) => Access;
  begins?: (identity: number) => number;
  days?: number;
  identities?: number;
}): Fleet {
  const fleet = new Fleet();
  const random = seeded(3);
  for (let day = 0; day < (options.days ?? 14); day++) {
    for (let session = 0; session < 12; session++) {
      for (let n = 0; n < (options.identities ?? 5); n++) {
        const hour = (options.begins?.(n) ?? 8) * UNITS.HOUR_MS;
        const time = MONDAY - 9 * UNITS.HOUR_MS + day * UNITS.DAY_MS + hour + session * 40 * UNITS.MINUTE_MS + n * 1000;
        const own = ordinarySession(random, time, `agent-${n}`);
        fleet.session(options.access === undefined ? own : from(own, options.access(n, day, session, random)));
      }
    }
    fleet.adoptPrior();
  }
  return fleet;
}

const settled = workedFleet({ days: 14 });
const work = (identity = 'agent-1', time = LATER): CanonicalEvent[] => ordinarySession(seeded(77), time, identity);
const strange = (access: Access): CanonicalEvent[] => [
  event({
    identity: 'agent-1',
    time: LATER + 3000,
    tool: 'send_money',
    operation: 'export',
    resources: ['account-9'],
    ...accessOf('agent-1'),
    ...access,
  }),
];

describe('origin', () => {
  test('the usual place says nothing, another address of its block neither', () => {
    const fleet = settled.restored();
    assert.equal(judge(fleet, work()).of('access_origin'), 0);
    const { source } = accessOf('agent-1');
    const beside = { source: { ...source, ip: source!.ip!.replace(/\.7$/, '.99') } };
    assert.equal(judge(fleet, from(work(), beside)).of('access_origin'), 0);
  });

  test('a network nobody came from is named, and alone it is no alert', () => {
    const fleet = settled.restored();
    const { of, bits, drafts } = judge(fleet, from(work(), elsewhere));
    assert.ok(of('access_origin') > 7, `${of('access_origin')}`);
    assert.ok(bits < fleet.prior.alert_bits, `${bits} of ${fleet.prior.alert_bits}`);
    const draft = drafts.find((one) => one.detector === 'access_origin')!;
    assert.equal(draft.family, 'access_context');
    assert.match(
      draft.sentence,
      /^The identity acts from the \w+ ?\w* "[\w./]+", from which it never acted in its last \d+ sessions/,
    );
  });

  test('unusual work from an unusual place rises above either', () => {
    const fleet = settled.restored();
    const place = judge(fleet, from(work(), elsewhere)).bits;
    const deed = judge(fleet, strange({})).bits;
    const both = judge(fleet, strange(elsewhere)).bits;
    assert.ok(both > deed + 4 && both > place + 4, `${both} of ${deed} and ${place}`);
    assert.ok(both >= fleet.prior.alert_bits);
    const { patterns } = judge(fleet, strange(elsewhere));
    assert.ok(
      [...patterns].some((pattern) => /^first_seen_(address|network)$/.test(pattern)),
      [...patterns].join(),
    );
  });

  test("a new identity's first places say nothing", () => {
    const fleet = settled.restored();
    const first = judge(fleet, from(work('newcomer'), { source: { ip: '10.1.240.3', network: 'agents' } }));
    assert.ok(first.of('access_origin') < 2, `${first.of('access_origin')}`);
    assert.equal(judge(new Fleet(), from(work('first'), elsewhere)).of('access_origin'), 0);
  });

  test('who has another address every day, or every session, has learned that it has', () => {
    const source = (block: number) => ({ source: { ip: `100.64.${block % 256}.9`, network: 'nat' } });
    const daily = fleetOf({ access: (n, day) => source(n * 50 + day) });
    const always = fleetOf({ access: (n, day, session) => source(n * 1000 + day * 13 + session) });
    const next = { source: { ip: '100.65.7.9', network: 'nat' } };
    assert.ok(judge(daily, from(work(), next)).of('access_origin') < 4);
    assert.ok(judge(always, from(work(), next)).of('access_origin') < 1);
    assert.ok(judge(always, from(work(), elsewhere)).of('access_origin') > 5, 'its network is still a habit');
  });

  test('no address of a pool of forty is rare', () => {
    const source = (random: Random) => ({ source: { ip: `100.64.${random.next(40)}.9`, network: 'nat' } });
    const fleet = fleetOf({ access: (_n, _day, _session, random) => source(random) });
    const random = seeded(9);
    for (let i = 0; i < 40; i++) {
      const { of } = judge(fleet, from(work('agent-1', LATER + i * 3_000_000), source(random)));
      assert.ok(of('access_origin') < 4, `${of('access_origin')}`);
    }
  });
});

describe('credential', () => {
  const credential = (id: string, kind = 'service_account') => ({ credential: { id, kind } });

  test('a new one is a surprise, that of another identity a greater one', () => {
    const fleet = settled.restored();
    const fresh = judge(fleet, from(work(), credential('token-x')));
    const stolen = judge(settled.restored(), from(work(), credential('token-agent-3')));
    assert.ok(fresh.of('access_credential') > 4, `${fresh.of('access_credential')}`);
    assert.ok(stolen.of('access_credential') > fresh.of('access_credential') + 2);
    assert.ok(fresh.patterns.has('first_seen_credential'), [...fresh.patterns].join());
    assert.ok(stolen.patterns.has('foreign_credential'), [...stolen.patterns].join());
    assert.ok(fresh.bits < fleet.prior.alert_bits);
  });

  test('one after the other is less of a surprise, learned or not; the same one again is as strange as before', () => {
    const fleet = settled.restored();
    const bits = (id: string): number => judge(fleet, from(work(), credential(id))).of('access_credential');
    const [first, again, second, third] = [bits('token-x'), bits('token-x'), bits('token-y'), bits('token-z')];
    assert.equal(again, first);
    assert.ok(second < first - 1 && third < second, [first, second, third].join(' '));
  });

  test('a kind never used is named', () => {
    const { drafts } = judge(settled.restored(), from(work(), credential('token-agent-1', 'api_key')));
    const draft = drafts.find((one) => one.pattern === 'first_seen_credential_kind')!;
    assert.equal(draft.subject?.value, 'api_key');
  });

  test('credentials renewed for every session, or shared by all, surprise nobody', () => {
    const renewed = fleetOf({ access: (n, day, session) => credential(`t-${n}-${day}-${session}`) });
    assert.ok(judge(renewed, from(work(), credential('t-next'))).of('access_credential') < 1);
    const shared = fleetOf({ access: () => credential('shared') });
    assert.equal(judge(shared, from(work(), credential('shared'))).of('access_credential'), 0);
    assert.ok(judge(shared, from(work('newcomer'), credential('shared'))).of('access_credential') < 1);
  });
});

describe('hour', () => {
  const at = (day: number, hour: number): number =>
    MONDAY - 9 * UNITS.HOUR_MS + (14 + day) * UNITS.DAY_MS + hour * UNITS.HOUR_MS;
  const night = (identity: string, fleet: Fleet): number => judge(fleet, work(identity, at(1, 3))).of('access_hour');

  test('an hour in which neither the identity nor its peers act is a surprise, and no alert', () => {
    const fleet = fleetOf({});
    const { of, bits, drafts } = judge(fleet, work('agent-1', at(1, 3)));
    assert.ok(of('access_hour') > 4, `${of('access_hour')}`);
    assert.ok(bits < fleet.prior.alert_bits);
    const draft = drafts.find((one) => one.pattern === 'unusual_hour')!;
    assert.match(
      draft.sentence,
      /acts at 03:00 UTC on a working day, an hour in which it was never seen active before/,
    );
    assert.equal(judge(fleet, work('agent-1', at(1, 10))).of('access_hour'), 0);
  });

  test('night shifts, other time zones and an hour of summer time are no surprise', () => {
    const fleet = fleetOf({ begins: (n) => (n === 1 ? 0 : n === 2 ? 15 : 8) });
    assert.equal(night('agent-1', fleet), 0);
    assert.equal(judge(fleet, work('agent-2', at(1, 22))).of('access_hour'), 0);
    assert.ok(judge(fleet, work('agent-3', at(1, 7))).of('access_hour') < 1);
    // Not its own hour, but that of a peer.
    assert.ok(night('agent-3', fleet) < night('agent-3', fleetOf({})));
  });

  test('what is new is not judged by its own few days', () => {
    const fleet = fleetOf({ days: 4, identities: 1 });
    fleet.prior = fleet.model.emptyPrior();
    assert.equal(night('agent-0', fleet), 0);
  });
});

describe('two places', () => {
  const home = accessOf('agent-1');
  const there = { ...home, source: { ip: '198.51.100.4', network: 'internet' } };
  const turns = (accesses: readonly Access[], gap_ms = UNITS.MINUTE_MS): CanonicalEvent[] =>
    accesses.map((access, i) => ({
      ...event({ identity: 'agent-1', time: LATER + i * gap_ms, tool: 'read_customer', resources: ['customer-1'] }),
      ...access,
    }));

  test('a credential that goes to and fro grows more surprising, a single move is none', () => {
    const fleet = settled.restored();
    assert.equal(judge(fleet, turns([home, home, there, there])).of('two_places'), 0);
    const bits = (n: number) =>
      judge(settled.restored(), turns(Array.from({ length: n }, (_, i) => (i % 2 === 0 ? home : there)))).of(
        'two_places',
      );
    assert.ok(bits(3) > 4, `${bits(3)}`);
    assert.ok(bits(18) > bits(3) + 3, `${bits(18)}`);
    const { drafts } = judge(settled.restored(), turns([home, there, home, there]));
    const draft = drafts.find((one) => one.pattern === 'two_places')!;
    assert.equal(draft.subject?.value, 'token-agent-1');
    assert.match(draft.sentence, /all within 2 minutes \(1 return so far\); none of \d+ learned sessions had that\.$/);
  });

  test('hours between them, or another credential, make it two visits', () => {
    assert.equal(judge(settled.restored(), turns([home, there, home], UNITS.HOUR_MS)).of('two_places'), 0);
    const other = { ...there, credential: { id: 'other' } };
    assert.equal(judge(settled.restored(), turns([home, other, home])).of('two_places'), 0);
  });

  test('who always works from two places at once has learned that it does', () => {
    const fleet = new Fleet();
    for (let i = 0; i < 200; i++) {
      const time = MONDAY + i * UNITS.HOUR_MS;
      const events = ordinarySession(seeded(i), time, 'agent-1').map((one, n) => ({
        ...one,
        ...(n % 2 === 0 ? home : there),
      }));
      fleet.session(events);
      if (i % 20 === 0) fleet.adoptPrior();
    }
    assert.ok(judge(fleet, turns([home, there, home])).of('two_places') < 2);
  });
});

test('on stationary identities a surprise of so many bits comes no more often than it says', () => {
  const fleet = new Fleet();
  const random = seeded(21);
  // Skewed, discrete and sparse: addresses by a power law, from a pool of 25, or one with a rare other; and a rare VPN.
  const draw = (n: number): Access => {
    const u = random.next(1000);
    const block = n < 4 ? Math.floor((60 * u * u * u) / 1e9) : n < 8 ? random.next(25) : u < 30 ? random.next(200) : 0;
    const network = random.next(1000) < 2 * n ? 'vpn' : 'office';
    return { source: { ip: `10.${n}.${block}.1`, network }, credential: { id: `c${n}-${random.next(500) === 0}` } };
  };
  const reached = { access_origin: new Array(9).fill(0), access_credential: new Array(9).fill(0) };
  let sessions = 0;
  for (let i = 0; i < 500; i++) {
    for (let n = 0; n < 12; n++) {
      const one = { ...event({ identity: `a-${n}`, time: MONDAY + i * UNITS.HOUR_MS, tool: 't' }), ...draw(n) };
      const [score] = fleet.session([one]);
      if (i < 60) continue;
      sessions++;
      for (const [name, counts] of Object.entries(reached)) {
        for (let b = 0; b < 9; b++) if (score!.parts[part(fleet, name)]! >= b) counts[b]++;
      }
    }
    if (i % 24 === 0) fleet.adoptPrior();
  }
  for (const [name, counts] of Object.entries(reached)) {
    for (let b = 1; b < 9; b++) {
      const allowed = sessions / 2 ** b;
      assert.ok(counts[b] <= allowed + 2 * Math.sqrt(allowed), `${name}: ${counts[b]} of ${sessions} reach ${b} bits`);
    }
    assert.ok(counts[3] > 0, `${name} is deaf`);
  }
});
