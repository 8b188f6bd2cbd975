import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Alert } from '../../../schemas/alert.ts';
import { HandedRecord } from '../../../schemas/handed.ts';
import { UNITS } from '../../../schemas/limits.ts';
import { openFeeder } from '../../../services/deliver/feed.ts';
import { runStories, storiesProgress } from '../../../services/detect/stories/run.ts';
import { systemClock } from '../../../services/platform/clock.ts';
import { type EventLog, FINDINGS_PARTITION, TOPICS } from '../../../services/platform/event-log.ts';
import { openSqliteLog } from '../../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../../services/platform/telemetry.ts';
import { handed, START_MS } from '../../support/handed.ts';
import { noGaps } from '../../support/no-gaps.ts';
import { openSimulatedLog, trimSimulated } from '../../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore } from '../../support/simulated-store.ts';
import { sceneOf } from '../scene.ts';
import { recordOf } from './chaos.ts';

const telemetry = silentTelemetry();
const CALM = { random: () => 0, died: () => {}, plan: () => 'none' as const };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Four agents of four groups reach for a secret, each handed work by the one before. */
function passedOn(): HandedRecord[] {
  return [0, 1, 2, 3].map((i) => {
    const hands_to = [`agent-${i + 1}`];
    const at = START_MS + i * 20 * UNITS.MINUTE_MS;
    return handed({ n: i, at, who: `agent-${i}`, group: `team-${i}`, operation: 'delegate', hands_to });
  });
}

async function told(log: Pick<EventLog, 'position' | 'bounds'>): Promise<void> {
  for (;;) {
    const { next_offset, end_offset } = await storiesProgress(log);
    if (next_offset >= end_offset) return;
    await turn();
  }
}

test('on the embedded log a story reaches the feed, is judged there, and ends', async (t) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'countersign-stories-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const clock = systemClock;
  const log = openSqliteLog({ path: path.join(directory, 'log.db'), partitions: 2, clock, telemetry });
  t.after(() => log.close());
  const store = openSimulatedStore(newStoreDisk(), CALM, []);
  const over = new AbortController();
  t.after(() => over.abort());
  const running = runStories({ log, store, clock, telemetry, gaps: noGaps() }, over.signal);
  const feeder = await openFeeder({ log, clock, telemetry, gaps: noGaps() });
  assert.ok(feeder.kind === 'feeder');
  const alerts = async (): Promise<Alert[]> => {
    await told(log);
    while ((await feeder.step()) > 0);
    const { records } = await log.read(TOPICS.feed, 0, 0, { records: 100, bytes: 1e6 });
    return records.map(({ value }) => JSON.parse(value.toString()) as Alert);
  };

  await log.transact({ records: passedOn().map(recordOf) });
  const opened = (await alerts()).at(-1);
  assert.deepEqual(
    opened?.identities?.map(({ identity, handed_by }) => [identity.id, handed_by]),
    [
      ['agent-0', undefined],
      ['agent-1', 'agent-0'],
      ['agent-2', 'agent-1'],
      ['agent-3', 'agent-2'],
    ],
  );

  // The same once more, as after a crash of detect, is nothing new.
  const before = (await alerts()).length;
  await log.transact({ records: passedOn().map(recordOf) });
  assert.equal((await alerts()).length, before);

  const { uid = '', tenant = '', identity } = opened ?? {};
  const at = START_MS + UNITS.HOUR_MS;
  const said = {
    alert_uid: uid,
    tenant,
    identity: identity?.id ?? '',
    verdict: 'true_positive' as const,
    author: 'ana',
    time: at,
  };
  await log.transact({ records: [recordOf({ type: 'verdict', at, recorded: false, verdict: said })] });
  const closed = (await alerts()).at(-1);
  assert.deepEqual([closed?.uid, closed?.status, closed?.closed_reason], [uid, 'closed', 'true_positive']);
  over.abort();
  await running;
});

test('partitions hand on verdicts and their clocks beside what they find', async () => {
  const scene = sceneOf();
  const { runner } = scene.machine();
  await runner.assign(0);
  await scene.events(0, 3);
  const verdict = {
    alert_uid: 'u',
    tenant: 'default',
    identity: 'nobody',
    verdict: 'true_positive' as const,
    author: 'a',
    time: 1,
  };
  await scene.append({ type: 'verdict', verdict });
  await runner.drain();
  const { records = [] } = scene.disk.topics.get(TOPICS.findings)?.partitions[FINDINGS_PARTITION] ?? {};
  const found = records.map(({ value }) => HandedRecord.parse(JSON.parse(value.toString())));
  assert.deepEqual([...new Set(found.map(({ type }) => type))].sort(), ['finding', 'tick', 'verdict']);
});

test('stories stand still where records were deleted before they were read, until somebody decides', async () => {
  const scene = sceneOf();
  const log = openSimulatedLog({ disk: scene.disk, clock: scene.clock });
  const store = openSimulatedStore(newStoreDisk(), CALM, []);
  const options = { log, store, clock: scene.clock, telemetry, gaps: scene.gaps, checkpoint_ms: 0 };
  await log.transact({ records: passedOn().map(recordOf) });
  const first = new AbortController();
  const before = runStories(options, first.signal);
  await told(log);
  first.abort();
  await before;

  await log.transact({ records: passedOn().map(recordOf) });
  trimSimulated(scene.disk, TOPICS.findings, FINDINGS_PARTITION, 6);
  const second = new AbortController();
  const running = runStories(options, second.signal);
  while (scene.gaps.reported.size === 0) await turn();
  const [gap] = scene.gaps.reported.values();
  assert.deepEqual([gap?.topic, gap?.reason, gap?.stage], [TOPICS.findings, 'offset_before_log', 'detect']);
  scene.gaps.decide('start');
  await told(log);
  assert.equal(scene.gaps.closes.length, 1);
  second.abort();
  await running;
});
