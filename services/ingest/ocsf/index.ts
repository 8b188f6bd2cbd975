import type { Operation, Resource } from '../../../schemas/event.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { operationOfCall } from '../cloudtrail/operation.ts';
import { credentialKind, resourceOfArn } from '../cloudtrail/principal.ts';
import { isObject, type JsonObject } from '../decode.ts';
import type { Normalised, Normaliser } from '../normaliser.ts';
import { isAbsent } from '../paths.ts';
import { excerpt, type Refusal } from '../refusal.ts';
import { codeOf, identifierOf, objectOf, present, sizeOf, textOf } from '../typed-rows.ts';
import { findLeftovers } from '../unmapped.ts';
import { operationOf } from '../verbs.ts';
import { checkTypes, KNOWN } from './fields.ts';
import { type Actor, actorOf } from './identity.ts';
import { outcomeOf } from './outcome.ts';

/** API Activity, the one class that tells of calls. */
const API_ACTIVITY = 6003;

/** OCSF API Activity (class 6003). Other classes of OCSF are of this format too, and refused by their name. */
export const ocsfNormaliser: Normaliser = {
  name: 'ocsf',
  format: 'ocsf',
  mismatch(document) {
    if (codeOf(document.class_uid) === undefined) return 'class_uid is missing';
    return isObject(document.metadata) || isObject(document.api) ? undefined : 'metadata is missing';
  },
  normalise(document) {
    const class_uid = codeOf(document.class_uid);
    if (class_uid !== API_ACTIVITY) return [otherClass(document)];
    const wrong = checkTypes(document);
    if (wrong !== undefined) return [wrong];
    const actor = actorOf(document);
    return ['reason' in actor ? actor : candidate(document, actor)];
  },
};

function otherClass(document: JsonObject): Refusal {
  const name = textOf(document.class_name);
  const what = `${excerpt(document.class_uid)}${name === undefined ? '' : ` (${excerpt(name)})`}`;
  const message = `class_uid: OCSF class ${what} is not read, only 6003 (API Activity); send that class alone, or map this one`;
  return { kind: 'refused', reason: 'format_unknown', field: 'class_uid', message };
}

function candidate(event: JsonObject, actor: Actor): Normalised {
  const api = objectOf(event.api);
  const metadata = objectOf(event.metadata);
  const { kind, name, version } = actor.identity;
  const peer_group = actor.identity.peer_group === undefined ? undefined : identifierOf(actor.identity.peer_group);
  const tool = { name: textOf(api.operation), server: serverOf(event), version: textOf(api.version) };
  const stated = actor.session ?? textOf(objectOf(event.message_context).uid);
  const session = stated === undefined ? undefined : identifierOf(stated);
  const model = textOf(objectOf(objectOf(event.ai_agent).ai_model).name) ?? textOf(objectOf(event.ai_model).name);
  const observed_time = logged(metadata.logged_time);
  return {
    kind: 'candidate',
    input: {
      id: textOf(metadata.uid) ?? textOf(metadata.original_event_uid) ?? textOf(objectOf(api.request).uid),
      time: isAbsent(event.time) ? event.time_dt : event.time,
      ...(observed_time === undefined ? {} : { observed_time }),
      identity: { id: identifierOf(actor.identity.id), kind, ...present({ name, peer_group, version }) },
      action: { operation: actionOf(event, tool) },
      tool: present(tool),
      resources: resourcesOf(event, tool.server),
      volume: volumeOf(event),
      outcome: outcomeOf(event),
      source: sourceOf(event, actor),
      ...credentialOf(actor),
      ...traceOf(event),
      ...present({ session, on_behalf_of: actor.on_behalf_of, model }),
    },
    origin: undefined,
    leftovers: findLeftovers(event, KNOWN),
    tool_arguments: undefined,
    explain,
  };
}

function serverOf(event: JsonObject): string | undefined {
  const service = textOf(objectOf(objectOf(event.api).service).name);
  return service ?? textOf(objectOf(objectOf(event.metadata).product).name);
}

type Tool = { readonly name: string | undefined; readonly server: string | undefined };

/** `activity_id`: 1 Create, 2 Read, 3 Update, 4 Delete. */
const ACTIVITIES: ReadonlyMap<number, Operation> = new Map([
  [1, 'store'],
  [2, 'read'],
  [3, 'store'],
  [4, 'execute'],
]);

/** What the name of the operation says, by the words of AWS or of tools, is finer than what the activity says. */
function actionOf(event: JsonObject, { name, server }: Tool): Operation {
  const aws = server?.endsWith('.amazonaws.com') === true;
  const told = name === undefined ? 'unknown' : aws ? operationOfCall(name, undefined) : operationOf(name);
  return told === 'unknown' ? (ACTIVITIES.get(codeOf(event.activity_id) ?? 0) ?? 'unknown') : told;
}

function resourcesOf({ resources }: JsonObject, server: string | undefined): Resource[] {
  if (!Array.isArray(resources)) return [];
  const found: Resource[] = [];
  for (const element of resources as unknown[]) {
    if (found.length > LIMITS.resources_per_event_max) break;
    if (!isObject(element)) continue;
    const name = textOf(element.uid) ?? textOf(element.name);
    if (name === undefined) continue;
    const { id, store } = resourceOfArn(name) ?? { id: name, store: server };
    found.push({ id, ...present({ store: textOf(element.namespace) ?? store, kind: textOf(element.type) }) });
  }
  return found;
}

type Volume = { bytes_in?: number; bytes_out?: number; tokens_in?: number; tokens_out?: number };

function volumeOf(event: JsonObject): Volume {
  const request = objectOf(event.http_request);
  const response = objectOf(event.http_response);
  const tokens = objectOf(event.message_context);
  const bytes_in = sizeOf(request.body_length) ?? sizeOf(request.length) ?? transferred(event, 'bytesTransferredIn');
  const bytes_out =
    sizeOf(response.body_length) ?? sizeOf(response.length) ?? transferred(event, 'bytesTransferredOut');
  const tokens_in = sizeOf(tokens.prompt_tokens);
  const tokens_out = sizeOf(tokens.completion_tokens);
  return {
    ...(bytes_in === undefined ? {} : { bytes_in }),
    ...(bytes_out === undefined ? {} : { bytes_out }),
    ...(tokens_in === undefined ? {} : { tokens_in }),
    ...(tokens_out === undefined ? {} : { tokens_out }),
  };
}

/** Security Lake puts what CloudTrail counted where the schema has no place, with dots in the name or within objects. */
function transferred({ unmapped }: JsonObject, name: string): number | undefined {
  const aside = objectOf(unmapped);
  return sizeOf(aside[`additionalEventData.${name}`]) ?? sizeOf(objectOf(aside.additionalEventData)[name]);
}

function sourceOf(event: JsonObject, { application, identity }: Actor): Record<string, string> {
  const { ip, vpc_uid, uid, instance_uid, hostname, svc_name, domain } = objectOf(event.src_endpoint);
  const through = application === identity.id ? undefined : application;
  return present({
    ip: textOf(ip),
    network: textOf(vpc_uid) ?? textOf(uid),
    workload: textOf(instance_uid) ?? textOf(hostname) ?? textOf(svc_name) ?? textOf(domain) ?? through,
  });
}

function credentialOf({ credential }: Actor): { credential?: { id: string; kind?: string } } {
  if (credential === undefined) return {};
  return { credential: { id: credential, ...present({ kind: credentialKind(credential) }) } };
}

function traceOf({ trace }: JsonObject): { trace?: Record<string, string> } {
  if (!isObject(trace)) return {};
  const span = objectOf(trace.span);
  return {
    trace: present({
      trace_id: textOf(trace.uid),
      span_id: textOf(span.uid),
      parent_span_id: textOf(span.parent_uid),
    }),
  };
}

/** A clock of the logging system that is off does not make the event wrong. */
function logged(value: unknown): number | undefined {
  const time = typeof value === 'number' ? Math.trunc(value) : Number.NaN;
  return time >= LIMITS.time_ms_min && time <= LIMITS.time_ms_max ? time : undefined;
}

/** Source of each canonical field, for the words of a refusal. */
const SOURCES: readonly (readonly [field: string, source: string])[] = [
  ['id', 'metadata.uid'],
  ['time', 'time'],
  ['identity.id', 'actor'],
  ['session', 'actor.session.uid'],
  ['tool.name', 'api.operation'],
  ['volume.tokens_in', 'message_context.prompt_tokens'],
  ['volume.tokens_out', 'message_context.completion_tokens'],
];

function explain(refusal: Refusal): Refusal {
  const source = SOURCES.find(([field]) => field === refusal.field)?.[1];
  if (source === undefined) return refusal;
  return { ...refusal, message: `${refusal.message} (ocsf: taken from ${source})` };
}
