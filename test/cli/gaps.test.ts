import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { GapView } from '../../schemas/api/gaps.ts';
import { EXIT } from '../../services/cli/problem.ts';
import { FEED_POSITION } from '../../services/deliver/feed.ts';
import { encodePosition } from '../../services/deliver/feed-core.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { dataDirAt } from '../../services/platform/data-dir.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { until } from '../deliver/receiver.ts';
import { type Ended, records, run, tempDir, up } from './support.ts';

/** Makes the feed stand where another log would have to be. */
async function mislead(data: string): Promise<void> {
  const log = openSqliteLog({ path: dataDirAt(data).log, clock: systemClock, telemetry: silentTelemetry() });
  const { partitions } = await log.describe(TOPICS.alerts);
  const { generation: feed_generation } = await log.describe(TOPICS.feed);
  const next = Array.from({ length: partitions }, () => 0);
  const position = encodePosition({ alerts_generation: 'of-a-topic-that-is-gone', feed_generation, next });
  await log.transact({ records: [], positions: [{ name: FEED_POSITION, position }] });
  await log.close();
}

test('a gap stops the feed, is shown, decided with a reason, and the feed goes on', async (t) => {
  const data = path.join(await tempDir(t), 'data');
  const first = await up(data);
  assert.equal(await first.stop(), EXIT.done);
  await mislead(data);
  const service = await up(data);
  t.after(() => service.stop());
  const env = { ...first.env, COUNTERSIGN_URL: service.url };
  const cs = (...args: string[]): Promise<Ended> => run(args, { env });
  const ok = async (...args: string[]): Promise<Ended> => {
    const ended = await cs(...args);
    assert.equal(ended.code, EXIT.done, `${args.join(' ')}: ${ended.stderr}`);
    return ended;
  };
  const listed = async (...args: string[]) => records(await ok('gap', 'list', '--json', ...args)) as GapView[];
  const codeOf = (ended: Ended) => (records(ended)[0]?.error as { code?: string } | undefined)?.code;

  await until(async () => (await listed()).length === 1);
  const [open] = await listed();
  assert.ok(open);
  const { id } = open.gap;
  assert.deepEqual([open.gap.stage, open.gap.topic, open.gap.reason], ['deliver', TOPICS.alerts, 'generation_changed']);
  const table = (await ok('gap', 'list')).stdout;
  assert.match(table, new RegExp(`${id} +open +\\S+ \\S+ +deliver +agent\\.alerts/0 +generation_changed`));
  assert.ok(table.includes(open.choices.start) && table.includes(open.choices.end));
  const status = await cs('status');
  assert.match(status.stdout, /1 gap to decide: countersign gap list/);

  for (const args of [
    ['--resume', 'start'],
    ['--reason', 'INC-1'],
    ['--resume', 'start', '--reason', '  '],
    ['--resume', 'middle', '--reason', 'INC-1'],
  ]) {
    assert.equal((await cs('gap', 'accept', id, ...args)).code, EXIT.usage, args.join(' '));
  }
  const missing = await cs('gap', 'accept', 'ffff', '--resume', 'end', '--reason', 'INC-1', '--json');
  assert.deepEqual([missing.code, codeOf(missing)], [EXIT.refused, 'gap_unknown']);
  const unknown = await cs('gap', 'accept', 'f'.repeat(16), '--resume', 'end', '--reason', 'INC-1', '--json');
  assert.deepEqual([unknown.code, codeOf(unknown)], [EXIT.refused, 'unknown_gap']);

  const accepted = await ok('gap', 'accept', id.slice(0, 6), '--resume', 'start', '--reason', 'INC-1: restored');
  assert.match(accepted.stdout, /^Decided and on record: deliver goes on after agent\.alerts\/0 at the start\.$/m);
  assert.ok(accepted.stdout.includes(open.choices.start));
  await until(async () => (await listed('--state', 'closed')).length === 1);
  assert.equal((await ok('gap', 'list')).stdout, 'No gap waits for a decision.\n');
  const history = (await ok('gap', 'list', '--state', 'all')).stdout;
  assert.match(history, /start, by admin at \S+Z: INC-1: restored/);
  assert.match(history, /gone on at 0 at/);
  const again = await cs('gap', 'accept', id, '--resume', 'end', '--reason', 'INC-2', '--json');
  assert.deepEqual([again.code, codeOf(again)], [EXIT.refused, 'gap_already_closed']);
});
