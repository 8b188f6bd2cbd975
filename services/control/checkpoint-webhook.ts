import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, LogUnavailable, PositionConflict, TOPICS } from '../platform/event-log.ts';
import type { PostAnswer, PostRequest, TargetPolicy } from '../platform/http-post.ts';
import { signWebhook } from '../platform/standard-webhooks.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { sha256 } from './chain.ts';
import { checkpointIn } from './checkpoint-file.ts';
import { claimsOf } from './checkpoints.ts';
import { firstControlOffset, readControl } from './writer.ts';

/**
 * Checkpoints to a receiver that keeps them where whoever holds the log cannot reach: Standard Webhooks 1.0.0, in order,
 * each until it is taken. How far it has come is a position in the log.
 */
export type CheckpointWebhook = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly post: (message: PostRequest) => Promise<PostAnswer>;
  readonly url: URL;
  readonly key: Buffer;
  readonly policy: TargetPolicy;
};

const POSITION = 'audit.webhook';
const EXCERPT_BYTES = 256;
const ID_CHARS = 32;

/** Sends every checkpoint until the signal aborts. */
export async function sendCheckpoints(webhook: CheckpointWebhook, signal: AbortSignal): Promise<void> {
  const { log, clock } = webhook;
  while (!signal.aborted) {
    try {
      const next = await sendFurther(webhook, signal);
      if (next !== undefined) await log.waitBeyond(TOPICS.control, 0, next, signal);
    } catch (error) {
      // Another process has taken over, or the log is away: what was sent stands in the position.
      if (!(error instanceof LogUnavailable || error instanceof PositionConflict)) throw error;
      if (signal.aborted) return;
      await clock.sleep(LIMITS.takeover_ms, signal);
    }
  }
}

/** Sends what is there now. Rejects with LogUnavailable. */
export async function flushCheckpoints(webhook: CheckpointWebhook, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await sendFurther(webhook, signal)) === undefined);
}

/** Sends some; resolves with where the log ends when there was nothing, undefined otherwise. */
async function sendFurther(webhook: CheckpointWebhook, signal: AbortSignal): Promise<number | undefined> {
  const { log } = webhook;
  let stored = await log.position(POSITION);
  const begin = stored === undefined ? await firstControlOffset(log) : Number(stored);
  const advance = async (next: number): Promise<void> => {
    const position = String(next);
    const expect = { name: POSITION, position: stored, fence: 'audit' };
    await log.transact({ records: [], positions: [{ name: POSITION, position }], expect });
    stored = position;
  };
  const { entries, next } = await readControl(log, begin);
  for (const entry of entries) {
    const jws = checkpointIn(entry);
    if (jws === undefined) continue;
    if (!(await send(webhook, jws, signal))) return undefined;
    await advance(entry.offset + 1);
  }
  if (next === begin) return next;
  if (String(next) !== stored) await advance(next);
  return undefined;
}

/** Tries until the receiver takes it; false when the signal aborts first. */
async function send(webhook: CheckpointWebhook, jws: string, signal: AbortSignal): Promise<boolean> {
  const { clock, telemetry, url, policy, key } = webhook;
  const claims = claimsOf(jws);
  const id = `msg_${sha256(jws).toString('hex').slice(0, ID_CHARS)}`;
  const at = new Date(claims?.time ?? 0).toISOString();
  const body = JSON.stringify({ type: 'audit.checkpoint', timestamp: at, data: { checkpoint: jws, ...claims } });
  for (let pause_ms = LIMITS.webhook_retry_ms; ; pause_ms = Math.min(2 * pause_ms, LIMITS.webhook_retry_ms_max)) {
    if (signal.aborted) return false;
    const signed = signWebhook({ id, now_ms: clock.now(), payload: body, keys: [key] });
    const answer = await webhook.post({
      url,
      headers: { ...signed, 'content-type': 'application/json', 'user-agent': 'countersign' },
      body,
      policy,
      timeout_ms: LIMITS.webhook_timeout_ms,
      excerpt_bytes_max: EXCERPT_BYTES,
      signal,
    });
    const taken = answer.kind === 'answered' && answer.status >= 200 && answer.status < 300;
    const why = answer.kind === 'answered' ? `HTTP ${answer.status}` : `${answer.reason}: ${answer.code}`;
    const outcome = taken ? 'delivered' : 'failed';
    telemetry.occurred('checkpoints_exported', { to: 'webhook', outcome }, { webhook_id: id, answer: why });
    if (taken) return true;
    await clock.sleep(pause_ms, signal);
  }
}
