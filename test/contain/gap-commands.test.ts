import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Command } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import type { Responder } from '../../services/contain/responder.ts';
import type { Answer } from '../../services/control/command-bus.ts';
import { foldControl, readControl } from '../../services/control/writer.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { gapOf } from '../../services/platform/gaps.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { type Body, bootstrapPeople, type Desk, openDesk, respond } from './harness.ts';

let clock: ManualClock;
let log: EventLog;
let desk: Desk;
let responder: Responder;

beforeEach(async () => {
  const disk = newDisk({ partitions: 2, random: () => 0.5 });
  clock = manualClock();
  log = openSimulatedLog({ disk, clock });
  await bootstrapPeople(log, clock);
  desk = await openDesk(log, clock);
  responder = respond(log, clock);
});

afterEach(async () => {
  await responder.stop();
  await desk.view.close();
  await log.close();
});

const place = { stage: 'detect', topic: TOPICS.events, partition: 1 } as const;
const found = (next: number, over = {}) =>
  gapOf({ ...place, reason: 'offset_before_log', message: 'three are gone', lost: 3, ...over }, [next]);
const gap = found(7);

const at = (answer: Answer): string => (answer.kind === 'refused' ? answer.code : answer.kind);
let asked = 0;
const bySystem = (body: Body): Promise<Answer> =>
  desk.bus.ask(Command.parse({ ...body, id: `system-${++asked}`, by: SYSTEM, time: clock.now() }));
const report = () => bySystem({ type: 'report_gap', gap });
const close = (resumed_at = 10) => bySystem({ type: 'close_gap', gap: gap.id, resumed_at });
const decision = {
  type: 'decide_gap',
  gap: gap.id,
  resume: 'start',
  reason: 'INC-7: retention was too short',
} as const;

describe('a gap', () => {
  test('is reported, decided and closed, and the control log tells who, when and why', async () => {
    assert.deepEqual(await report(), { kind: 'done', subject: gap.id, state: 'open' });
    const since = clock.now();
    assert.deepEqual(desk.view.state.gaps.get(gap.id), { gap, state: 'open', since });
    clock.advance(60_000);
    assert.deepEqual(await desk.ask('olga', decision), { kind: 'done', subject: gap.id, state: 'decided' });
    const by = { issuer: 'local', subject: 'olga' };
    const decided = { by, resume: 'start', reason: decision.reason, when: clock.now() };
    assert.deepEqual(desk.view.state.gaps.get(gap.id), { gap, state: 'decided', since, decision: decided });
    assert.deepEqual(await close(), { kind: 'done', subject: gap.id, state: 'closed' });
    const closed = { when: clock.now(), resumed_at: 10 };
    assert.deepEqual(desk.view.state.gaps.get(gap.id), { gap, state: 'closed', since, decision: decided, closed });
    const { entries } = await readControl(log, 0);
    const told = entries.map(({ record }) => record).filter(({ kind }) => kind.startsWith('gap_'));
    assert.deepEqual(
      told.map(({ kind, who, what }) => [kind, who.subject, what]),
      [
        [
          'gap_opened',
          'system',
          `gap ${gap.id} opened: detect stands still at agent.audit.events/1, offset_before_log`,
        ],
        ['gap_decided', 'olga', `gap ${gap.id} decided: go on at the start`],
        ['gap_closed', 'system', `gap ${gap.id} closed: gone on at 10`],
      ],
    );
  });

  test('every repeat has an answer of its own and changes nothing', async () => {
    assert.equal(at(await desk.ask('olga', decision)), 'unknown_gap');
    assert.equal(at(await close()), 'unknown_gap');
    await report();
    assert.equal(at(await report()), 'gap_already_open');
    await desk.ask('olga', decision);
    assert.equal(at(await report()), 'gap_already_decided');
    assert.equal(at(await desk.ask('admin', { ...decision, resume: 'end' })), 'gap_already_decided');
    await close();
    assert.equal(at(await report()), 'gap_already_closed');
    assert.equal(at(await close(11)), 'gap_already_closed');
    assert.equal(at(await desk.ask('admin', decision)), 'gap_already_closed');
    const held = desk.view.state.gaps.get(gap.id);
    assert.deepEqual([held?.state, held?.decision?.resume, held?.closed?.resumed_at], ['closed', 'start', 10]);
  });

  test('of two who decide at the same time one does, and the other is told', async () => {
    await report();
    const answers = await Promise.all([
      desk.ask('olga', { ...decision, resume: 'end' }),
      desk.ask('admin', { ...decision, resume: 'start' }),
    ]);
    assert.deepEqual(answers.map(at), ['done', 'gap_already_decided']);
    assert.equal(desk.view.state.gaps.get(gap.id)?.decision?.resume, 'end');
  });

  test('is decided by a human administrator with a valid key, and by nobody else', async () => {
    await report();
    assert.equal(at(await desk.ask('vera', decision)), 'role_missing');
    assert.equal(at(await desk.ask('ben', decision)), 'role_missing');
    assert.equal(at(await desk.ask('automat', decision)), 'not_human');
    assert.equal(at(await bySystem(decision)), 'role_missing');
    const { credential: _, ...keyless } = desk.command('olga', decision, 'without-a-key');
    assert.equal(at(await desk.bus.ask(keyless)), 'credential_refused');
    assert.equal(
      at(await desk.bus.ask({ ...desk.command('vera', decision), by: { issuer: 'local', subject: 'olga' } })),
      'credential_refused',
    );
    for (const reason of ['', '  \n\t ', 'x'.repeat(LIMITS.comment_chars_max + 1)]) {
      assert.ok(!Command.safeParse(desk.command('olga', { ...decision, reason })).success, JSON.stringify(reason));
    }
    assert.equal(desk.view.state.gaps.get(gap.id)?.state, 'open');
  });

  test('cannot be forged or closed by a user, whatever the roles', async () => {
    for (const subject of ['admin', 'olga', 'automat']) {
      assert.equal(at(await desk.ask(subject, { type: 'report_gap', gap })), 'role_missing');
    }
    await report();
    assert.equal(at(await desk.ask('admin', { type: 'close_gap', gap: gap.id, resumed_at: 1 })), 'role_missing');
    assert.equal(desk.view.state.gaps.get(gap.id)?.state, 'open');
  });

  test('that a later one replaces is closed, and a stage stands at one gap only', async () => {
    await report();
    const later = found(9);
    assert.equal(at(await bySystem({ type: 'report_gap', gap: later })), 'done');
    const elsewhere = found(9, { partition: 0 });
    assert.equal(at(await bySystem({ type: 'report_gap', gap: elsewhere })), 'done');
    const states = [gap, later, elsewhere].map(({ id }) => desk.view.state.gaps.get(id)?.state);
    assert.deepEqual(states, ['closed', 'open', 'open']);
    assert.equal(desk.view.state.gaps.get(gap.id)?.closed?.resumed_at, undefined);
  });

  test('that closed by itself waits for a decision again when it comes back', async () => {
    await report();
    await close();
    assert.equal(at(await report()), 'done');
    assert.equal(desk.view.state.gaps.get(gap.id)?.state, 'open');
    assert.equal(at(await desk.ask('olga', decision)), 'done');
  });

  test('is forgotten last when it closed last, and the unclosed never', async () => {
    const folded = await foldControl(log);
    assert.equal(folded.state.gaps.size, 0);
    const { openGap, closeGap } = await import('../../services/control/gap-states.ts');
    const { gaps } = folded.state;
    openGap(gaps, gap, 1);
    const many = Array.from({ length: LIMITS.gaps_closed_max + 5 }, (_, next) => found(next, { partition: 0 }));
    for (const one of many) {
      openGap(gaps, one, 2);
      closeGap(gaps, one.id, { when: 3, resumed_at: 0 });
    }
    assert.equal(gaps.size, LIMITS.gaps_closed_max + 1);
    assert.equal(gaps.get(gap.id)?.state, 'open');
    assert.deepEqual(
      many.slice(0, 7).map(({ id }) => gaps.has(id)),
      [false, false, false, false, false, true, true],
    );
  });
});
