import type { CanonicalEvent, EventInput, Resource } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type Catalogue, consult } from './catalogue.ts';
import { excerpt, type Refusal } from './refusal.ts';
import { cleanName, type Notes, note } from './text.ts';
import { readTime } from './time.ts';
import { boundUnmapped, type Leftovers } from './unmapped.ts';

/** The content of an event: all that its key is made of, in the one order in which it is written everywhere. */
export type EventContent = Omit<CanonicalEvent, 'key' | 'flags' | 'observed_time'>;
export type Canonicalised = {
  readonly kind: 'canonicalised';
  readonly content: EventContent;
  readonly observed_time: number | undefined;
  readonly flags: Notes['flags'];
};

/** What stands beside a validated input: who sent it, what no field takes, the tool's arguments and what they name. */
export type Surroundings = {
  readonly origin: string;
  readonly tenant: string;
  readonly plain: boolean;
  readonly catalogue: Catalogue;
  readonly leftovers: Leftovers | undefined;
  readonly tool_arguments: unknown;
  readonly targets?: readonly Resource[] | undefined;
};

/** A valid input in canonical form: defaults filled in, names made safe, lists bounded, fields in fixed order. */
export function canonicalise(input: EventInput, around: Surroundings): Canonicalised | Refusal {
  const notes: Notes = { plain: around.plain, flags: undefined };
  const time = readTime(input.time, 'time');
  if (typeof time !== 'number') return time;
  const observed_time = input.observed_time === undefined ? undefined : readTime(input.observed_time, 'observed_time');
  if (typeof observed_time === 'object') return observed_time;
  const malformed = notes.plain ? undefined : refuseMalformed(input);
  if (malformed !== undefined) return malformed;

  const known = consult(around.catalogue, input, around);
  const content: EventContent = {
    id: input.id,
    origin: around.origin,
    tenant: input.tenant ?? around.tenant,
    time,
    identity: canonicalIdentity(input.identity, notes),
    action: { operation: known.operation },
    resources: canonicalResources(known.resources, notes),
    volume: canonicalVolume(input.volume),
    outcome: canonicalOutcome(input.outcome, notes),
  };
  if (input.action?.name !== undefined) content.action.name = name(input.action.name, notes);
  if (input.tool !== undefined) content.tool = canonicalTool(input.tool, known.server, notes);
  addContext(content, input, notes);
  const unmapped = around.leftovers === undefined ? undefined : boundUnmapped(around.leftovers, notes);
  if (unmapped !== undefined) content.unmapped = unmapped;
  return { kind: 'canonicalised', content, observed_time, flags: notes.flags };
}

function name(value: string, notes: Notes): string {
  return cleanName(value, LIMITS.name_chars_max, notes);
}

/** An identifier decides whose an event is, so half a character in it is refused like a control character. */
function refuseMalformed(input: EventInput): Refusal | undefined {
  const identifiers = {
    id: input.id,
    tenant: input.tenant,
    session: input.session,
    'identity.id': input.identity.id,
    'identity.peer_group': input.identity.peer_group,
  };
  for (const [field, value] of Object.entries(identifiers)) {
    if (value === undefined || value.isWellFormed()) continue;
    const message = `${field}: ${excerpt(value)} holds half a character (a lone surrogate); write whole characters at the source`;
    return { kind: 'refused', reason: 'schema_mismatch', field, message };
  }
  return undefined;
}

function canonicalIdentity(input: EventInput['identity'], notes: Notes): CanonicalEvent['identity'] {
  const identity: CanonicalEvent['identity'] = { id: input.id, kind: input.kind ?? 'unknown' };
  if (input.name !== undefined) identity.name = name(input.name, notes);
  if (input.owner !== undefined) identity.owner = name(input.owner, notes);
  if (input.peer_group !== undefined) identity.peer_group = input.peer_group;
  if (input.version !== undefined) identity.version = name(input.version, notes);
  return identity;
}

type Tool = NonNullable<CanonicalEvent['tool']>;

function canonicalTool(input: NonNullable<EventInput['tool']>, server: string | undefined, notes: Notes): Tool {
  const tool: Tool = { name: name(input.name, notes) };
  if (server !== undefined) tool.server = name(server, notes);
  if (input.version !== undefined) tool.version = name(input.version, notes);
  return tool;
}

function canonicalResources(input: readonly Resource[], notes: Notes): Resource[] {
  const count = Math.min(input.length, LIMITS.resources_per_event_max);
  if (input.length > count) note(notes, 'resources_cut');
  const resources: Resource[] = [];
  for (let index = 0; index < count; index++) resources.push(canonicalResource(input[index] as Resource, notes));
  return resources;
}

const CLASSIFICATION_CHARS_MAX = 64;

function canonicalResource(input: Resource, notes: Notes): Resource {
  const resource: Resource = { id: cleanName(input.id, LIMITS.resource_id_chars_max, notes) };
  if (input.store !== undefined) resource.store = name(input.store, notes);
  if (input.kind !== undefined) resource.kind = name(input.kind, notes);
  if (input.classification !== undefined) {
    resource.classification = cleanName(input.classification, CLASSIFICATION_CHARS_MAX, notes);
  }
  if (input.tenant !== undefined) resource.tenant = name(input.tenant, notes);
  return resource;
}

/** Adding 0 turns the -0 that JSON can spell into the 0 that it would be written as. */
function canonicalVolume(input: EventInput['volume']): CanonicalEvent['volume'] {
  const volume: CanonicalEvent['volume'] = {};
  if (input === undefined) return volume;
  if (input.bytes_in !== undefined) volume.bytes_in = input.bytes_in + 0;
  if (input.bytes_out !== undefined) volume.bytes_out = input.bytes_out + 0;
  if (input.records !== undefined) volume.records = input.records + 0;
  if (input.tokens_in !== undefined) volume.tokens_in = input.tokens_in + 0;
  if (input.tokens_out !== undefined) volume.tokens_out = input.tokens_out + 0;
  return volume;
}

function canonicalOutcome(input: EventInput['outcome'], notes: Notes): CanonicalEvent['outcome'] {
  const outcome: CanonicalEvent['outcome'] = { status: input?.status ?? 'unknown' };
  if (input?.code !== undefined) outcome.code = name(input.code, notes);
  if (input?.reason !== undefined) outcome.reason = cleanName(input.reason, LIMITS.text_chars_max, notes);
  return outcome;
}

function addContext(content: EventContent, input: EventInput, notes: Notes): void {
  if (input.on_behalf_of !== undefined) content.on_behalf_of = name(input.on_behalf_of, notes);
  if (input.session !== undefined) content.session = input.session;
  if (input.credential !== undefined) {
    content.credential = { id: name(input.credential.id, notes) };
    if (input.credential.kind !== undefined) content.credential.kind = name(input.credential.kind, notes);
  }
  if (input.source !== undefined) content.source = names(input.source, SOURCE_FIELDS, notes);
  if (input.purpose !== undefined) content.purpose = cleanName(input.purpose, LIMITS.text_chars_max, notes);
  if (input.model !== undefined) content.model = name(input.model, notes);
  if (input.trace !== undefined) content.trace = names(input.trace, TRACE_FIELDS, notes);
}

const SOURCE_FIELDS = ['ip', 'network', 'workload'] as const;
const TRACE_FIELDS = ['trace_id', 'span_id', 'parent_span_id'] as const;

/** The named fields of a group in which all are optional names. */
function names<F extends string>(
  input: { readonly [K in F]?: string | undefined },
  fields: readonly F[],
  notes: Notes,
): { [K in F]?: string } {
  const group: { [K in F]?: string } = {};
  for (const field of fields) {
    const value = input[field];
    if (value !== undefined) group[field] = name(value, notes);
  }
  return group;
}
