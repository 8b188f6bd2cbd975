import { createHash } from 'node:crypto';
import { LIMITS } from '../../../schemas/limits.ts';
import type { ChatKind, NoticeFilter } from '../../../schemas/notify.ts';
import type { Clock } from '../../platform/clock.ts';
import type { PostAnswer, PostRequest, TargetPolicy } from '../../platform/http-post.ts';
import { signWebhook } from '../../platform/standard-webhooks.ts';
import { outcomeOf, retryAfterMs } from '../webhook-core.ts';
import { chatBody } from './chat-message.ts';
import type { SendAnswer, Target } from './lane.ts';
import { factsOf } from './words.ts';

export type ChatOptions = {
  readonly name: string;
  readonly kind: ChatKind;
  readonly url: URL;
  /** Signs what goes to a `webhook` (Standard Webhooks 1.0.0). */
  readonly key: Buffer | undefined;
  readonly policy: TargetPolicy;
  readonly filter: NoticeFilter;
  readonly public_url: string;
  readonly clock: Clock;
  /** `post` of platform/http-post: no redirects, addresses checked as they are resolved. */
  readonly post: (request: PostRequest) => Promise<PostAnswer>;
};

/** A chat, or a program that listens in on one. */
export function chatTarget(options: ChatOptions): Target {
  const { name, kind, url, key, policy, filter, public_url, clock, post } = options;
  return {
    position: `deliver.notify.chat.${name}`,
    channel: kind,
    to: name,
    filter,
    async send(notice, signal) {
      const body = chatBody(kind, notice, factsOf(notice, { public_url, detail: filter.detail }));
      const id = `ntc_${createHash('sha256').update(`${name}\u0000${notice.id}`).digest('hex').slice(0, 32)}`;
      const signed = key === undefined ? {} : signWebhook({ id, now_ms: clock.now(), payload: body, keys: [key] });
      const answer = await post({
        url,
        headers: { ...signed, 'content-type': 'application/json', 'user-agent': 'countersign' },
        body,
        policy,
        timeout_ms: LIMITS.notify_timeout_ms,
        excerpt_bytes_max: LIMITS.notify_response_bytes_max,
        signal,
      });
      return answerOf(answer, clock.now());
    },
  };
}

function answerOf(answer: PostAnswer, now_ms: number): SendAnswer {
  const outcome = outcomeOf(answer);
  if (outcome === 'aborted') return { kind: 'aborted' };
  if (outcome === 'delivered') return { kind: 'sent' };
  const detail = answer.kind === 'answered' ? `HTTP ${answer.status} ${answer.excerpt}`.trim() : answer.code;
  const retry_after_ms = answer.kind === 'answered' ? retryAfterMs(answer.retry_after, now_ms) : 0;
  const reason = outcome === 'gone' || outcome === 'redirected' ? 'refused' : outcome;
  return { kind: 'failed', reason, detail, retry_after_ms };
}
