import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FindingDraft } from '../../detectors/contract.ts';
import type { Touch } from '../../schemas/directive.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import { type EventSketch, event, Fleet, MONDAY, seeded } from './fleet.ts';

/** Versions that change, declared and not, and what of a baseline a declared change makes uncertain. */

const { DAY_MS, MINUTE_MS } = UNITS;
const DAYS = 8;
const LATER = MONDAY + DAYS * DAY_MS;
const AGENTS = ['agent-0', 'agent-1', 'agent-2', 'agent-3', 'agent-4'];

type Release = { readonly version?: string; readonly tool_version?: string };

/** Reads a few pages by a tool of a server and answers. */
function session(identity: string, time: number, salt: number, release: Release): CanonicalEvent[] {
  const of = (sketch: EventSketch): CanonicalEvent => event({ identity, server: 'pages', ...release, ...sketch });
  return [
    of({ time, tool: 'search', operation: 'search', volume: { bytes_in: 40, bytes_out: 900 } }),
    of({
      time: time + 1000,
      tool: 'read',
      resources: [`page-${salt % 20}`],
      volume: { bytes_in: 30, bytes_out: 2000 },
    }),
    of({ time: time + 2000, tool: 'answer', operation: 'store', resources: [`mail-${salt % 20}`] }),
  ];
}

function worked(release: (identity: string, day: number, n: number) => Release = () => FIRST): Fleet {
  const fleet = new Fleet();
  const random = seeded(3);
  for (let day = 0; day < DAYS; day++) {
    for (let n = 0; n < 12; n++) {
      for (const [i, identity] of AGENTS.entries()) {
        const time = MONDAY + day * DAY_MS + n * 40 * MINUTE_MS + i * 1000;
        fleet.session(session(identity, time, random.next(20), release(identity, day, n)));
      }
    }
    fleet.adoptPrior();
  }
  return fleet;
}
const FIRST: Release = { version: 'r1', tool_version: '1.4.0' };

function scoredBy(fleet: Fleet, one: CanonicalEvent): { bits: number; total: number; draft: FindingDraft | undefined } {
  const input = fleet.input(one);
  const score = fleet.model.score(input);
  const index = fleet.model.detectors.findIndex(({ name }) => name === 'version_change');
  const drafts = fleet.model.explain(input, score, 1);
  return {
    bits: score.parts[index] ?? Number.NaN,
    total: score.bits,
    draft: drafts.find(({ detector }) => detector === 'version_change'),
  };
}

const search = (identity: string, release: Release): CanonicalEvent =>
  event({ identity, time: LATER, server: 'pages', tool: 'search', operation: 'search', ...release });

describe('versions', () => {
  test('a version the identity never had is a finding of its own, and says so', () => {
    const { bits, draft } = scoredBy(worked(), search('agent-0', { ...FIRST, version: 'r2' }));
    assert.ok(bits > 6, `${bits}`);
    assert.equal(draft?.pattern, 'first_seen_version');
    assert.deepEqual(draft?.subject, { kind: 'version', value: 'r2' });
    assert.equal(draft?.sentence, 'The identity acts as version r2, which it never was in 96 learned sessions.');
  });

  test('so is a version of a server it knows', () => {
    const { bits, draft } = scoredBy(worked(), search('agent-0', { ...FIRST, tool_version: '2.0.0' }));
    assert.ok(bits > 6, `${bits}`);
    assert.equal(draft?.pattern, 'first_seen_tool_version');
    assert.deepEqual(draft?.subject, { kind: 'tool_version', value: 'pages 2.0.0' });
  });

  test('the version it had, one of a server it did not know, and the first one that is stated at all are none', () => {
    assert.equal(scoredBy(worked(), search('agent-0', FIRST)).bits, 0);
    const elsewhere = { ...search('agent-0', FIRST), tool: { name: 'draw', server: 'board', version: '9.1' } };
    assert.equal(scoredBy(worked(), elsewhere).bits, 0);
    const silent = worked(() => ({}));
    assert.equal(scoredBy(silent, search('agent-0', FIRST)).bits, 0);
  });

  test('peers that took the version up vouch for it', () => {
    const fleet = worked();
    const alone = scoredBy(fleet, search('agent-0', { ...FIRST, version: 'r2' }));
    for (const [i, peer] of ['agent-1', 'agent-2', 'agent-3'].entries()) {
      fleet.session(session(peer, LATER + i * MINUTE_MS, i, { ...FIRST, version: 'r2' }));
    }
    fleet.adoptPrior();
    const later = scoredBy(fleet, search('agent-0', { ...FIRST, version: 'r2' }));
    assert.ok(later.bits < alone.bits / 3, `${later.bits} after ${alone.bits}`);
    const another = scoredBy(fleet, search('agent-0', { ...FIRST, version: 'r3' }));
    assert.ok(another.bits > 2 * later.bits, 'nobody vouches for another one');
  });

  test('who is released every day says little with a new version', () => {
    const restless = worked((_identity, day) => ({ ...FIRST, version: `build-${day}` }));
    const bits = scoredBy(restless, search('agent-0', { ...FIRST, version: 'build-8' })).bits;
    assert.ok(bits < 5, `${bits}`);
    assert.ok(bits < scoredBy(worked(), search('agent-0', { ...FIRST, version: 'r2' })).bits - 2);
  });

  test('a learned version is known, a held one stays new', () => {
    const fleet = worked();
    const next = { ...FIRST, version: 'r2' };
    fleet.session(session('agent-0', LATER, 1, next), { learn: false });
    assert.ok(scoredBy(fleet, search('agent-0', next)).bits > 6);
    fleet.session(session('agent-0', LATER + DAY_MS, 1, next));
    assert.equal(scoredBy(fleet, search('agent-0', next)).bits, 0);
  });

  test('several new tools within a day are another set of tools', () => {
    const fleet = worked();
    const use = (tool: string, at: number): CanonicalEvent =>
      event({ identity: 'agent-0', time: LATER + at, server: 'kit', tool, ...FIRST, version: 'r2' });
    fleet.session([use('cut', 0), use('glue', 1000)], { learn: false });
    const { draft } = scoredBy(fleet, { ...use('paint', 2000), identity: { id: 'agent-0', kind: 'agent' } });
    assert.equal(draft?.pattern, 'tool_set_change');
    assert.match(
      draft?.sentence ?? '',
      /paint is one of 3 tools that neither it nor its (peer group|peers \(5 identities that use like tools\)) used before/,
    );
    const slowly = worked();
    for (const [i, tool] of ['cut', 'glue'].entries()) slowly.session([use(tool, 2 * i * DAY_MS)], { learn: false });
    assert.notEqual(
      scoredBy(slowly, { ...use('paint', 4 * DAY_MS), identity: { id: 'agent-0', kind: 'agent' } }).draft?.pattern,
      'tool_set_change',
    );
  });
});

describe('a declared change', () => {
  const declared = (touches: readonly Touch[]): Fleet => {
    const fleet = worked();
    fleet.model.relearn(fleet.stateOf('agent-0'), touches, LATER);
    return fleet;
  };
  const retooled = event({
    identity: 'agent-0',
    time: LATER,
    server: 'kit',
    tool: 'paint',
    operation: 'execute',
    resources: ['page-1'],
    ...FIRST,
    version: 'r2',
  });
  const heavy = event({
    identity: 'agent-0',
    time: LATER,
    server: 'pages',
    tool: 'read',
    resources: [{ id: 'page-1', classification: 'restricted' }],
    volume: { bytes_out: 1e9 },
    ...FIRST,
  });
  const elsewhere = event({ ...FIRST, identity: 'agent-0', time: LATER, tool: 'read', resources: ['vault-1'] });

  test('of tools makes new tools and their order no surprise, and leaves volume and resources on guard', () => {
    const [before, after] = [worked(), declared(['tools'])];
    assert.ok(scoredBy(after, retooled).total < 0.6 * scoredBy(before, retooled).total);
    assert.ok(scoredBy(after, heavy).total > 0.99 * scoredBy(before, heavy).total);
  });

  test('of data quiets volume and resources, and leaves tools on guard', () => {
    const [before, after] = [worked(), declared(['data'])];
    assert.ok(scoredBy(after, heavy).total < 0.6 * scoredBy(before, heavy).total);
    assert.ok(scoredBy(after, elsewhere).total < scoredBy(before, elsewhere).total);
    const unknown = event({ ...FIRST, identity: 'agent-0', time: LATER, tool: 'paint', operation: 'execute' });
    assert.ok(scoredBy(after, unknown).total > 0.7 * scoredBy(before, unknown).total);
  });

  test('of model or prompt leaves volume, resources and access on guard', () => {
    const before = worked();
    for (const touch of ['model', 'prompt'] as const) {
      const after = declared([touch]);
      assert.ok(scoredBy(after, heavy).total > 0.99 * scoredBy(before, heavy).total);
      assert.ok(scoredBy(after, retooled).total < scoredBy(before, retooled).total);
    }
  });

  test('keeps what was learned: the old way of working is still known', () => {
    const after = declared(['model', 'prompt', 'tools', 'data', 'access']);
    assert.equal(scoredBy(after, search('agent-0', FIRST)).bits, 0);
    assert.ok(scoredBy(after, search('agent-0', FIRST)).total <= scoredBy(worked(), search('agent-0', FIRST)).total);
  });

  test('is shown, and ends after so many sessions or two weeks', () => {
    const fleet = declared(['tools']);
    const { model } = fleet;
    assert.deepEqual(model.profile(fleet.stateOf('agent-0')).relearning, [{ part: 'tools', sessions_left: 32 }]);
    assert.deepEqual(model.profile(fleet.stateOf('agent-1')).relearning, []);
    for (let i = 0; i < 32; i++) fleet.session(session('agent-0', LATER + i * MINUTE_MS, i, FIRST));
    assert.deepEqual(model.profile(fleet.stateOf('agent-0')).relearning, []);
    const rare = declared(['tools']);
    rare.session(session('agent-0', LATER + 15 * DAY_MS, 1, FIRST));
    assert.deepEqual(rare.model.profile(rare.stateOf('agent-0')).relearning, []);
  });

  test('survives a restart bit for bit', () => {
    const fleet = declared(['tools', 'data']);
    const copy = fleet.restored();
    fleet.adoptPrior();
    assert.deepEqual(copy.words('agent-0'), fleet.words('agent-0'));
    assert.equal(scoredBy(copy, retooled).total, scoredBy(fleet, retooled).total);
  });

  test('names only detectors that exist', () => {
    const { model } = worked();
    const names = new Set(model.detectors.map(({ name }) => name));
    const touched = model.touchedBy(['model', 'prompt', 'tools', 'data', 'access']);
    for (const name of touched) assert.ok(names.has(name), name);
    assert.ok(!model.touchedBy(['tools']).includes('window_volume'));
    assert.ok(!model.touchedBy(['data']).includes('access_origin'));
  });
});
