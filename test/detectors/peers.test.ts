import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { peerGroupOf } from '../../detectors/contract.ts';
import { Group, KIND, keyOf } from '../../detectors/group.ts';
import { AT, TOOL_ENTRIES, WORDS } from '../../detectors/layout.ts';
import { increment, mostCounted } from '../../detectors/math/count-table.ts';
import { hashText } from '../../detectors/math/hash.ts';
import { merge } from '../../detectors/merged.ts';
import { createModel } from '../../detectors/model.ts';
import { clustersOf } from '../../detectors/peers/clusters.ts';
import { labelOf } from '../../detectors/peers/label.ts';
import { partOf } from '../../detectors/peers/parts.ts';
import type { OpenPrior } from '../../detectors/prior.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import { event, Fleet, MONDAY, seeded } from './fleet.ts';

const KIND_GROUP = peerGroupOf(event());
const model = createModel();
const toolKey = (tool: string): number => keyOf(KIND.tool, hashText(tool));

/** The tools of two teams that have nothing but a search in common. */
const TEAMS = {
  support: ['read_ticket', 'answer_ticket', 'search'],
  finance: ['read_invoice', 'match_order', 'search'],
} as const;
type Team = keyof typeof TEAMS;

function sessionOf(team: Team, identity: string, time: number, group?: string): CanonicalEvent[] {
  const [first, second, third] = TEAMS[team];
  return [first, second, first, second, third].map((tool, i) =>
    event({
      identity,
      tool,
      ...(group === undefined ? {} : { group }),
      time: time + i * 1000,
      resources: [`${tool}-${i}`],
      volume: { bytes_out: team === 'support' ? 500 : 500_000 },
    }),
  );
}

/** Two teams of five identities each that declare nothing, unless `declared`. */
function twoTeams(options: { days?: number; declared?: boolean } = {}): Fleet {
  const fleet = new Fleet();
  for (let day = 0; day < (options.days ?? 4); day++) {
    for (let i = 0; i < 6; i++) {
      const time = MONDAY + day * UNITS.DAY_MS + i * UNITS.HOUR_MS;
      for (const team of Object.keys(TEAMS) as Team[]) {
        for (let n = 0; n < 5; n++) {
          fleet.session(sessionOf(team, `${team}-${n}`, time + n, options.declared === true ? team : undefined));
        }
      }
    }
    fleet.adoptPrior();
  }
  return fleet;
}

describe('the label of an identity', () => {
  const wordsWith = (counts: readonly (readonly [string, number])[]): { u32: Uint32Array; at: number } => {
    const state = { u32: new Uint32Array(WORDS), at: 0 };
    for (const [tool, times] of counts) {
      for (let i = 0; i < times; i++) increment(state.u32, AT.tools, TOOL_ENTRIES, hashText(tool));
    }
    return state;
  };

  test('says which two tools it uses most, whichever of them leads', () => {
    const label = labelOf(
      wordsWith([
        ['a', 9],
        ['b', 5],
        ['c', 1],
      ]),
    );
    assert.equal(
      labelOf(
        wordsWith([
          ['c', 4],
          ['b', 9],
          ['a', 5],
        ]),
      ),
      label,
    );
    assert.notEqual(
      labelOf(
        wordsWith([
          ['a', 9],
          ['c', 5],
          ['b', 1],
        ]),
      ),
      label,
    );
    assert.equal(labelOf(wordsWith([])), 0);
    assert.notEqual(labelOf(wordsWith([['a', 1]])), 0);
  });

  test('the most counted keys come first, equals in one order whatever came before', () => {
    const tools = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(tools, (list) => {
        const counted = (order: readonly number[]): number[] => {
          const words = new Uint32Array(WORDS);
          for (const tool of order) increment(words, AT.tools, TOOL_ENTRIES, hashText(`tool ${tool}`));
          const into = new Uint32Array(3);
          return [...into.subarray(0, mostCounted(words, AT.tools, TOOL_ENTRIES, into))];
        };
        assert.deepEqual(counted(list), counted(list.toReversed()));
        assert.equal(counted(list).length, Math.min(3, new Set(list).size));
      }),
      { numRuns: 50 },
    );
  });
});

describe('groups that nobody declared', () => {
  test('teams are told apart by their tools, and each knows its own amounts', () => {
    const fleet = twoTeams();
    const profileOf = (identity: string) =>
      fleet.model.profile(fleet.stateOf(identity), { prior: fleet.prior, group: KIND_GROUP }).peers;
    const [support, finance] = [profileOf('support-0'), profileOf('finance-0')];
    assert.equal(support?.origin, 'derived');
    assert.match(support.name, /^tools:[0-9a-f]{8}$/);
    assert.notEqual(support.name, finance?.name);
    assert.deepEqual(profileOf('support-4'), support);
    assert.equal(support.members, 5);
    assert.equal(support.yardstick, 'peer_group');
    const open = fleet.prior as OpenPrior;
    const label = (identity: string): number => {
      const { u32, at } = fleet.stateOf(identity);
      return u32[at + AT.peer_label] as number;
    };
    const table = open.cluster(KIND_GROUP, label('support-0'))!.group;
    assert.ok(table.count(toolKey('read_ticket')) > 0);
    assert.equal(table.count(toolKey('read_invoice')), 0);
    assert.ok(open.group(KIND_GROUP)!.count(toolKey('read_invoice')) > 0);
  });

  test('a new identity is one of its team after its first session, and judged by its amounts', () => {
    const fleet = twoTeams();
    const time = fleet.log_ms + UNITS.DAY_MS;
    const [first] = fleet.session(sessionOf('support', 'newcomer', time));
    assert.ok(Number.isFinite(first!.bits));
    const peers = fleet.model.profile(fleet.stateOf('newcomer'), { prior: fleet.prior, group: KIND_GROUP }).peers;
    assert.equal(peers?.origin, 'derived');
    const volume = fleet.model.detectors.findIndex(({ name }) => name === 'event_volume');
    const large = event({ identity: 'newcomer', tool: 'search', time: time + 9000, volume: { bytes_out: 500_000 } });
    const of = (identity: string): number =>
      fleet.model.score(fleet.input({ ...large, identity: { ...large.identity, id: identity } })).parts[volume]!;
    assert.ok(of('newcomer') > of('nobody-before') + 2, `${of('newcomer')} against ${of('nobody-before')} bits`);
  });

  test('a new identity that walks through what none of its peers ever touched is seen in its first session', () => {
    const fleet = twoTeams();
    const sweep = fleet.model.detectors.findIndex(({ name }) => name === 'resource_sweep');
    const time = fleet.log_ms + UNITS.DAY_MS;
    const walk = Array.from({ length: 30 }, (_, i) =>
      event({ identity: 'newcomer', tool: 'search', time: time + i * 1000, resources: [`record-${i}`] }),
    );
    const walked = fleet.session(walk, { learn: false }).map(({ parts }) => parts[sweep]!);
    assert.ok(walked[29]! > walked[4]! + 10, `${walked[4]} bits after five, ${walked[29]} after thirty`);
    const ordinary = fleet.session(sessionOf('support', 'colleague', time)).map(({ parts }) => parts[sweep]!);
    assert.deepEqual(
      ordinary.map((bits) => bits > 0),
      ordinary.map(() => false),
    );
  });

  test("a tool of another team's is news to a team, and the sentence says whose", () => {
    const fleet = twoTeams();
    const foreign = event({
      identity: 'support-1',
      tool: 'match_order',
      operation: 'store',
      time: fleet.log_ms + 1000,
    });
    const input = fleet.input(foreign);
    const drafts = fleet.model.explain(input, fleet.model.score(input), 1);
    const said = drafts.find(({ detector }) => detector === 'tool_frequency');
    assert.match(said?.sentence ?? '', /nor did its peers \(5 identities that use like tools\) in/);
  });

  test('dividing loses nothing: the whole knows what it would know of a declared group', () => {
    const [derived, declared] = [twoTeams(), twoTeams({ declared: true })];
    const population = (fleet: Fleet) => (fleet.prior as OpenPrior).population(KIND_GROUP)!;
    for (const tool of ['read_ticket', 'match_order', 'search']) {
      assert.equal(population(derived).count(toolKey(tool)), population(declared).count(toolKey(tool)));
    }
    assert.equal(population(derived).sessions, population(declared).sessions);
    assert.deepEqual(population(derived).windows, population(declared).windows);
    for (const group of declared.groups.values()) assert.equal((group as Group).parts.size, 0);
  });

  test('a restored fleet goes on bit for bit alike, parts included', () => {
    const original = twoTeams();
    const copy = original.restored();
    original.adoptPrior();
    for (let i = 0; i < 12; i++) {
      const time = MONDAY + 5 * UNITS.DAY_MS + i * UNITS.HOUR_MS;
      const [one, other] = [original, copy].map((fleet) =>
        fleet.session(sessionOf('finance', `finance-${i % 7}`, time)),
      );
      assert.deepEqual(one, other);
    }
    const bytes = (fleet: Fleet): Uint8Array => fleet.model.encodeGroup(fleet.groups.get(KIND_GROUP)!);
    assert.deepEqual(bytes(original), bytes(copy));
    assert.ok((original.groups.get(KIND_GROUP) as Group).parts.size >= 2);
  });
});

describe('parts of a group', () => {
  test('a flood of labels contends for one part, and nothing that was taught is lost', () => {
    const group = new Group();
    const regular = partOf(group, 1);
    regular.sessions = 1000;
    regular.add(toolKey('habit'), 1000);
    for (let label = 2; label < 500; label++) {
      const part = partOf(group, label);
      part.sessions += 8;
      part.add(toolKey('habit'), 1);
      part.add(toolKey(`tool ${label}`), 1);
    }
    assert.ok(group.parts.size <= 24);
    assert.equal(group.parts.get(1), regular);
    const all = [group, ...group.parts.values()];
    assert.equal(
      all.reduce((sum, part) => sum + part.count(toolKey('habit')), 0),
      1498,
    );
    assert.equal(
      all.reduce((sum, part) => sum + part.sessions, 0),
      1000 + 498 * 8,
    );
  });

  test('bytes round-trip; those of before there were parts are read; damaged ones are refused', () => {
    const group = new Group();
    group.add(toolKey('a'), 8);
    partOf(group, 7).add(toolKey('b'), 8);
    partOf(group, 3).members[1] = 5;
    const bytes = model.encodeGroup(group);
    assert.deepEqual(model.encodeGroup(model.decodeGroup(bytes)), bytes);
    const older = model.decodeGroup(group.encode()) as Group;
    assert.equal(older.count(toolKey('a')), 8);
    assert.equal(older.parts.size, 0);
    for (const length of [9, 200, bytes.length - 1]) {
      assert.throws(() => model.decodeGroup(bytes.subarray(0, length)), RangeError, `${length} bytes`);
    }
    assert.throws(() => model.decodeGroup(new Uint8Array([...bytes, 0])), RangeError);
  });

  test('clusters join what uses like tools, in any order of parts alike', () => {
    const partWith = (sessions: number, ...tools: (readonly [string, number])[]): Group => {
      const part = new Group();
      part.sessions = sessions;
      for (const [tool, count] of tools) part.add(toolKey(tool), count);
      return part;
    };
    const parts: [number, Group][] = [
      [0xa, partWith(80, ['read', 50], ['write', 40], ['list', 10])],
      [0xb, partWith(40, ['read', 30], ['list', 30], ['write', 25])],
      [0xc, partWith(90, ['pay', 60], ['match', 40])],
      [0xd, partWith(9, ['pay', 10], ['match', 3], ['read', 1])],
    ];
    const made = (order: readonly [number, Group][]) =>
      clustersOf(new Map(order.map(([label, part]) => [label, merge([part])]))).map(({ name, labels }) => [
        name,
        ...labels,
      ]);
    const expected = [
      ['tools:0000000c', 0xc, 0xd],
      ['tools:0000000a', 0xa, 0xb],
    ];
    assert.deepEqual(made(parts), expected);
    assert.deepEqual(made(parts.toReversed()), expected);
  });
});

test('a prior that ends with its groups is opened, without clusters', () => {
  const empty = model.buildPrior(new Map(), 100);
  const before = model.openPrior(empty.subarray(0, 6 * 4), 'older') as OpenPrior;
  assert.equal(before.cluster(KIND_GROUP, 1), undefined);
});

test('an identity of one session a day is quiet, and one a week is known by its tools from its second session on', () => {
  const fleet = twoTeams({ days: 3 });
  const random = seeded(5);
  for (let day = 3; day < 40; day++) {
    const time = MONDAY + day * UNITS.DAY_MS;
    for (let n = 0; n < 5; n++) fleet.session(sessionOf('support', `support-${n}`, time + n * 1000));
    const scores = [
      ...fleet.session(sessionOf('support', 'daily', time + random.next(UNITS.HOUR_MS))),
      ...(day % 7 === 0 ? fleet.session(sessionOf('finance', 'weekly', time + random.next(UNITS.HOUR_MS))) : []),
    ];
    fleet.adoptPrior();
    for (const { bits } of scores) assert.ok(bits < fleet.prior.alert_bits, `${bits} bits on day ${day}`);
  }
  const { peers } = fleet.model.profile(fleet.stateOf('weekly'), { prior: fleet.prior, group: KIND_GROUP });
  assert.equal(peers?.origin, 'derived');
});
