import { send, shownText } from './outbound/send.ts';
import type { TargetPolicy } from './outbound/target.ts';

export { checkTarget, type TargetPolicy } from './outbound/target.ts';

/** One POST of a message to a receiver that somebody has configured, over the guarded client. */
export type PostRequest = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  readonly policy: TargetPolicy;
  /** From the call to the end of the answer's headers and as much of its body as is kept. */
  readonly timeout_ms: number;
  /** Bytes of the body that are read when the status is not 2xx. */
  readonly excerpt_bytes_max: number;
  readonly signal: AbortSignal;
  /** Authorities in PEM that vouch for the receiver, in place of those that Node.js knows. */
  readonly ca?: string;
};

export type PostAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retry_after: string | undefined;
      /** Beginning of the body when the status is not 2xx, control characters replaced. Hostile text all the same. */
      readonly excerpt: string;
    }
  /** `code` is the error's own (`ECONNREFUSED`, `CERT_HAS_EXPIRED`); for people, not for decisions. */
  | {
      readonly kind: 'failed';
      readonly reason: 'timeout' | 'unreachable' | 'forbidden' | 'aborted';
      readonly code: string;
    };

/** Sends once. Never rejects; the answer says what happened. Throws only for a header that HTTP cannot carry. */
export async function post({ excerpt_bytes_max, ...message }: PostRequest): Promise<PostAnswer> {
  const answer = await send({ method: 'POST', ...message, body_bytes_max: excerpt_bytes_max, reads_success: false });
  if (answer.kind === 'failed') return { kind: 'failed', reason: answer.reason, code: answer.code };
  const { status, headers, body } = answer;
  return { kind: 'answered', status, retry_after: headers['retry-after'], excerpt: shownText(body, excerpt_bytes_max) };
}
