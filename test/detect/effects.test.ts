import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EffectReport, EffectWatch } from '../../schemas/effect.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Outputs } from '../../schemas/outputs.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { fakeModel } from '../support/fake-model.ts';
import { DAY_MS, eventOf, HOUR_MS, type Lane, laneOf, MINUTE_MS, NOON_MS, orderedModel } from './support.ts';

const FROM_MS = NOON_MS + MINUTE_MS;
const UNTIL_MS = FROM_MS + 2 * HOUR_MS;

const containmentOf = (n: number): string => n.toString(16).padStart(32, '0');

function orderOf(over: Partial<EffectWatch> = {}): DetectRecord {
  const predicate = { tenant: 'default', identity: 'agent', tool: 'mail.send' };
  const times = { from: FROM_MS, until: UNTIL_MS };
  return {
    type: 'effect_watch',
    watch: { containment: containmentOf(1), action: 'restrict_tool', predicate, ...times, ...over },
  };
}

type Told = Partial<CanonicalEvent> & { readonly identity_id?: string };

/** A call of the restricted tool, or of another one, that went through unless it says otherwise. */
function called(id: string, time: number, { identity_id = 'agent', ...over }: Told = {}): DetectRecord {
  const event = { ...eventOf(id, { identity: identity_id, time }), tool: { name: 'mail.send' }, ...over };
  return { type: 'event', event };
}
const other = (id: string, time: number, over: Told = {}): DetectRecord =>
  called(id, time, { tool: { name: 'search' }, ...over });
const DENIED = { outcome: { status: 'denied' as const } };

/** A worker that knows the agent, with its effect watched from a minute after noon on. */
function watching(over: Partial<EffectWatch> = {}): Lane {
  const lane = laneOf(orderedModel(fakeModel()));
  lane.tell(called('before', NOON_MS - MINUTE_MS), NOON_MS - MINUTE_MS);
  assert.deepEqual(lane.tell(orderOf(over), NOON_MS).effects, []);
  return lane;
}

const at = (lane: Lane, record: (time: number) => DetectRecord, time: number): Outputs => lane.tell(record(time), time);
const tick = (lane: Lane, time: number): EffectReport[] => lane.tell({ type: 'tick' }, time).effects;
const essence = ({ finding, permitted, refused, others }: EffectReport) => ({ finding, permitted, refused, others });

describe('a containment that does not hold', () => {
  test('is reported with the first event that went through, and is an alert of its own', () => {
    const lane = watching();
    // The story that led to it is still open, in the very same session.
    const [first] = at(lane, (time) => called('!loud', time), NOON_MS + 10_000).alerts;
    const { effects, alerts, findings } = at(lane, (time) => called('again', time), FROM_MS + MINUTE_MS);
    const [alert] = alerts;
    assert.ok(first !== undefined && alert !== undefined && alerts.length === 1);
    assert.notEqual(alert.alert.uid, first.alert.uid);
    assert.deepEqual([alert.alert.revision, alert.alert.status], [1, 'open']);
    const [row] = findings;
    assert.deepEqual(
      [row?.finding.detector, row?.finding.pattern, row?.finding.family, row?.alert_uid],
      ['containment_effect', 'restricted_tool_used', 'tool_usage', alert.alert.uid],
    );
    assert.equal(row?.finding.evidence[0]?.id, 'again');
    const [report] = effects;
    assert.ok(report !== undefined && effects.length === 1);
    assert.deepEqual(essence(report), { finding: 'failed', permitted: 1, refused: 0, others: 0 });
    assert.deepEqual([report.alert_uid, report.time], [alert.alert.uid, FROM_MS + MINUTE_MS]);
    assert.deepEqual(
      report.evidence.map(({ id }) => id),
      ['again'],
    );
  });

  test('is told again as it doubles, and its last word counts everything', () => {
    const lane = watching();
    const revisions = [1, 2, 3, 4, 5].map(
      (n) => at(lane, (time) => called(`c${n}`, time), FROM_MS + n * MINUTE_MS).alerts.length,
    );
    assert.deepEqual(revisions, [1, 1, 0, 1, 0]);
    at(lane, (time) => called('no', time, DENIED), FROM_MS + 6 * MINUTE_MS);
    at(lane, (time) => other('else', time), FROM_MS + 7 * MINUTE_MS);
    const [report, ...more] = tick(lane, UNTIL_MS);
    assert.ok(report !== undefined && more.length === 0);
    assert.deepEqual(essence(report), { finding: 'failed', permitted: 5, refused: 1, others: 1 });
    assert.deepEqual(report.evidence.at(-1)?.id, 'no');
    assert.deepEqual(tick(lane, UNTIL_MS + HOUR_MS), [], 'and is not watched any more');
  });

  test('opens another alert once the first is long over, and none at once after a judgement', () => {
    const lane = watching({ until: FROM_MS + 2 * DAY_MS });
    const [first] = at(lane, (time) => called('one', time), FROM_MS).alerts;
    const { uid } = first!.alert;
    const judged = { alert_uid: uid, tenant: 'default', identity: 'agent', author: 'ana', time: 0 };
    lane.tell({ type: 'verdict', verdict: { ...judged, verdict: 'true_positive' } }, FROM_MS + MINUTE_MS);
    assert.deepEqual(at(lane, (time) => called('two', time), FROM_MS + 2 * MINUTE_MS).alerts, []);
    const [later] = at(lane, (time) => called('three', time), FROM_MS + LIMITS.alert_quiet_ms).alerts;
    assert.equal(later?.alert.revision, 1);
    assert.notEqual(later?.alert.uid, uid);
  });

  test('is told whatever directives say', () => {
    const lane = watching();
    const suppress = {
      uid: 'd'.repeat(32),
      tenant: 'default',
      scope: { identity: 'agent' },
      effect: { kind: 'suppress' as const },
      author: 'ana',
      reason: 'loud',
      time: 0,
    };
    lane.tell({ type: 'directive', change: { op: 'set', directive: suppress } }, NOON_MS);
    assert.equal(at(lane, (time) => called('again', time), FROM_MS).alerts.length, 1);
  });

  test('keeps the session from being learned', () => {
    const lane = watching();
    at(lane, (time) => called('again', time), FROM_MS);
    tick(lane, FROM_MS + LIMITS.session_idle_ms);
    assert.equal(lane.worker.takeTallies().sessions_held, 1);
  });

  test('may say nothing of its outcome and counts as gone through; an error counts as refused', () => {
    const lane = watching();
    const status = (one: 'unknown' | 'error') => ({ outcome: { status: one } });
    assert.deepEqual(at(lane, (time) => called('e', time, status('error')), FROM_MS).effects, []);
    assert.equal(at(lane, (time) => called('u', time, status('unknown')), FROM_MS).effects.length, 1);
  });
});

describe('a containment that holds', () => {
  test('is verified at the end by what was refused', () => {
    const lane = watching();
    for (const n of [1, 2]) at(lane, (time) => called(`c${n}`, time, DENIED), FROM_MS + n);
    assert.deepEqual(tick(lane, UNTIL_MS - 1), []);
    const [report] = tick(lane, UNTIL_MS);
    assert.deepEqual(report && essence(report), { finding: 'verified', permitted: 0, refused: 2, others: 0 });
    assert.match(report?.why ?? '', /was tried twice and never went through/);
  });

  test('is verified by the other work of the identity, or by what else its source tells', () => {
    const busy = watching();
    at(busy, (time) => other('else', time), FROM_MS + HOUR_MS);
    assert.equal(tick(busy, UNTIL_MS)[0]?.finding, 'verified');
    const silent = watching();
    at(silent, (time) => other('neighbour', time, { identity_id: 'agent-2' }), FROM_MS + HOUR_MS);
    const [report] = tick(silent, UNTIL_MS);
    assert.deepEqual(report && essence(report), { finding: 'verified', permitted: 0, refused: 0, others: 0 });
  });

  test('is untested where nothing could have been seen', () => {
    const lane = watching();
    at(lane, (time) => other('elsewhere', time, { identity_id: 'agent-2', origin: 'another' }), FROM_MS + HOUR_MS);
    // Came in time, but tells of before.
    lane.tell(other('old', FROM_MS - 1, { identity_id: 'agent-2' }), FROM_MS + HOUR_MS);
    assert.equal(tick(lane, UNTIL_MS)[0]?.finding, 'untested');
  });

  test('is the concern of its predicate alone', () => {
    const whose = { tenant: 'default', identity: 'agent' };
    const cases = [
      [{ ...whose, session: 's' }, { session: 't' }],
      [
        { ...whose, credential: 'k1' },
        { session: 's', credential: { id: 'k2', kind: 'api_key' as const } },
      ],
      [{ ...whose, classification: 'restricted' }, { resources: [{ id: 'r', classification: 'internal' }] }],
    ] as const;
    for (const [predicate, innocent] of cases) {
      const lane = watching({ predicate });
      const { resources = [], ...rest } = innocent as Told;
      assert.deepEqual(at(lane, (time) => other('x', time, { ...rest, resources }), FROM_MS).effects, []);
      const guilty = {
        ...((predicate as { session?: string }).session === undefined ? {} : { session: 's' }),
        credential: { id: 'k1', kind: 'api_key' as const },
        resources: [{ id: 'q' }, { id: 'r', classification: 'restricted' }],
      };
      const [report] = at(lane, (time) => other('y', time, guilty), FROM_MS + 1).effects;
      assert.deepEqual(report && essence(report), { finding: 'failed', permitted: 1, refused: 0, others: 1 });
    }
  });

  test('is not held against what came before it, nor verified by what claims to have', () => {
    const lane = watching();
    lane.tell(called('in flight', FROM_MS - 1), FROM_MS + 1_000);
    at(lane, (time) => called('no', time, DENIED), FROM_MS + HOUR_MS);
    assert.equal(tick(lane, UNTIL_MS)[0]?.finding, 'verified');
    const liar = watching();
    liar.tell(called('backdated', FROM_MS - 1), FROM_MS + LIMITS.lateness_ms);
    at(liar, (time) => called('no', time, DENIED), FROM_MS + HOUR_MS);
    const [report] = tick(liar, UNTIL_MS);
    assert.deepEqual(report && essence(report), { finding: 'untested', permitted: 0, refused: 1, others: 0 });
  });
});

describe('an order to watch', () => {
  test('that comes again changes nothing, and one more than there is room for is answered at once', () => {
    const lane = watching();
    at(lane, (time) => called('one', time, DENIED), FROM_MS);
    lane.tell(orderOf(), FROM_MS + 1);
    for (let n = 2; n <= LIMITS.effect_watches_per_identity_max; n++) {
      assert.deepEqual(lane.tell(orderOf({ containment: containmentOf(n) }), FROM_MS + 1).effects, []);
    }
    const [refused] = lane.tell(orderOf({ containment: containmentOf(99) }), FROM_MS + 1).effects;
    assert.deepEqual([refused?.containment, refused?.finding], [containmentOf(99), 'untested']);
    const reports = tick(lane, UNTIL_MS);
    assert.equal(reports.length, LIMITS.effect_watches_per_identity_max);
    assert.equal(reports.find(({ containment }) => containment === containmentOf(1))?.refused, 1);
  });

  test('about somebody who is not known here is answered at once', () => {
    const lane = laneOf(orderedModel(fakeModel()));
    const [report] = lane.tell(orderOf(), NOON_MS).effects;
    assert.deepEqual([report?.finding, report?.time], ['untested', NOON_MS]);
  });

  test('is kept with the identity, which its end wakes', () => {
    const lane = watching();
    at(lane, (time) => called('no', time, DENIED), FROM_MS);
    assert.equal(lane.evict(0), 1);
    assert.equal(lane.worker.resident, 0);
    assert.deepEqual(tick(lane, UNTIL_MS - 1), []);
    lane.evict(0);
    assert.equal(lane.worker.resident, 0);
    const [report] = tick(lane, UNTIL_MS);
    assert.deepEqual(report && essence(report), { finding: 'verified', permitted: 0, refused: 1, others: 0 });
  });

  test('leaves nothing behind in the state of an identity once it is over', () => {
    const told = watching();
    tick(told, UNTIL_MS);
    const plain = laneOf(orderedModel(fakeModel()));
    plain.tell(called('before', NOON_MS - MINUTE_MS), NOON_MS - MINUTE_MS);
    plain.tell({ type: 'tick' }, NOON_MS);
    plain.tell({ type: 'tick' }, UNTIL_MS);
    const blobOf = (lane: Lane): string =>
      Buffer.from(lane.worker.checkpoint().identities[0]!.bytes).toString('latin1');
    assert.equal(blobOf(told), blobOf(plain));
  });
});

describe('an identity of a recording', () => {
  const THEN_MS = Date.UTC(2025, 0, 1, 12);
  const recorded = (record: DetectRecord, time: number): DetectRecord => ({ ...record, at: time });

  function replayed(): Lane {
    const lane = laneOf(orderedModel(fakeModel()));
    lane.tell(recorded(called('before', THEN_MS), THEN_MS), NOON_MS);
    lane.tell(orderOf(), NOON_MS);
    return lane;
  }

  test('is watched on the clock of the recording', () => {
    const lane = replayed();
    const early = THEN_MS + MINUTE_MS - 1;
    assert.deepEqual(lane.tell(recorded(called('grace', early), early), NOON_MS).effects, []);
    const late = THEN_MS + MINUTE_MS;
    const [report] = lane.tell(recorded(called('after', late), late), NOON_MS).effects;
    assert.deepEqual([report?.finding, report?.time], ['failed', late]);
    assert.deepEqual(tick(lane, UNTIL_MS + DAY_MS), [], 'live time is not its time');
    const end = THEN_MS + MINUTE_MS + 2 * HOUR_MS;
    assert.equal(lane.tell(recorded({ type: 'tick' }, end), NOON_MS).effects[0]?.permitted, 1);
  });

  test('is watched as it was ordered again when it goes on live, however long the recording stood still', () => {
    const lane = replayed();
    const half = THEN_MS + HOUR_MS;
    lane.tell(recorded(other('half', half), half), NOON_MS);
    const now = NOON_MS + HOUR_MS;
    lane.tell(other('live', now), now);
    assert.deepEqual(tick(lane, UNTIL_MS - 1), []);
    const [report] = tick(lane, UNTIL_MS);
    assert.deepEqual([report?.time, report?.permitted, report?.others], [UNTIL_MS, 0, 2]);
  });

  test('is caught by its first live event after the grace', () => {
    const lane = replayed();
    const now = NOON_MS + MINUTE_MS;
    const [report] = lane.tell(called('live', now), now + 50).effects;
    assert.deepEqual([report?.finding, report?.permitted], ['failed', 1]);
  });

  test('finds the watch over when it goes on live too late', () => {
    const lane = replayed();
    const [report] = lane.tell(called('late', UNTIL_MS + DAY_MS), UNTIL_MS + DAY_MS).effects;
    assert.equal(report?.permitted, 0);
    assert.notEqual(report?.finding, 'failed');
  });
});
