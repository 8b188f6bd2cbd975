import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { type CheckpointFile, openCheckpointFile } from '../../services/control/checkpoint-file.ts';
import {
  type CheckpointWebhook,
  flushCheckpoints,
  sendCheckpoints,
} from '../../services/control/checkpoint-webhook.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import type { PostAnswer, PostRequest } from '../../services/platform/http-post.ts';
import { decodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { openSimulatedLog } from '../support/simulated-log.ts';
import { auditingWith, checkpointsOf, emptyStage, newSigner, SECRET, type Stage, work } from './support.ts';

let stage: Stage;
let directory: string;
let path: string;
const { signer } = newSigner();
const telemetry = silentTelemetry();

beforeEach(async () => {
  stage = emptyStage();
  directory = await mkdtemp(join(tmpdir(), 'countersign-checkpoints-'));
  path = join(directory, 'kept.jsonl');
});

afterEach(async () => {
  await stage.log.close();
  await rm(directory, { recursive: true, force: true });
});

describe('checkpoints in a file', () => {
  const opened = (): Promise<CheckpointFile> => {
    const { log, clock } = stage;
    return openCheckpointFile({ log, clock, telemetry, path });
  };
  const flushed = async (): Promise<void> => {
    const file = await opened();
    await file.flush();
    await file.close();
  };
  const kept = async (): Promise<string[]> => (await readFile(path, 'utf8')).split('\n').slice(0, -1);

  test('are those of the log, in order, readable by the owner only', async () => {
    await work(stage, auditingWith(signer), 'one');
    await flushed();
    assert.deepEqual(await kept(), await checkpointsOf(stage.log));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  test('are added while the log grows', async () => {
    const file = await opened();
    const over = new AbortController();
    const following = file.follow(over.signal);
    await work(stage, auditingWith(signer), 'one');
    const all = await checkpointsOf(stage.log);
    while ((await kept()).length < all.length) await nextTurn();
    over.abort();
    await following;
    await file.close();
    assert.deepEqual(await kept(), all);
  });

  test('whatever was there before: none missing, none twice', async () => {
    await work(stage, auditingWith(signer), 'one');
    await work(stage, auditingWith(signer), 'two');
    const all = await checkpointsOf(stage.log);
    for (let count = 0; count <= all.length; count++) {
      await writeFile(
        path,
        all
          .slice(0, count)
          .map((jws) => `${jws}\n`)
          .join(''),
      );
      await flushed();
      assert.deepEqual(await kept(), all, `${count} were there`);
    }
  });

  test('a line that a crash left torn is taken off and written anew', async () => {
    await work(stage, auditingWith(signer), 'one');
    const all = await checkpointsOf(stage.log);
    await writeFile(path, `${all[0]}\n`);
    await appendFile(path, (all[1] ?? '').slice(0, 50));
    await flushed();
    assert.deepEqual(await kept(), all);
    await truncate(path, 20);
    await flushed();
    assert.deepEqual(await kept(), all);
  });

  test('say that the log lost its tail, was exchanged, or is another one', async () => {
    await work(stage, auditingWith(signer), 'one');
    await flushed();
    const held = stage.disk.topics.get(TOPICS.control);
    const [partition] = held?.partitions ?? [];
    assert.ok(held && partition);
    const whole = [...partition.records];
    for (let left = 0; left < whole.length - 1; left++) {
      partition.records.length = left;
      partition.end = left;
      await assert.rejects(opened(), { code: 'control_log_truncated' }, `${left} records`);
      partition.records.push(...whole.slice(left));
      partition.end = whole.length;
    }
    // The checkpoint's own record may go: nothing that was decided is in it.
    partition.records.length -= 1;
    partition.end -= 1;
    await (await opened()).close();
    const other = emptyStage();
    await work(other, auditingWith(newSigner().signer), 'other');
    await work(other, auditingWith(newSigner().signer), 'more');
    const { log, clock } = other;
    await assert.rejects(openCheckpointFile({ log, clock, telemetry, path }), /is not the one it was/);
    (other.disk.topics as Map<string, typeof held>).set(TOPICS.control, { ...held, generation: 'later' });
    await assert.rejects(openCheckpointFile({ log, clock, telemetry, path }), /this log was made later/);
    await log.close();
  });

  test('a file that was altered is not added to', async () => {
    await work(stage, auditingWith(signer), 'one');
    await writeFile(path, 'nonsense\n');
    await assert.rejects(opened(), /no checkpoint: it was altered/);
    assert.equal(await readFile(path, 'utf8'), 'nonsense\n');
  });
});

describe('checkpoints by webhook', () => {
  const sent: PostRequest[] = [];
  let answers: PostAnswer[] = [];
  const taken: PostAnswer = { kind: 'answered', status: 204, retry_after: undefined, excerpt: '' };
  const webhook = (): CheckpointWebhook => ({
    ...{ log: stage.log, clock: stage.clock, telemetry, key: decodeWebhookSecret(SECRET) ?? assert.fail() },
    ...{ url: new URL('https://example.com/'), policy: { allow_private_networks: false } },
    post: async (message) => {
      sent.push(message);
      return answers.shift() ?? taken;
    },
  });
  const bodies = () => sent.map(({ body }) => JSON.parse(String(body)) as { data: { checkpoint: string; n: number } });

  beforeEach(() => {
    sent.length = 0;
    answers = [];
  });

  test('are signed so that an independent receiver takes them, each once, also after a restart', async () => {
    await work(stage, auditingWith(signer), 'one');
    await flushed();
    await flushed();
    const all = await checkpointsOf(stage.log);
    assert.deepEqual(
      bodies().map(({ data }) => data.checkpoint),
      all,
    );
    for (const { body, headers } of sent) {
      // The peer compares the time with its own clock, so only the signature itself is asked for.
      const { 'webhook-id': id = '', 'webhook-timestamp': at = '', 'webhook-signature': signature } = headers;
      assert.equal(new Webhook(SECRET).sign(id, new Date(Number(at) * 1000), String(body)), signature);
    }
    assert.equal(new Set(sent.map(({ headers }) => headers['webhook-id'])).size, all.length);
    await work(stage, auditingWith(signer), 'two');
    await flushed();
    assert.equal(sent.length, (await checkpointsOf(stage.log)).length);
  });

  const flushed = (): Promise<void> => flushCheckpoints(webhook(), new AbortController().signal);

  test('are tried until they are taken, under the same id', async () => {
    await work(stage, auditingWith(signer), 'one');
    const refused: PostAnswer = { kind: 'answered', status: 500, retry_after: undefined, excerpt: '' };
    const away: PostAnswer = { kind: 'failed', reason: 'unreachable', code: 'ECONNREFUSED' };
    answers = [refused, away, refused];
    const over = new AbortController();
    const sending = sendCheckpoints(webhook(), over.signal);
    const all = await checkpointsOf(stage.log);
    while (sent.length < all.length + 3) {
      await nextTurn();
      stage.clock.advance(1000);
    }
    over.abort();
    await sending;
    assert.equal(new Set(sent.slice(0, 4).map(({ headers }) => headers['webhook-id'])).size, 1);
    assert.deepEqual(
      bodies()
        .slice(3)
        .map(({ data }) => data.checkpoint),
      all,
    );
  });

  test('of two that send for a moment, the earlier one gives way', async () => {
    await work(stage, auditingWith(signer), 'one');
    const { disk, clock } = stage;
    const two = [0, 1].map(() =>
      flushCheckpoints({ ...webhook(), log: openSimulatedLog({ disk, clock }) }, new AbortController().signal),
    );
    const ends = await Promise.allSettled(two);
    assert.ok(ends.some(({ status }) => status === 'fulfilled'));
    const ids = sent.map(({ headers }) => headers['webhook-id']);
    assert.equal(new Set(ids).size, (await checkpointsOf(stage.log)).length);
  });
});
