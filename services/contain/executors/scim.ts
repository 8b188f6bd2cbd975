import type { ScimExecutorConfig } from '../../../schemas/executor-config.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Frozen } from '../../platform/config.ts';
import type { OutboundAnswer } from '../../platform/outbound/send.ts';
import type { ExecutionRequest, ExecutionResult, Executor, ExecutorPlan, ProbeResult } from '../executor.ts';
import {
  type Asking,
  asking,
  type ExecutorKind,
  type ExecutorSeams,
  jsonObject,
  lineOf,
  meaningOf,
  needed,
  nothingSent,
  notYetSent,
  refused,
  targetPolicy,
  tooLate,
  within,
} from './kit.ts';

type Settings = Frozen<ScimExecutorConfig>;

/**
 * Suspends an identity in a directory that speaks SCIM 2.0, and lifts that again: PATCH of `active` (RFC 7644, section
 * 3.5.2), conditional on the version that was read where the directory has versions (section 3.14). Done when the directory,
 * asked again, says so.
 */
export const scim: ExecutorKind<Settings> = {
  plan,
  open(settings, secrets, seams) {
    const token = needed(secrets, 'token_file');
    if (!/^[\x21-\x7e]+$/.test(token)) return refused('token_file', 'a bearer token is printable ASCII without spaces');
    const ask = asking(targetPolicy(settings, seams), seams, secrets.ca_file);
    const parts: Parts = { settings, ask, authorization: `Bearer ${token}`, clock: seams.clock };
    const executor: Executor = {
      ...plan(settings),
      execute: (request, attempt, signal) => setActive(parts, request, attempt, signal),
      probe: (request, signal) => look(parts, request, signal),
    };
    return { kind: 'ready', executor };
  },
};

type Parts = {
  readonly settings: Settings;
  readonly ask: Asking;
  readonly authorization: string;
  readonly clock: ExecutorSeams['clock'];
};

const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

function plan(settings: Settings): ExecutorPlan {
  const { name } = settings;
  return {
    name,
    // Setting what is set already changes nothing.
    idempotent: true,
    canProbe: true,
    carriesOut: within(settings, ({ action }) => action === 'suspend_agent'),
    dryRun: (request) =>
      [
        `GET ${lookupUrl(settings, request.identity)}`,
        `PATCH ${baseOf(settings)}/${settings.resource}/(its id)  If-Match: (its version)`,
        patchOf(request),
        'then GET again: done only when "active" reads so. Authorization: Bearer (withheld)',
      ].join('\n'),
  };
}

const wanted = ({ direction }: ExecutionRequest): boolean => direction === 'restore';

function patchOf(request: ExecutionRequest): string {
  const operation = { op: 'replace', path: 'active', value: wanted(request) };
  return JSON.stringify({ schemas: [PATCH_SCHEMA], Operations: [operation] });
}

const baseOf = ({ base_url }: Settings): string => base_url.replace(/\/+$/, '');

/** RFC 7644, section 3.4.2.2: a value in a filter is written as JSON writes it. */
function lookupUrl(settings: Settings, identity: string): string {
  const { resource, find_by } = settings;
  const id = identity.toWellFormed();
  if (find_by === 'id') return resourceUrl(settings, id);
  const filter = `${find_by} eq ${JSON.stringify(id)}`;
  return `${baseOf(settings)}/${resource}?filter=${encodeURIComponent(filter)}&startIndex=1&count=2`;
}

function resourceUrl(settings: Settings, id: string): string {
  return `${baseOf(settings)}/${settings.resource}/${encodeURIComponent(id)}`;
}

type Entry = { readonly id: string; readonly active: boolean | undefined; readonly version: string | undefined };
/** `absent`: the directory was asked and has not exactly one. `unclear`: it did not say. */
type Found =
  | { readonly kind: 'found'; readonly entry: Entry }
  | { readonly kind: 'absent' | 'unclear'; readonly detail: string };

async function find({ settings, ask, authorization }: Parts, identity: string, signal: AbortSignal): Promise<Found> {
  const headers = { accept: 'application/scim+json, application/json', authorization };
  const answer = await ask({ method: 'GET', url: lookupUrl(settings, identity), headers }, signal);
  if (answer.kind === 'failed') return { kind: 'unclear', detail: `look-up: ${lineOf(answer)}` };
  const refusal = meaningOf(answer.status) === 'refused';
  if (answer.status !== 200) return { kind: refusal ? 'absent' : 'unclear', detail: `look-up: ${lineOf(answer)}` };
  const body = jsonObject(answer);
  const resources = settings.find_by === 'id' ? [body] : body?.Resources;
  if (body === undefined || (!Array.isArray(resources) && body.totalResults !== 0)) {
    return { kind: 'unclear', detail: 'look-up: an answer that is no SCIM list' };
  }
  // A directory that ignores filters answers with somebody else, or with everybody.
  const fitting = (Array.isArray(resources) ? resources : [])
    .map((one) => entryIn(one, answer))
    .filter((one) => one !== undefined);
  const own = fitting.filter(({ names }) => isNamed(names, settings.find_by, identity));
  const [entry] = own;
  if (entry === undefined)
    return { kind: 'absent', detail: `the directory has nobody whose ${settings.find_by} is that` };
  if (own.length > 1 || Number(body.totalResults ?? 1) > 1) {
    return { kind: 'absent', detail: `the directory has several whose ${settings.find_by} is that` };
  }
  return { kind: 'found', entry };
}

type Names = Readonly<Record<Settings['find_by'], unknown>>;

function entryIn(
  resource: unknown,
  answer: Extract<OutboundAnswer, { kind: 'answered' }>,
): (Entry & { names: Names }) | undefined {
  if (typeof resource !== 'object' || resource === null) return undefined;
  const { id, active, meta, userName, externalId } = resource as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || id === '' || id.length > LIMITS.id_chars_max || /^\.+$/.test(id)) return undefined;
  const stated = typeof meta === 'object' && meta !== null && 'version' in meta ? meta.version : answer.headers.etag;
  const version = typeof stated === 'string' && ETAG.test(stated) ? stated : undefined;
  return {
    id: id.toWellFormed(),
    active: typeof active === 'boolean' ? active : undefined,
    version,
    names: { id, userName, externalId },
  };
}

/** RFC 9110, section 8.8.3; what is none must not reach a header. */
const ETAG = /^(W\/)?"[\x21\x23-\x7e]{0,256}"$/;

/** `userName` is compared without case (RFC 7643, section 4.1.1), the others exactly. */
function isNamed(names: Names, by: Settings['find_by'], identity: string): boolean {
  const value = names[by];
  if (typeof value !== 'string') return false;
  return by === 'userName' ? value.toLowerCase() === identity.toLowerCase() : value === identity;
}

async function setActive(
  parts: Parts,
  request: ExecutionRequest,
  attempt: number,
  signal: AbortSignal,
): Promise<ExecutionResult> {
  const found = await find(parts, request.identity, signal);
  if (found.kind !== 'found') {
    return found.kind === 'absent' ? nothingSent(attempt, found.detail) : notYetSent(found.detail);
  }
  const { entry } = found;
  const active = wanted(request);
  if (entry.active === active) return { kind: 'done', detail: `active was ${active} already` };
  const late = tooLate(request, attempt, parts.clock);
  if (late !== undefined) return late;
  const headers = {
    'content-type': 'application/scim+json',
    accept: 'application/scim+json, application/json',
    authorization: parts.authorization,
    ...(entry.version !== undefined && { 'if-match': entry.version }),
  };
  const url = resourceUrl(parts.settings, entry.id);
  const answer = await parts.ask({ method: 'PATCH', url, headers, body: patchOf(request) }, signal);
  const detail = `PATCH: ${lineOf(answer)}`;
  if (answer.kind === 'failed') return answer.sent ? { kind: 'unclear', detail } : notYetSent(detail);
  // 412: somebody else has changed it meanwhile (RFC 7644, section 3.14). 409 may be the same.
  if (answer.status === 412 || answer.status === 409) return { kind: 'unclear', detail };
  const meaning = meaningOf(answer.status);
  if (meaning === 'not_now') return { kind: 'unclear', detail };
  if (meaning === 'refused') return nothingSent(attempt, detail);
  const after = await look(parts, request, signal);
  return { kind: after.kind === 'done' ? 'done' : 'unclear', detail: `${detail}, then ${after.detail}` };
}

async function look(parts: Parts, request: ExecutionRequest, signal: AbortSignal): Promise<ProbeResult> {
  const found = await find(parts, request.identity, signal);
  if (found.kind !== 'found') return { kind: 'unclear', detail: found.detail };
  const { active } = found.entry;
  if (active === undefined) return { kind: 'unclear', detail: 'the directory does not say whether it is active' };
  return { kind: active === wanted(request) ? 'done' : 'not_done', detail: `the directory says active: ${active}` };
}
