import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LIMITS } from '../../schemas/limits.ts';
import { bootstrapCredentials } from '../../services/control/bootstrap.ts';
import { applyControl, emptyControlState } from '../../services/control/state.ts';
import { openControlView } from '../../services/control/view.ts';
import { ControlLogTruncated, foldControl, readControl } from '../../services/control/writer.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { openDesk, respond, until } from '../contain/harness.ts';
import { alertOf } from '../contain/samples.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog, type SimulatedDisk, trimSimulated } from '../support/simulated-log.ts';

let disk: SimulatedDisk;
let clock: ManualClock;
let log: EventLog;

beforeEach(() => {
  disk = newDisk({ partitions: 2, random: () => 0.5 });
  clock = manualClock();
  log = openSimulatedLog({ disk, clock });
});

afterEach(() => log.close());

describe('the view', () => {
  test('follows the log, lets wait for an offset, and ends its waits when it ends', async () => {
    const view = await openControlView(log, clock);
    const never = new AbortController();
    const reached = view.waitForOffset(5, never.signal);
    const late = view.waitForOffset(1000, never.signal);
    const unanswered = view.waitForCommand('none-1234', never.signal);
    const aborted = new AbortController();
    const impatient = view.waitForOffset(1000, aborted.signal);
    aborted.abort();
    assert.equal(await impatient, false);
    await bootstrapCredentials(log, { clock, randomBytes });
    assert.equal(await reached, true);
    assert.equal(view.state.keys.size, 3);
    assert.equal(await view.waitForOffset(5, never.signal), true);
    await view.close();
    assert.equal(await late, false);
    assert.equal(await unanswered, undefined);
    assert.deepEqual(await view.stopped, { kind: 'closed' });
  });

  test('stops at a record it does not know, rather than guess', async () => {
    const view = await openControlView(log, clock);
    const value = Buffer.from(JSON.stringify({ v: 1, kind: 'from_the_future' }));
    await log.transact({ records: [{ topic: TOPICS.control, partition: 0, key: '', value }] });
    assert.equal((await view.stopped).kind, 'failed');
    assert.equal(await view.waitForOffset(7, new AbortController().signal), false);
    await assert.rejects(foldControl(log));
  });

  test('a control log that lost its beginning is refused', async () => {
    await bootstrapCredentials(log, { clock, randomBytes });
    trimSimulated(disk, TOPICS.control, 0, 2);
    await assert.rejects(openControlView(log, clock), ControlLogTruncated);
    await assert.rejects(foldControl(log), ControlLogTruncated);
  });

  test('a control log that was made anew is refused, and hands out no first keys again', async () => {
    await bootstrapCredentials(log, { clock, randomBytes });
    const held = disk.topics.get(TOPICS.control);
    assert.ok(held);
    const running = respond(log, clock);
    const view = await openControlView(log, clock);
    await until(view, () => view.state.responder);
    await view.close();
    const partitions = [{ start: 0, end: 0, append_ms: 0, records: [] }];
    (disk.topics as Map<string, typeof held>).set(TOPICS.control, { generation: 'another', partitions });
    clock.advance(LIMITS.log_check_ms);
    const end = await running.ended;
    assert.ok(end.kind === 'failed' && end.error instanceof ControlLogTruncated);
    await assert.rejects(bootstrapCredentials(log, { clock, randomBytes }), ControlLogTruncated);
    const next = await respond(log, clock).ended;
    assert.ok(next.kind === 'failed' && next.error instanceof ControlLogTruncated);
  });

  test('a position of the first version, which names no control log, is taken over', async () => {
    await bootstrapCredentials(log, { clock, randomBytes });
    const { control: _, head, writer, v, ...older } = JSON.parse(disk.positions.get('control.writer') ?? '');
    assert.deepEqual([v, head.n], [2, (await readControl(log, 0)).entries.length]);
    disk.positions.set('control.writer', JSON.stringify({ ...older, instance: writer }));
    const responder = respond(log, clock);
    const desk = await openDesk(log, clock);
    await until(desk.view, () => desk.view.state.responder);
    assert.equal((await responder.stop()).kind, 'stopped');
    const written = JSON.parse(disk.positions.get('control.writer') ?? '') as { control?: string };
    assert.equal(written.control, disk.topics.get(TOPICS.control)?.generation);
    await desk.view.close();
  });

  test('waits again when waiting for the log fails', async () => {
    let failures = 3;
    const shaky: EventLog = {
      ...log,
      waitBeyond: async (...asked) => {
        if (failures-- > 0) throw new LogUnavailable('io', 'away');
        return log.waitBeyond(...asked);
      },
    };
    const view = await openControlView(shaky, clock);
    await bootstrapCredentials(log, { clock, randomBytes });
    for (let turn = 0; view.state.keys.size === 0; turn++) {
      assert.ok(turn < 1000, 'the view does not go on');
      await nextTurn();
      clock.advance(100);
    }
    await view.close();
  });

  test('folds to the same state whatever the batches', async () => {
    await bootstrapCredentials(log, { clock, randomBytes });
    const desk = await openDesk(log, clock);
    const responder = respond(log, clock);
    const value = Buffer.from(JSON.stringify(alertOf()));
    await log.transact({ records: [{ topic: TOPICS.feed, partition: 0, key: '', value }] });
    await until(desk.view, () => (desk.view.state.containments.size > 0 ? true : undefined));
    await desk.ask('admin', { type: 'approve', containment: desk.only().id, digest: desk.only().digest });
    const small = openSimulatedLog({ disk, clock, faults: () => ({ records_max: 1 }) });
    const { state } = await foldControl(small);
    assert.deepEqual(state, desk.view.state);
    const byHand = emptyControlState();
    for (const { record } of (await readControl(log, 0)).entries) applyControl(byHand, record);
    assert.deepEqual(byHand, state);
    await responder.stop();
    await desk.view.close();
  });
});
