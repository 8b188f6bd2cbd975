import type { ContainmentAction } from '../../../schemas/alert.ts';
import type { ExecutorConfig } from '../../../schemas/executor-config.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Frozen } from '../../platform/config.ts';
import { type OutboundAnswer, type Resolve, send, shownText } from '../../platform/outbound/send.ts';
import { checkTarget, type TargetPolicy } from '../../platform/outbound/target.ts';
import type { ExecutionRequest, ExecutionResult, Executor, ExecutorPlan, Order } from '../executor.ts';

/** What the files that executors are made in share: their shape, and the way to talk to a target. */

/** What an executor is given besides its settings. */
export type ExecutorSeams = {
  readonly clock: Clock;
  /** `outbound.allow` of the configuration. Absent: any host. */
  readonly allow_hosts?: readonly string[];
  /** How names are resolved; absent: by the system. */
  readonly resolve?: Resolve;
};

/** Contents of the files that an executor's settings name, by the path of the field: `token_file`, `token_source.secret_file`. */
export type ExecutorSecrets = Readonly<Record<string, string>>;

/** An executor ready to work, or the field that keeps it from that and what to do about it. */
export type OpenedExecutor =
  | { readonly kind: 'ready'; readonly executor: Executor }
  | { readonly kind: 'refused'; readonly problem: { readonly field: string; readonly message: string } };

/** A type of executor, as one file declares it. */
export type ExecutorKind<Settings> = {
  /** Without secrets: the same in every process. */
  plan(settings: Settings): ExecutorPlan;
  /** With secrets: where the responder runs. */
  open(settings: Settings, secrets: ExecutorSecrets, seams: ExecutorSeams): OpenedExecutor;
};

export function refused(field: string, message: string): OpenedExecutor {
  return { kind: 'refused', problem: { field, message } };
}

type Scope = Frozen<Pick<ExecutorConfig, 'actions' | 'identity_kinds' | 'tenants'>>;
type Ability = Pick<Order, 'action' | 'direction'>;

/** Whether an order is one that a type can carry out, and that the operator wants of this executor. */
export function within(
  { actions, identity_kinds, tenants }: Scope,
  can: (order: Ability) => boolean,
): (order: Order) => boolean {
  return (order) =>
    can(order) &&
    (actions === undefined || actions.includes(order.action)) &&
    (identity_kinds === undefined || identity_kinds.includes(order.identity_kind)) &&
    (tenants === undefined || tenants.includes(order.tenant));
}

type Reach = Frozen<Pick<ExecutorConfig, 'allow_private_networks'>> & { readonly allow_plaintext?: boolean };

export function targetPolicy(
  { allow_private_networks, allow_plaintext = false }: Reach,
  { allow_hosts }: ExecutorSeams,
): TargetPolicy {
  return { allow_private_networks, allow_plaintext, ...(allow_hosts !== undefined && { allow_hosts }) };
}

/** A request to a target, short of what is the same in all of them. */
export type Ask = {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** False: of a 2xx answer only the status counts. */
  readonly reads_success?: boolean;
  /** Default: LIMITS.executor_document_bytes_max. */
  readonly body_bytes_max?: number;
};

/** Asks a target once, within the attempt that the signal bounds. */
export type Asking = (ask: Ask, signal: AbortSignal) => Promise<OutboundAnswer>;

export function asking(policy: TargetPolicy, seams: ExecutorSeams, ca: string | undefined): Asking {
  return async ({ url, headers, body_bytes_max = LIMITS.executor_document_bytes_max, ...ask }, signal) => {
    const target = checkTarget(url, policy);
    if (typeof target === 'string')
      return { kind: 'failed', reason: 'forbidden', code: 'TARGET_FORBIDDEN', sent: false };
    const message = {
      ...ask,
      url: target,
      headers: { 'user-agent': 'countersign', ...headers },
      policy,
      timeout_ms: LIMITS.executor_timeout_ms,
      body_bytes_max,
      signal,
      ...(ca !== undefined && { ca }),
    };
    return send(message, seams.resolve);
  };
}

/** What an HTTP status says about an order, whoever answers. */
export type Meaning = 'ok' | 'not_now' | 'refused';

/** Client errors that say "not now" rather than "no" (RFC 9110, RFC 8470, RFC 6585). */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429]);

/** A redirect is a refusal: an order goes where it was approved to go. */
export function meaningOf(status: number): Meaning {
  if (status >= 200 && status < 300) return 'ok';
  return status >= 500 || NOT_NOW.has(status) ? 'not_now' : 'refused';
}

/** One line about an answer, bounded. What the target wrote is hostile text. */
export function lineOf(answer: OutboundAnswer): string {
  if (answer.kind === 'failed') return `no answer: ${answer.code}`;
  const text = meaningOf(answer.status) === 'ok' ? '' : shownText(answer.body, LIMITS.executor_detail_chars_max / 2);
  return `HTTP ${answer.status} ${text}`.trimEnd();
}

/** The JSON object in an answer; undefined when there is none, or not all of it. */
export function jsonObject(
  answer: Extract<OutboundAnswer, { kind: 'answered' }>,
): Readonly<Record<string, unknown>> | undefined {
  if (answer.cut) return undefined;
  try {
    const value: unknown = JSON.parse(answer.body.toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** An attempt that ended before an order left. An earlier one may have sent something, so only the first is sure. */
export function nothingSent(attempt: number, detail: string): ExecutionResult {
  return attempt === 1 ? { kind: 'failed', detail } : { kind: 'unclear', detail };
}

/** As `nothingSent`, where trying again may help. */
export function notYetSent(detail: string): ExecutionResult {
  return { kind: 'unclear', detail, nothing_sent: true };
}

/** The last thing before sending: whatever delayed this attempt, nothing leaves after the deadline. */
export function tooLate({ deadline }: ExecutionRequest, attempt: number, clock: Clock): ExecutionResult | undefined {
  if (clock.now() < deadline) return undefined;
  return attempt === 1
    ? { kind: 'failed', detail: 'the deadline passed before anything was sent' }
    : { kind: 'unclear', detail: 'the deadline passed after an attempt without a clear answer' };
}

/** For settings that the configuration's rules have checked. */
export function needed(secrets: ExecutorSecrets, field: string): string {
  const secret = secrets[field];
  if (secret === undefined) throw new Error(`an executor was opened without its ${field}`);
  return secret;
}

/** What an executor of these actions says of itself in a dry run. */
export const ACTION_WORDS: Readonly<Record<ContainmentAction, string>> = {
  restrict_tool: 'restrict the tool',
  restrict_data_class: 'restrict the data class',
  quarantine_session: 'quarantine the session',
  revoke_credential: 'revoke the credential',
  suspend_agent: 'suspend the identity',
};
