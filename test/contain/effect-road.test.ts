import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { describeAlert } from '../../detectors/recommend.ts';
import { Alert } from '../../schemas/alert.ts';
import type { Effect } from '../../schemas/effect.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { Responder } from '../../services/contain/responder.ts';
import { undecidedGaps } from '../../services/detect/gap.ts';
import { DetectRunner } from '../../services/detect/runner.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { identityKey, partitionOf } from '../../services/platform/partitioner.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { eventOf, orderedModel } from '../detect/support.ts';
import { fakeModel } from '../support/fake-model.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore } from '../support/simulated-store.ts';
import { leaveDispatching } from './dispatched.ts';
import { bootstrapPeople, type Desk, openDesk, recordingExecutor, respond, until } from './harness.ts';
import { policyOf } from './samples.ts';

/** The whole way of an effect on one log: executed, ordered, watched, reported, taken in. */
const PARTITIONS = 4;
const KEY = identityKey('default', 'agent-7');
const OWN = partitionOf(KEY, PARTITIONS);

let clock: ManualClock;
let log: EventLog;
let desk: Desk;
let responder: Responder;
let runner: DetectRunner;

beforeEach(async () => {
  clock = manualClock();
  log = openSimulatedLog({ disk: newDisk({ partitions: PARTITIONS, random: () => 0.5 }), clock });
  await bootstrapPeople(log, clock);
  await leaveDispatching(log, clock);
  desk = await openDesk(log, clock);
  const no_faults = { plan: () => 'none' as const, random: () => 0, died: () => {} };
  const store = openSimulatedStore(newStoreDisk(), no_faults, []);
  const worker = { model: orderedModel(fakeModel()), describe: describeAlert };
  runner = new DetectRunner({ log, store, clock, telemetry: silentTelemetry(), worker, gaps: undecidedGaps() });
  for (let partition = 0; partition < PARTITIONS; partition++) await runner.assign(partition);
  await tell({ type: 'event', event: calling('before') });
  clock.advance(UNITS.SECOND_MS);
  const policy = policyOf({ effect_grace_ms: 0, effect_watch_ms: UNITS.HOUR_MS });
  responder = respond(log, clock, { executor: recordingExecutor(), policy });
  await desk.reaches('succeeded');
  await runner.drain();
});

afterEach(async () => {
  await responder.stop();
  await desk.view.close();
  await log.close();
});

/** The identity of the containment calls the tool that was restricted. */
function calling(id: string, over: Partial<CanonicalEvent> = {}): CanonicalEvent {
  return { ...eventOf(id, { identity: 'agent-7', time: clock.now() }), tool: { name: 'mail.send' }, ...over };
}

async function tell(record: DetectRecord): Promise<void> {
  const value = Buffer.from(JSON.stringify(record));
  await log.transact({ records: [{ topic: TOPICS.events, partition: OWN, key: KEY, value }] });
  await runner.drain();
}

const reaches = (state: Effect['state']): Promise<Effect> =>
  until(desk.view, () => {
    const { effect } = desk.only();
    return effect?.state === state ? effect : undefined;
  });

describe('a containment that was executed', () => {
  test('fails with the next call that goes through, which is an alert', async () => {
    clock.advance(UNITS.MINUTE_MS);
    await tell({ type: 'event', event: calling('again') });
    const { report } = await reaches('failed');
    assert.deepEqual([report?.permitted, report?.evidence[0]?.id], [1, 'again']);
    const { records } = await log.read(TOPICS.alerts, OWN, 0, { records: 10, bytes: 1e6 });
    const [alert] = records.map(({ value }) => Alert.parse(JSON.parse(value.toString())));
    assert.equal(alert?.uid, report?.alert_uid);
    assert.equal(alert?.title, 'Containment failed: agent-7 still uses the tool "mail.send"');
    assert.ok(alert?.summary.includes(desk.only().id), 'and names the containment');
    assert.deepEqual([alert?.severity, alert?.recommendation.action], ['high', 'suspend_agent']);
  });

  test('is verified when its time is over and it was refused', async () => {
    clock.advance(UNITS.MINUTE_MS);
    await tell({ type: 'event', event: calling('no', { outcome: { status: 'denied' } }) });
    clock.advance(UNITS.HOUR_MS);
    await tell({ type: 'tick' });
    assert.equal((await reaches('verified')).report?.refused, 1);
  });

  test('is untested when nothing was heard', async () => {
    clock.advance(UNITS.HOUR_MS);
    await tell({ type: 'tick' });
    await reaches('untested');
  });
});
