import type { WebhookExecutorConfig } from '../../../schemas/executor-config.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Frozen } from '../../platform/config.ts';
import { SHORT_FORM } from '../../platform/config-executors.ts';
import { checkTarget } from '../../platform/outbound/target.ts';
import { decodeWebhookSecret, signWebhook } from '../../platform/standard-webhooks.ts';
import type { ExecutionRequest, ExecutionResult, Executor, ExecutorPlan } from '../executor.ts';
import {
  type Asking,
  asking,
  type ExecutorKind,
  lineOf,
  meaningOf,
  needed,
  refused,
  targetPolicy,
  tooLate,
  within,
} from './kit.ts';

type Settings = Frozen<WebhookExecutorConfig>;

/**
 * A tool gateway that takes every action, in both directions, as a message signed by Standard Webhooks 1.0.0. A repeat has
 * the same id and the same bytes, and is answered with what became of the first: that is its probe.
 */
export const webhook: ExecutorKind<Settings> = {
  plan,
  open(settings, secrets, seams) {
    const key = decodeWebhookSecret(needed(secrets, 'secret_file'));
    if (key === undefined) return refused('secret_file', 'a signing secret is whsec_ and base64 of 24 to 64 bytes');
    const policy = targetPolicy(settings, seams);
    const target = checkTarget(settings.url, policy);
    if (typeof target === 'string') return refused('url', target);
    const ask = asking(policy, seams, secrets.ca_file);
    const execute: Executor['execute'] = async (request, attempt, signal) => {
      const late = tooLate(request, attempt, seams.clock);
      if (late !== undefined) return late;
      const payload = payloadOf(request);
      const headers = signWebhook({ id: request.idempotency_key, now_ms: seams.clock.now(), payload, keys: [key] });
      const message = { url: settings.url, headers: { ...headers, 'content-type': 'application/json' }, payload };
      return send(ask, { ...message, attempt }, signal);
    };
    return { kind: 'ready', executor: { ...plan(settings), execute } };
  },
};

export type WebhookExecutorOptions = {
  readonly url: string;
  /** `whsec_` and base64 of 24 to 64 bytes. */
  readonly secret: string;
  readonly clock: Clock;
  /** Default: the receiver recognises repeats. */
  readonly deduplicates?: boolean;
  /** Permits `http:` beyond this machine. */
  readonly plaintext?: boolean;
  readonly allow_private_networks?: boolean;
  readonly allow_hosts?: readonly string[];
};

export type WebhookExecutor =
  | { readonly kind: 'ready'; readonly executor: Executor }
  | { readonly kind: 'refused'; readonly problem: { readonly field: 'url' | 'secret'; readonly message: string } };

/** The one executor that `contain.executor_webhook` stands for, named `webhook`. */
export function createWebhookExecutor(options: WebhookExecutorOptions): WebhookExecutor {
  const { secret, clock, allow_hosts } = options;
  const seams = { clock, ...(allow_hosts !== undefined && { allow_hosts }) };
  const opened = webhook.open(shortForm(options), { secret_file: secret }, seams);
  if (opened.kind === 'ready') return opened;
  const { field, message } = opened.problem;
  return { kind: 'refused', problem: { field: field === 'secret_file' ? 'secret' : 'url', message } };
}

/** The settings that the short form stands for. */
export function shortForm(options: Omit<WebhookExecutorOptions, 'secret' | 'clock' | 'allow_hosts'>): Settings {
  const { url, deduplicates = true, plaintext = false, allow_private_networks = false } = options;
  const secret_file = 'contain.executor_webhook.secret_file';
  return {
    type: 'webhook',
    name: SHORT_FORM,
    url,
    secret_file,
    deduplicates,
    allow_plaintext: plaintext,
    allow_private_networks,
  };
}

function plan(settings: Settings): ExecutorPlan {
  const { name, url, deduplicates } = settings;
  return {
    name,
    idempotent: deduplicates,
    canProbe: deduplicates,
    carriesOut: within(settings, () => true),
    dryRun: (request) =>
      `POST ${shownUrl(url)}\nsigned by Standard Webhooks, webhook-id ${request.idempotency_key}\n${payloadOf(request)}`,
  };
}

/** Without the query, in which some gateways want a token. */
function shownUrl(text: string): string {
  const url = URL.parse(text);
  return url === null ? text : `${url.origin}${url.pathname}`;
}

/** The same bytes in every attempt, in the shape that Standard Webhooks recommends. */
function payloadOf(request: ExecutionRequest): string {
  const { started, deadline, ...data } = request;
  return JSON.stringify({
    type: 'containment.execute',
    timestamp: new Date(started).toISOString(),
    data: { ...data, deadline: new Date(deadline).toISOString() },
  });
}

type Message = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
  readonly attempt: number;
};

async function send(
  ask: Asking,
  { url, headers, payload, attempt }: Message,
  signal: AbortSignal,
): Promise<ExecutionResult> {
  const answer = await ask(
    // Its status is the answer; a body that trickles must not turn done into unclear.
    {
      method: 'POST',
      url,
      headers,
      body: payload,
      reads_success: false,
      body_bytes_max: LIMITS.executor_response_bytes_max,
    },
    signal,
  );
  const detail = lineOf(answer);
  if (answer.kind === 'failed') return { kind: 'unclear', detail, ...(!answer.sent && { nothing_sent: true }) };
  switch (meaningOf(answer.status)) {
    case 'ok':
      return { kind: 'done', detail };
    case 'not_now':
      return { kind: 'unclear', detail };
    case 'refused':
      // The first may have been taken, and its outcome forgotten or the secret changed since.
      return { kind: attempt === 1 ? 'failed' : 'unclear', detail };
  }
}
