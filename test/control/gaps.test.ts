import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGapPort } from '../../services/control/gaps.ts';
import { openControlView } from '../../services/control/view.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { type GapPort, gapOf } from '../../services/platform/gaps.ts';
import { bootstrapPeople, type Desk, openDesk, respond, until } from '../contain/harness.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';

let disk: SimulatedDisk;
let clock: ManualClock;
let log: EventLog;
let desk: Desk;
let port: GapPort;

beforeEach(async () => {
  disk = newDisk({ partitions: 2, random: () => 0.5 });
  clock = manualClock();
  log = openSimulatedLog({ disk, clock });
  await bootstrapPeople(log, clock);
  desk = await openDesk(log, clock, Number.MAX_SAFE_INTEGER);
  port = createGapPort({ log, clock, view: desk.view });
});

afterEach(async () => {
  await desk.view.close();
  await log.close();
});

const place = { stage: 'ingest', topic: TOPICS.raw, partition: 3 } as const;
const found = (next: number, reason = 'offset_before_log') =>
  gapOf({ ...place, reason, message: 'some are gone' }, ['generation', next]);
const gap = found(7);

const commandsAsked = async (): Promise<number> => (await log.bounds(TOPICS.commands, 0)).end;
const stateOf = (id: string) => desk.view.state.gaps.get(id)?.state;
const reaches = (id: string, state: string) => until(desk.view, () => (stateOf(id) === state ? true : undefined));
const decide = (id: string, resume: 'start' | 'end') =>
  desk.ask('olga', { type: 'decide_gap', gap: id, resume, reason: 'INC-3' });

describe('the port of gaps', () => {
  test('tells without a responder, and hears what the next one writes', async () => {
    await port.report(gap);
    assert.equal(await commandsAsked(), 1);
    assert.equal(port.decision(gap.id), undefined);
    const decided = decide(gap.id, 'end');
    const changed = port.changed(new AbortController().signal);
    const responder = respond(log, clock);
    assert.equal((await decided).kind, 'done');
    await changed;
    assert.equal(port.decision(gap.id), 'end');
    await port.closed(gap.id, 12);
    await reaches(gap.id, 'closed');
    assert.equal(port.decision(gap.id), 'end', 'for a process that crashed before it had moved its position');
    await responder.stop();
  });

  test('tells nothing twice that is known', async () => {
    const responder = respond(log, clock);
    await port.report(gap);
    await reaches(gap.id, 'open');
    await port.report(gap);
    await decide(gap.id, 'start');
    await port.report(gap);
    await port.closed(gap.id, 1);
    await reaches(gap.id, 'closed');
    await port.closed(gap.id, 2);
    await port.report(gap);
    await port.closed('0'.repeat(16), 1);
    await port.working(place, 5);
    assert.equal(await commandsAsked(), 3, 'report, decision, close');
    await responder.stop();
  });

  test('two processes that find the same gap open one incident', async () => {
    const other = await openControlView(log, clock);
    const second = createGapPort({ log, clock, view: other });
    await Promise.all([port.report(gap), second.report({ ...gap, message: 'in other words' })]);
    const responder = respond(log, clock);
    await reaches(gap.id, 'open');
    await decide(gap.id, 'start');
    await Promise.all([port.closed(gap.id, 4), second.closed(gap.id, 4)]);
    await reaches(gap.id, 'closed');
    assert.equal(desk.view.state.gaps.size, 1);
    await other.close();
    await responder.stop();
  });

  test('a stage that works closes what was left open of its place, and of no other', async () => {
    const responder = respond(log, clock);
    const elsewhere = gapOf({ ...place, partition: 4, reason: 'offset_before_log', message: 'gone' }, [1]);
    await port.report(gap);
    await port.report(elsewhere);
    await reaches(elsewhere.id, 'open');
    await port.working(place, 9);
    await reaches(gap.id, 'closed');
    assert.equal(desk.view.state.gaps.get(gap.id)?.closed?.resumed_at, 9);
    assert.equal(stateOf(elsewhere.id), 'open');
    await port.report(gap);
    await reaches(gap.id, 'open');
    assert.equal(port.decision(gap.id), undefined, 'what came back waits for a decision');
    await responder.stop();
  });

  test('a tail that was lost is not forgotten when the log grows again', async () => {
    const responder = respond(log, clock);
    const lost = found(7, 'offset_beyond_log');
    await port.report(lost);
    await reaches(lost.id, 'open');
    assert.deepEqual(port.hidden(place, ['generation', 7]), lost);
    assert.equal(port.hidden(place, ['generation', 8]), undefined, 'its position has moved on');
    assert.equal(port.hidden({ ...place, partition: 4 }, ['generation', 7]), undefined);
    await decide(lost.id, 'start');
    assert.deepEqual(port.hidden(place, ['generation', 7]), lost, 'decided, and not carried out');
    await port.closed(lost.id, 0);
    await reaches(lost.id, 'closed');
    assert.equal(port.hidden(place, ['generation', 7]), undefined);
    await port.report(gap);
    await reaches(gap.id, 'open');
    assert.equal(port.hidden(place, ['generation', 7]), undefined, 'other causes can be seen, or are gone');
    await responder.stop();
  });

  test('a log that takes nothing says so, and no wait is left behind', async () => {
    const away = openSimulatedLog({ disk, clock, faults: () => ({ fail: 'before' }) });
    const deaf = createGapPort({ log: away, clock, view: desk.view });
    await assert.rejects(deaf.report(gap), LogUnavailable);
    const client = new AbortController();
    const changed = port.changed(client.signal);
    client.abort();
    await changed;
    await port.changed(client.signal);
    await nextTurn();
  });
});
