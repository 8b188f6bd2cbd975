import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteStillness } from '../../services/cli/recorded/stillness.ts';
import { LogUnavailable } from '../../services/platform/event-log.ts';

/** A log of one partition with 100 records, of which so many are applied at a time. */
function lookingAt(applied: (now_ms: number) => number | 'away', until_ms: number) {
  let elapsed = 0;
  const over = new AbortController();
  const notes: string[] = [];
  const clock = {
    elapsed: () => elapsed,
    sleep: async (ms: number) => {
      elapsed += ms;
      if (elapsed >= until_ms) over.abort();
    },
  };
  const log = {
    describe: async () => ({ partitions: 1, generation: 'g' }),
    bounds: async () => ({ start: 0, end: 100 }),
    position: async () => {
      const now = applied(elapsed);
      if (now === 'away') throw new LogUnavailable('io', 'the log is away');
      return String(now);
    },
  };
  return { notes, done: noteStillness(log, clock, (text) => void notes.push(text), over.signal) };
}

test('half a minute in which nothing of what waits was scored is told, once', async () => {
  const { notes, done } = lookingAt(() => 40, 600_000);
  await done;
  assert.deepEqual(notes, [
    'nothing was scored for 30 s, 60 records wait: start a process with the role detect; this waits',
  ]);
});

test('detect that moves, that is done, or a log that does not answer is no stillness', async () => {
  for (const applied of [(ms: number) => Math.floor(ms / 20_000), () => 100, () => 'away' as const]) {
    const { notes, done } = lookingAt(applied, 600_000);
    await done;
    assert.deepEqual(notes, []);
  }
});
