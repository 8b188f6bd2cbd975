import { randomUUID } from 'node:crypto';
import type { Oauth2ExecutorConfig } from '../../../schemas/executor-config.ts';
import type { Frozen } from '../../platform/config.ts';
import { decodeWebhookSecret } from '../../platform/standard-webhooks.ts';
import type { ExecutionRequest, ExecutionResult, Executor, ExecutorPlan, ProbeResult } from '../executor.ts';
import {
  asking,
  type ExecutorKind,
  type ExecutorSeams,
  lineOf,
  meaningOf,
  nothingSent,
  notYetSent,
  refused,
  targetPolicy,
  tooLate,
  within,
} from './kit.ts';
import { type Endpoints, type Oauth2Client, openOauth2Client, type TokenState } from './oauth2-client.ts';
import { openTokenSource, type Token, type TokenSource } from './tokens.ts';

type Settings = Frozen<Oauth2ExecutorConfig>;

/**
 * Revokes the tokens of a credential at an OAuth 2 authorization server (RFC 7009), those that refresh first, with which the
 * grant goes. A 200 of the revocation endpoint proves nothing: the answer to a token that the server does not know is the
 * same (section 2.2). So it is done when introspection (RFC 7662) says that every token is inactive, and because that is also
 * the answer to a client that may not see the token (section 2.2 there), only if one of them was active before.
 */
export const oauth2: ExecutorKind<Settings> = {
  plan,
  open(settings, secrets, seams) {
    const ask = asking(targetPolicy(settings, seams), seams, secrets.ca_file);
    const client = openOauth2Client(settings, secrets, { ask, clock: seams.clock, randomId: randomUUID });
    if (typeof client === 'string') return refused('private_key_file', client);
    const source = settings.token_source;
    const secret = source.type === 'http' ? secrets['token_source.secret_file'] : undefined;
    const key = secret === undefined ? undefined : decodeWebhookSecret(secret);
    if (source.type === 'http' && key === undefined) {
      return refused('token_source.secret_file', 'a signing secret is whsec_ and base64 of 24 to 64 bytes');
    }
    const http = key === undefined ? undefined : { ask, key, clock: seams.clock };
    const parts: Parts = { client, tokensOf: openTokenSource(source, http), clock: seams.clock };
    const executor: Executor = {
      ...plan(settings),
      execute: (request, attempt, signal) => revokeAll(parts, request, attempt, signal),
      probe: (request, signal) => look(parts, request, signal),
    };
    return { kind: 'ready', executor };
  },
};

type Parts = { readonly client: Oauth2Client; readonly tokensOf: TokenSource; readonly clock: ExecutorSeams['clock'] };

function plan(settings: Settings): ExecutorPlan {
  const { name, issuer, revocation_endpoint, introspection_endpoint, client_id, client_auth, token_source } = settings;
  const revocation = revocation_endpoint ?? `the revocation endpoint of ${issuer}`;
  const introspection = introspection_endpoint ?? `the introspection endpoint of ${issuer}`;
  const source = token_source.type === 'file' ? 'the token file' : token_source.url;
  return {
    name,
    // RFC 7009, section 2.2: a token that is revoked already is answered like the first time.
    idempotent: true,
    canProbe: true,
    carriesOut: within(settings, ({ action, direction }) => action === 'revoke_credential' && direction === 'contain'),
    dryRun: ({ target }) =>
      [
        `As client ${client_id} (${client_auth}), for each token that ${source} has for credential ${JSON.stringify(target)}, refresh tokens first:`,
        `1. POST ${introspection}  token=(withheld)   is it active?`,
        `2. POST ${revocation}  token=(withheld)   RFC 7009`,
        `3. POST ${introspection}  token=(withheld)   done only when it says "active": false`,
        'This cannot be taken back: who needs access again gets a new token.',
      ].join('\n'),
  };
}

type Held = { readonly at: Endpoints; readonly tokens: readonly Token[] };

async function prepare(
  parts: Parts,
  request: ExecutionRequest,
  signal: AbortSignal,
): Promise<Held | { detail: string; passing: boolean }> {
  const found = await parts.tokensOf(request, signal);
  if (found.kind !== 'found') return { detail: found.detail, passing: found.kind === 'broken' };
  const at = await parts.client.endpoints(signal);
  return typeof at === 'string' ? { detail: at, passing: true } : { at, tokens: found.tokens };
}

async function revokeAll(
  parts: Parts,
  request: ExecutionRequest,
  attempt: number,
  signal: AbortSignal,
): Promise<ExecutionResult> {
  const held = await prepare(parts, request, signal);
  if ('detail' in held) return held.passing ? notYetSent(held.detail) : nothingSent(attempt, held.detail);
  const before = await statesOf(parts.client, held, signal);
  const active = held.tokens.filter((_, index) => before[index]?.kind === 'active');
  if (active.length === 0) {
    const unclear = before.find(({ kind }) => kind === 'unclear');
    if (unclear !== undefined) return notYetSent(unclear.detail);
    return attempt === 1 ? { kind: 'failed', detail: NOTHING_ACTIVE } : summary(before);
  }
  // What cannot be seen is revoked, too: that harms nobody, and the last look decides.
  const pending = held.tokens.filter((_, index) => before[index]?.kind !== 'inactive');
  for (const [index, token] of pending.entries()) {
    const first = index === 0;
    const late = tooLate(request, first ? attempt : attempt + 1, parts.clock);
    if (late !== undefined) return late;
    const answer = await parts.client.revoke(held.at, token, signal);
    const detail = `revocation: ${lineOf(answer)}`;
    if (answer.kind === 'failed') return first && !answer.sent ? notYetSent(detail) : { kind: 'unclear', detail };
    const meaning = meaningOf(answer.status);
    if (meaning === 'not_now') return { kind: 'unclear', detail };
    // A refusal is certain as long as nothing went before it.
    if (meaning === 'refused') return nothingSent(first ? attempt : attempt + 1, detail);
  }
  return summary(await statesOf(parts.client, held, signal));
}

const NOTHING_ACTIVE =
  'introspection says that no token of it was active before anything was sent: it ended already, or this client may not ' +
  'see it; look at the authorization server';

async function statesOf(client: Oauth2Client, { at, tokens }: Held, signal: AbortSignal): Promise<TokenState[]> {
  const states: TokenState[] = [];
  for (const token of tokens) states.push(await client.introspect(at, token, signal));
  return states;
}

/** Done only when the server says of every token that it is not active. */
function summary(states: readonly TokenState[]): ExecutionResult {
  const still = states.find(({ kind }) => kind === 'active') ?? states.find(({ kind }) => kind === 'unclear');
  if (still !== undefined) {
    return { kind: 'unclear', detail: `revocation was answered, and then ${still.detail}` };
  }
  return { kind: 'done', detail: `introspection says of ${counted(states.length)} that it is not active` };
}

const counted = (tokens: number): string => (tokens === 1 ? 'the token' : `each of ${tokens} tokens`);

async function look(parts: Parts, request: ExecutionRequest, signal: AbortSignal): Promise<ProbeResult> {
  const held = await prepare(parts, request, signal);
  if ('detail' in held) return { kind: 'unclear', detail: held.detail };
  const states = await statesOf(parts.client, held, signal);
  const unclear = states.find(({ kind }) => kind === 'unclear');
  if (states.some(({ kind }) => kind === 'active')) return { kind: 'not_done', detail: 'introspection: still active' };
  if (unclear !== undefined) return { kind: 'unclear', detail: unclear.detail };
  return { kind: 'done', detail: `introspection says of ${counted(states.length)} that it is not active` };
}
