import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LIMITS } from '../../schemas/limits.ts';
import { type RecordsStep, type ReplayStep, replayRecords } from '../../services/ingest/replay.ts';
import { context, DAY_MS, HOUR_MS, input, MINUTE_MS, MONDAY_MS, recordingOf } from './support.ts';

const eventAt = (time: number, id = `e-${time}`): string => JSON.stringify(input({ id, time }));

async function stepsOf(text: string | Buffer, chunk_bytes?: number): Promise<ReplayStep[]> {
  const steps: ReplayStep[] = [];
  for await (const step of replayRecords([recordingOf(text, chunk_bytes)], context())) steps.push(step);
  return steps;
}
const recordsOf = (steps: readonly ReplayStep[]): RecordsStep[] => steps.filter((step) => step.kind === 'records');
/** Steps without the progress, which alone depends on how the bytes come. */
const plain = (steps: readonly ReplayStep[]) =>
  steps.map((step) => (step.kind === 'records' ? { ...step, bytes_read: 0 } : step));

const day = Array.from({ length: 24 * 12 }, (_, index) => eventAt(MONDAY_MS + index * 5 * MINUTE_MS)).join('\n');

test('every record stands at the recorded clock, and every boundary comes once, before the records beyond it', async () => {
  const steps = await stepsOf(day);
  let clock = 0;
  const seen = { tick: 0, cut: 0, records: 0, alias: 0 };
  for (const step of steps) {
    if (step.kind === 'records') {
      for (const at of step.at) {
        assert.ok(at >= clock);
        clock = at;
        seen.records++;
      }
    } else {
      assert.ok(step.at >= clock);
      clock = step.at;
      seen[step.kind]++;
    }
  }
  assert.deepEqual(seen, { records: 288, tick: 143, cut: 4, alias: 0 });
});

test('the steps do not depend on how the bytes come', async () => {
  const whole = plain(await stepsOf(day));
  assert.deepEqual(plain(await stepsOf(day, 11)), whole);
  assert.deepEqual(plain(await stepsOf(gzipSync(day), 100)), whole);
  assert.deepEqual(
    plain(await stepsOf(`[${day.replaceAll('\n', ',')}]`, 1_000)).map((step) => step.kind),
    whole.map((step) => step.kind),
  );
});

test('an absurd event is kept with the clock of its neighbours', async () => {
  const absurd = eventAt(Date.UTC(2099, 0, 1), 'absurd');
  const steps = await stepsOf(`${eventAt(MONDAY_MS)}\n${absurd}\n${day}`);
  const at = recordsOf(steps).flatMap((step) => step.at);
  assert.ok(Math.max(...at) < MONDAY_MS + DAY_MS);
  assert.equal(at[1], MONDAY_MS);
});

test('dead letters keep their place and do not move the clock', async () => {
  const steps = await stepsOf(`nonsense\n${eventAt(MONDAY_MS)}\n{}\n${eventAt(MONDAY_MS + 1)}\n`);
  const [step] = recordsOf(steps);
  assert.deepEqual(
    step?.decided.map(({ kind }) => kind),
    ['dead_letter', 'accepted', 'dead_letter', 'accepted'],
  );
  assert.deepEqual(step?.at, [0, MONDAY_MS, MONDAY_MS, MONDAY_MS + 1]);
  const letters = step?.decided
    .filter((decided) => decided.kind === 'dead_letter')
    .map(({ letter }) => letter.position);
  assert.deepEqual(letters, ['rec:1', 'rec:3']);
});

test('a truncated gzip delivers its good lines and one dead letter with its place', async () => {
  const packed = gzipSync(day);
  const steps = await stepsOf(packed.subarray(0, packed.length - 40));
  const decided = recordsOf(steps).flatMap((step) => step.decided);
  const letters = decided.filter((one) => one.kind === 'dead_letter').map(({ letter }) => letter);
  assert.deepEqual(
    letters.map(({ reason, position }) => [reason, position]),
    [['truncated_input', `rec:${decided.length}`]],
  );
  assert.ok(decided.length > 100);
});

test('one clock runs through several recordings, and the bytes add up', async () => {
  const first = day;
  const second = eventAt(MONDAY_MS + DAY_MS + HOUR_MS);
  const steps: ReplayStep[] = [];
  const recordings = [recordingOf(first, 1_000, 'a'), recordingOf(`${second}\n`, 10, 'b')];
  for await (const step of replayRecords(recordings, context())) steps.push(step);
  const records = recordsOf(steps);
  assert.deepEqual(records.at(-1)?.at, [MONDAY_MS + DAY_MS + HOUR_MS]);
  assert.equal(records.at(-1)?.bytes_read, first.length + second.length + 1);
  assert.equal(steps.at(-2)?.kind, 'tick');
});

test('steps are bounded in items and bytes', async () => {
  const many = Array.from({ length: LIMITS.replay_batch_items_max + 1 }, (_, index) => eventAt(MONDAY_MS, `e${index}`));
  assert.deepEqual(
    recordsOf(await stepsOf(many.join('\n'))).map((step) => step.decided.length),
    [LIMITS.replay_batch_items_max, 1],
  );
  const junk = `x${'y'.repeat(LIMITS.dead_letter_bytes_max)}\n`.repeat(100);
  const steps = recordsOf(await stepsOf(junk));
  assert.ok(steps.length > 1);
  for (const step of steps) assert.ok(step.bytes < LIMITS.replay_batch_bytes_max + 2 * LIMITS.dead_letter_bytes_max);
});

test('an empty recording has no steps', async () => {
  assert.deepEqual(await stepsOf(''), []);
});
