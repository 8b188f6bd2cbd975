import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../services/platform/clock.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { openReceiver } from './receiver.ts';
import { feedKeys, revisionOf, writeAlerts } from './support.ts';

const PROCESS = fileURLToPath(new URL('./deliver-process.ts', import.meta.url));
const ALERTS = 120;
/** Messages after which the process is killed, each time within the sending of the next ones. */
const KILLS = [1, 7, 30, 31, 100];

it('kill -9 of the deliver process, again and again, skips nothing and keeps the order', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-deliver-'));
  const path = join(directory, 'log.sqlite');
  const log = openSqliteLog({ path, partitions: 2, clock: systemClock, telemetry: silentTelemetry() });
  const child: { current: ChildProcess | undefined } = { current: undefined };
  const complete = Promise.withResolvers<void>();
  const seen = new Set<string>();
  const kills = [...KILLS];
  const receiver = await openReceiver(({ body }) => {
    seen.add((JSON.parse(body) as { metadata: { uid: string } }).metadata.uid);
    if (seen.size === ALERTS) complete.resolve();
    // Killed with the answer on its way: the message was taken, and its position may not have moved.
    if (seen.size >= (kills[0] ?? Number.POSITIVE_INFINITY)) {
      kills.shift();
      child.current?.kill('SIGKILL');
    }
    return { status: 200 };
  });
  t.after(async () => {
    child.current?.kill('SIGKILL');
    await receiver.close();
    await log.close();
    await rm(directory, { recursive: true });
  });

  const expected: string[] = [];
  for (let i = 0; i < ALERTS; i++) {
    await writeAlerts(log, i % 2, [revisionOf(`a${i}`, 1)]);
    expected.push(`a${i}:1`);
  }
  const finished = complete.promise.then(() => 'finished' as const);
  for (;;) {
    const running = spawn(process.execPath, [PROCESS, path, receiver.url], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.current = running;
    const ended = once(running, 'exit').then(([, signal]) => signal as string);
    const what = await Promise.race([ended, finished]);
    if (what === 'finished') {
      running.kill('SIGKILL');
      await ended;
      break;
    }
    assert.equal(what, 'SIGKILL', 'the process ended by itself');
  }

  assert.deepEqual(kills, []);
  const keys = await feedKeys(log);
  assert.deepEqual([...keys].sort(), [...expected].sort(), 'the feed holds each revision once');
  const uids = receiver.uids();
  assert.deepEqual([...new Set(uids)], keys, 'first seen in the order of the feed, none missing');
  assert.ok(uids.length <= ALERTS + KILLS.length, `${uids.length} requests for ${ALERTS} messages`);
  const idsOf = new Map(receiver.received.map(({ id, body }) => [JSON.parse(body).metadata.uid as string, id]));
  assert.equal(new Set(receiver.received.map(({ id }) => id)).size, idsOf.size, 'one webhook-id a message');
});
