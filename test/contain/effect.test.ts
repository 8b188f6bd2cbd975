import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { ContainmentAction } from '../../schemas/alert.ts';
import type { Command } from '../../schemas/command.ts';
import { Containment, type ContainmentTerms } from '../../schemas/containment.ts';
import { Effect, type EffectReport } from '../../schemas/effect.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { DetectRecord } from '../../schemas/record.ts';
import { type Decision, decide } from '../../services/contain/machine.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import type { Responder } from '../../services/contain/responder.ts';
import { effectRecords } from '../../services/detect/effect-reports.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { gapOf } from '../../services/platform/gaps.ts';
import { identityKey, partitionOf } from '../../services/platform/partitioner.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { dispatched, leaveDispatching } from './dispatched.ts';
import { bootstrapPeople, type Desk, openDesk, recordingExecutor, respond, until } from './harness.ts';
import { contextOf, NOW, policyOf } from './samples.ts';

function after(decision: Decision): Containment {
  if (decision.kind === 'refused') assert.fail(`refused: ${decision.code}`);
  return Containment.parse(decision.next);
}

const ended = (kind: 'done' | 'failed' | 'unclear', over: Partial<ContainmentTerms> = {}, context = contextOf()) =>
  after(decide(dispatched(NOW, over), { type: 'report', result: { kind, detail: '' }, repeatable: false }, context));

const reportOf = (containment: string, over: Partial<EffectReport> = {}): EffectReport => ({
  containment,
  finding: 'verified',
  permitted: 0,
  refused: 0,
  others: 4,
  evidence: [],
  why: 'nothing of it was seen',
  time: NOW + UNITS.DAY_MS,
  ...over,
});

const told = (current: Containment, over: Partial<EffectReport>): Decision =>
  decide(current, { type: 'effect', report: reportOf(current.id, over) }, contextOf({ now: NOW + UNITS.DAY_MS }));

describe('what must no longer be seen', () => {
  const recommended = (action: ContainmentAction, target: string) =>
    ended('done', { recommendation: { action, target, parameters: {}, reason: '' } }).effect?.watch;

  test('follows from action and target', () => {
    const whose = { tenant: 'default', identity: 'agent-7' };
    const cases = [
      ['restrict_tool', 'mail.send', { tool: 'mail.send' }],
      ['restrict_data_class', 'restricted', { classification: 'restricted' }],
      ['quarantine_session', 's-1', { session: 's-1' }],
      ['revoke_credential', 'key-1', { credential: 'key-1' }],
      ['suspend_agent', 'agent-7', {}],
    ] as const;
    for (const [action, target, about] of cases) {
      const watch = recommended(action, target);
      assert.deepEqual(watch?.predicate, { ...whose, ...about });
      assert.equal(watch?.action, action);
    }
  });

  test('is watched from a grace on, for as long as the policy says', () => {
    const { from, until: end } = ended('done').effect!.watch;
    assert.deepEqual(
      [from, end],
      [NOW + LIMITS.effect_grace_ms, NOW + LIMITS.effect_grace_ms + LIMITS.effect_watch_ms],
    );
    const short = contextOf({ policy: policyOf({ effect_grace_ms: 0, effect_watch_ms: 5_000 }) });
    const { watch } = ended('done', {}, short).effect!;
    assert.deepEqual([watch.from, watch.until], [NOW, NOW + 5_000]);
  });

  test('is nothing where nothing was done, where something is taken back, and where no event can show it', () => {
    assert.equal(ended('failed').effect, undefined);
    assert.equal(ended('done', { origin: { kind: 'rollback', of: 'a'.repeat(32), why: 'w' } }).effect, undefined);
    assert.equal(recommended('restrict_tool', 'x'.repeat(LIMITS.name_chars_max + 1)), undefined);
  });

  test('of an unknown outcome is watched, and is for a human meanwhile', () => {
    assert.equal(ended('done').effect?.state, 'watching');
    assert.equal(ended('unclear').effect?.state, 'needs_human');
    const silent = { now: NOW + 60_000 + BUILT_IN_POLICY.executor_timeout_ms };
    assert.equal(after(decide(dispatched(NOW), { type: 'tick' }, contextOf(silent))).effect?.state, 'needs_human');
  });
});

describe('what telemetry says', () => {
  test('is the state of the effect', () => {
    for (const finding of ['failed', 'verified', 'untested'] as const) {
      const { state, effect } = after(told(ended('done'), { finding }));
      assert.deepEqual([state, effect?.state, effect?.report?.finding], ['succeeded', finding, finding]);
      assert.deepEqual(Effect.parse(effect), effect);
    }
  });

  test('settles an unknown outcome by calls only, never by silence', () => {
    const unknown = ended('unclear');
    const state = (over: Partial<EffectReport>) => after(told(unknown, over)).effect?.state;
    assert.equal(state({ finding: 'verified' }), 'needs_human');
    assert.equal(state({ finding: 'untested' }), 'needs_human');
    assert.equal(state({ finding: 'verified', refused: 1 }), 'verified');
    assert.equal(state({ finding: 'failed', permitted: 1 }), 'failed');
    assert.equal(after(told(unknown, {})).effect?.report?.finding, 'verified', 'and is shown in any case');
  });

  test('is taken once, but for a failure, which overrules and may grow', () => {
    const verified = after(told(ended('done'), {}));
    for (const finding of ['verified', 'untested'] as const) {
      assert.deepEqual(codeOf(told(verified, { finding })), 'effect_reported');
    }
    const failed = after(told(verified, { finding: 'failed', permitted: 1 }));
    assert.equal(failed.effect?.state, 'failed');
    assert.equal(codeOf(told(failed, { finding: 'verified' })), 'effect_reported');
    assert.equal(codeOf(told(failed, { finding: 'failed', permitted: 1 })), 'effect_reported', 'a repeat');
    const more = after(told(failed, { finding: 'failed', permitted: 7, time: NOW + UNITS.DAY_MS + 1 }));
    assert.equal(more.effect?.report?.permitted, 7);
  });

  test('is refused of what is not watched', () => {
    assert.equal(codeOf(told(ended('failed'), {})), 'effect_not_watched');
    assert.equal(codeOf(told(dispatched(NOW), {})), 'effect_not_watched');
    assert.equal(
      codeOf(decide(undefined, { type: 'effect', report: reportOf('x') }, contextOf())),
      'unknown_containment',
    );
  });
});

function codeOf(decision: Decision): string {
  return decision.kind === 'refused' ? decision.code : 'changed';
}

describe('the responder', () => {
  const PARTITIONS = 4;
  let clock: ManualClock;
  let log: EventLog;
  let desk: Desk;
  let responder: Responder;

  beforeEach(async () => {
    clock = manualClock();
    log = openSimulatedLog({ disk: newDisk({ partitions: PARTITIONS, random: () => 0.5 }), clock });
    await bootstrapPeople(log, clock);
    await leaveDispatching(log, clock);
    desk = await openDesk(log, clock);
    // It takes up the dispatch that it finds.
    responder = respond(log, clock, { executor: recordingExecutor() });
    await desk.reaches('succeeded');
  });

  afterEach(async () => {
    await responder.stop();
    await desk.view.close();
    await log.close();
  });

  /** What the partitions were sent. */
  async function sent(): Promise<{ partition: number; record: DetectRecord }[]> {
    const found: { partition: number; record: DetectRecord }[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { records } = await log.read(TOPICS.events, partition, 0, { records: 100, bytes: 1e6 });
      for (const { value } of records) {
        found.push({ partition, record: DetectRecord.parse(JSON.parse(value.toString())) });
      }
    }
    return found;
  }

  const OWN = partitionOf(identityKey('default', 'agent-7'), PARTITIONS);
  const bySystem = (body: object, id: string): Command =>
    ({ ...body, id, by: { issuer: SYSTEM.issuer, subject: SYSTEM.subject }, time: 0 }) as Command;

  test('asks the partition of the identity to watch, once', async () => {
    const { effect } = desk.only();
    assert.deepEqual(await sent(), [{ partition: OWN, record: { type: 'effect_watch', watch: effect?.watch } }]);
  });

  test('takes in what the partition reports, however often it does', async () => {
    const report = reportOf(desk.only().id, { finding: 'failed', permitted: 1, alert_uid: 'f'.repeat(32) });
    const records = effectRecords({ effects: [report] });
    await log.transact({ records: [...records, ...records] });
    const failed = await until(desk.view, () => (desk.only().effect?.state === 'failed' ? desk.only() : undefined));
    assert.deepEqual(failed.effect?.report, report);
    const [id] = records.map(({ key }) => key);
    await until(desk.view, () => desk.view.state.outcomes.get(id ?? ''));
    assert.deepEqual((await sent()).length, 1, 'and asks nothing again');
  });

  test('takes it from processes of the service alone', async () => {
    const answer = await desk.ask('admin', { type: 'effect_report', report: reportOf(desk.only().id) });
    assert.deepEqual([answer.kind, answer.kind === 'refused' && answer.code], ['refused', 'role_missing']);
    assert.equal(desk.only().effect?.state, 'watching');
  });

  test('asks again behind a gap of detect, until there is a report', async () => {
    let found = 0;
    const gapAt = async (partition: number): Promise<void> => {
      const place = { stage: 'detect', topic: TOPICS.events, partition, reason: 'offset_before_log' } as const;
      const gap = gapOf({ ...place, message: 'deleted' }, [++found]);
      assert.equal((await desk.bus.ask(bySystem({ type: 'report_gap', gap }, `gap-report-${found}`))).kind, 'done');
      const close = { type: 'close_gap', gap: gap.id, resumed_at: 9 };
      assert.equal((await desk.bus.ask(bySystem(close, `gap-close-${found}`))).kind, 'done');
    };
    await gapAt((OWN + 1) % PARTITIONS);
    assert.equal((await sent()).length, 1);
    await gapAt(OWN);
    const [first, again, ...more] = await sent();
    assert.deepEqual([again, more], [first, []]);
    await log.transact({ records: effectRecords({ effects: [reportOf(desk.only().id)] }) });
    await until(desk.view, () => (desk.only().effect?.state === 'verified' ? true : undefined));
    await gapAt(OWN);
    assert.equal((await sent()).length, 2);
  });
});
