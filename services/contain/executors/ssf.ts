import { SignJWT } from 'jose';
import type { ContainmentAction } from '../../../schemas/alert.ts';
import type { SsfExecutorConfig } from '../../../schemas/executor-config.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Frozen } from '../../platform/config.ts';
import type { ExecutionRequest, ExecutionResult, Executor, ExecutorPlan, Order } from '../executor.ts';
import {
  ACTION_WORDS,
  asking,
  type ExecutorKind,
  jsonObject,
  lineOf,
  meaningOf,
  needed,
  refused,
  targetPolicy,
  tooLate,
  within,
} from './kit.ts';
import { readSigningKey, type SigningKey } from './signing-key.ts';

type Settings = Frozen<SsfExecutorConfig>;

/**
 * Tells a receiver of Shared Signals (OpenID SSF 1.0) what was decided: a security event token (RFC 8417) pushed to it (RFC
 * 8935). Its `jti` is the same in every attempt; a receiver answers a repeat like the first time (RFC 8935, section 2), which
 * is its probe. 202 says that it was taken, not that anybody acts on it: telemetry says that.
 */
export const ssf: ExecutorKind<Settings> = {
  plan,
  open(settings, secrets, seams) {
    const key = readSigningKey(needed(secrets, 'private_key_file'));
    if (typeof key === 'string') return refused('private_key_file', key);
    const token = secrets.token_file;
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
      return refused('token_file', 'a bearer token is printable ASCII without spaces');
    }
    const ask = asking(targetPolicy(settings, seams), seams, secrets.ca_file);
    const headers = {
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const execute: Executor['execute'] = async (request, attempt, signal) => {
      const body = await signedToken(settings, key, request);
      const late = tooLate(request, attempt, seams.clock);
      if (late !== undefined) return late;
      const size = { body_bytes_max: LIMITS.executor_response_bytes_max };
      const answer = await ask({ method: 'POST', url: settings.endpoint, headers, body, ...size }, signal);
      return resultOf(answer, attempt);
    };
    return { kind: 'ready', executor: { ...plan(settings), execute } };
  },
};

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type';

/** The event of each order; undefined where Shared Signals has no word for it. */
function eventTypeOf({ action, direction }: Pick<Order, 'action' | 'direction'>): string | undefined {
  const events: Partial<Record<ContainmentAction, string>> =
    direction === 'restore'
      ? { suspend_agent: `${RISC}/account-enabled` }
      : {
          quarantine_session: `${CAEP}/session-revoked`,
          revoke_credential: `${CAEP}/session-revoked`,
          suspend_agent: `${RISC}/account-disabled`,
        };
  return events[action];
}

function plan(settings: Settings): ExecutorPlan {
  return {
    name: settings.name,
    idempotent: true,
    canProbe: true,
    carriesOut: within(settings, (order) => eventTypeOf(order) !== undefined),
    dryRun: (request) =>
      `POST ${settings.endpoint}  application/secevent+jwt, signed with key ${settings.key_id}\n` +
      JSON.stringify(claimsOf(settings, request), undefined, 2),
  };
}

/** The same claims in every attempt (RFC 8417, section 2.2). As SSF 1.0 wants it: one event, `sub_id`, no `exp` and no `sub`. */
function claimsOf(settings: Settings, request: ExecutionRequest) {
  const { issuer, audience } = settings;
  const { containment, idempotency_key, started } = request;
  const type = eventTypeOf(request);
  if (type === undefined) throw new Error(`executor ${settings.name} was asked for what it does not carry out`);
  return {
    iss: issuer,
    aud: audience,
    iat: Math.floor(started / 1000),
    jti: idempotency_key,
    txn: containment,
    sub_id: subjectOf(settings, request),
    events: { [type]: type.startsWith(RISC) ? {} : caepEvent(request) },
  };
}

function caepEvent({ action, target, digest, started }: ExecutionRequest) {
  return {
    event_timestamp: Math.floor(started / 1000),
    // Humans have approved it.
    initiating_entity: 'admin',
    reason_admin: { en: `countersigned: ${ACTION_WORDS[action]} ${target.slice(0, 256).toWellFormed()} (${digest})` },
  };
}

/** RFC 9493; a session stands beside its user in a complex subject of SSF 1.0. */
function subjectOf(settings: Settings, { identity, action, target, tenant }: ExecutionRequest) {
  const user = userOf(settings, identity);
  if (action === 'suspend_agent') return user;
  const session = action === 'quarantine_session' ? { session: { format: 'opaque', id: target } } : {};
  return { format: 'complex', user, ...session, tenant: { format: 'opaque', id: tenant } };
}

function userOf({ subject_format, subject_issuer }: Settings, identity: string) {
  switch (subject_format) {
    case 'iss_sub':
      return { format: 'iss_sub', iss: subject_issuer, sub: identity };
    case 'email':
      return { format: 'email', email: identity };
    case 'opaque':
      return { format: 'opaque', id: identity };
  }
}

function signedToken(settings: Settings, { key, alg }: SigningKey, request: ExecutionRequest): Promise<string> {
  return new SignJWT(claimsOf(settings, request))
    .setProtectedHeader({ alg, kid: settings.key_id, typ: 'secevent+jwt' })
    .sign(key);
}

/** RFC 8935, sections 2.2 to 2.4. Of the other 2xx none says that the token was validated and taken. */
function resultOf(answer: Parameters<typeof lineOf>[0], attempt: number): ExecutionResult {
  if (answer.kind === 'failed') {
    return { kind: 'unclear', detail: lineOf(answer), ...(!answer.sent && { nothing_sent: true as const }) };
  }
  if (answer.status === 202) return { kind: 'done', detail: 'HTTP 202: the receiver has taken the event' };
  const detail = `${lineOf(answer)}${answer.status < 300 ? ', which is not the 202 of a receiver that took it' : ''}`;
  if (meaningOf(answer.status) !== 'refused') return { kind: 'unclear', detail };
  const err = jsonObject(answer)?.err;
  const known = typeof err === 'string' && PUSH_ERRORS.has(err) ? ` (${err})` : '';
  // The first may have been taken, and the key or the rights changed since.
  return { kind: attempt === 1 ? 'failed' : 'unclear', detail: `${detail}${known}` };
}

/** RFC 8935, section 2.4. */
const PUSH_ERRORS: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_key',
  'invalid_issuer',
  'invalid_audience',
  'authentication_failed',
  'access_denied',
]);
