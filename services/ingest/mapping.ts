import { LIMITS } from '../../schemas/limits.ts';
import {
  CANONICAL_FIELDS,
  type CanonicalField,
  type FieldRule,
  type MappingFile,
  type ResourceRule,
} from '../../schemas/mapping.ts';
import type { JsonObject } from './decode.ts';
import { compileRule, type FieldReader, templateParts, type ValueTables } from './mapping-rule.ts';
import type { Normalised, Normaliser } from './normaliser.ts';
import {
  compileReader,
  EVERY,
  isAbsent,
  knownFields,
  type Path,
  parsePath,
  type Reader,
  readEvery,
  type Step,
} from './paths.ts';
import { excerpt, type Refusal } from './refusal.ts';
import { findLeftovers, type KnownFields } from './unmapped.ts';

/** A mapping file made executable: a normaliser, and what the dry run wants to know of it. */
export type Mapping = Normaliser & { readonly file: MappingFile; readonly known: KnownFields };

/** Compiles a checked mapping file into closures, once; every event then only runs them. */
export function compileMapping(file: MappingFile): Mapping {
  const groups = compileGroups(file);
  const resources = (file.resources ?? []).map((rule) => compileResource(rule, file));
  const known = knownFields(sourcePaths(file).map((path) => path.steps));
  const conditions = compileConditions(file);
  const readArguments = file.arguments === undefined ? undefined : readerOf(file.arguments);
  const explain = (refusal: Refusal): Refusal => explainRefused(refusal, file);
  const keeps = file.unmapped !== 'drop';
  return {
    name: `mapping ${file.name}`,
    format: 'mapped',
    file,
    known,
    mismatch: (document) => conditions.find((condition) => !condition.holds(document))?.text,
    normalise(document): readonly Normalised[] {
      const input: Record<string, unknown> = {};
      for (const fill of groups) fill(document, input);
      if (resources.length > 0) input.resources = readResources(resources, document);
      return [
        {
          kind: 'candidate',
          input,
          origin: file.origin,
          leftovers: keeps ? findLeftovers(document, known) : undefined,
          tool_arguments: readArguments?.(document),
          explain,
        },
      ];
    },
  };
}

const readerOf = (text: string): Reader => compileReader((parsePath(text) as Path).steps);

type Fill = (document: JsonObject, input: Record<string, unknown>) => void;
type Member = { readonly name: string; readonly read: FieldReader };

/** The rules by group of `EventInput` (`identity.*`, `volume.*`); single fields are groups of their own. */
function compileGroups(file: MappingFile): readonly Fill[] {
  const groups = new Map<string, Member[]>();
  const fills: Fill[] = [];
  for (const [field, rule] of Object.entries(file.fields)) {
    const read = compileRule(rule, field, CANONICAL_FIELDS.get(field) as CanonicalField, file);
    const [group, name] = field.split('.') as [string, string | undefined];
    if (name === undefined) fills.push(fillField(group, read));
    else if (groups.has(group)) groups.get(group)?.push({ name, read });
    else groups.set(group, [{ name, read }]);
  }
  for (const [group, members] of groups) fills.push(fillGroup(group, members));
  return fills;
}

function fillField(name: string, read: FieldReader): Fill {
  return (document, input) => {
    const value = read(document, document);
    if (value !== undefined) input[name] = value;
  };
}

/** Groups that mean nothing without one of their members: they are left out with it. */
const ANCHORS: ReadonlyMap<string, string> = new Map([
  ['tool', 'name'],
  ['resource', 'id'],
  ['credential', 'id'],
]);

function fillGroup(group: string, members: readonly Member[]): Fill {
  const anchor = ANCHORS.get(group);
  return (document, input) => {
    const values: Record<string, unknown> = {};
    for (const member of members) {
      const value = member.read(document, document);
      if (value !== undefined) values[member.name] = value;
    }
    if (anchor === undefined || values[anchor] !== undefined) input[group] = values;
  };
}

export const anchorOf = (group: string): string | undefined => ANCHORS.get(group);

type CompiledResource = { readonly each: readonly Step[] | undefined; readonly members: readonly Member[] };

const RESOURCE_FIELDS = ['id', 'store', 'kind', 'classification', 'tenant'] as const;

function compileResource(rule: ResourceRule, tables: ValueTables): CompiledResource {
  const members = RESOURCE_FIELDS.flatMap((name) => {
    const field = rule[name];
    if (field === undefined) return [];
    const target = CANONICAL_FIELDS.get(`resource.${name}`) as CanonicalField;
    return [{ name, read: compileRule(field, `resource.${name}`, target, tables) }];
  });
  return { each: rule.each === undefined ? undefined : listSteps(rule.each), members };
}

/** `resources` and `resources[*]` mean the same list. */
function listSteps(text: string): readonly Step[] {
  const { steps } = parsePath(text) as Path;
  return steps.at(-1) === EVERY ? steps : [...steps, EVERY];
}

/** One more than an event may hold, so that the cut is noticed. */
const RESOURCES_READ_MAX = LIMITS.resources_per_event_max + 1;

function readResources(rules: readonly CompiledResource[], document: JsonObject): unknown[] {
  const resources: unknown[] = [];
  for (const rule of rules) {
    if (rule.each === undefined) addResource(rule, document, document, resources);
    else
      for (const element of readEvery(document, rule.each, RESOURCES_READ_MAX))
        addResource(rule, document, element, resources);
  }
  return resources;
}

/** Without an id there is no resource, and the other members say nothing. */
function addResource(rule: CompiledResource, document: JsonObject, element: unknown, resources: unknown[]): void {
  const resource: Record<string, unknown> = {};
  for (const member of rule.members) {
    const value = member.read(document, element);
    if (value !== undefined) resource[member.name] = value;
  }
  if (resource.id !== undefined) resources.push(resource);
}

type Condition = { readonly text: string; readonly holds: (document: JsonObject) => boolean };

/** The conditions of `match`; without one, the fields that every event needs must have a source. */
function compileConditions(file: MappingFile): readonly Condition[] {
  const rules = file.match ?? [file.fields.id, file.fields.time, file.fields['identity.id']].flatMap(requiredPath);
  return rules.map((rule) => {
    const { path, equals } = typeof rule === 'string' ? { path: rule, equals: undefined } : rule;
    const read = readerOf(path);
    if (equals === undefined) return { text: `${path} is missing`, holds: (document) => !isAbsent(read(document)) };
    const accepted = new Set<unknown>(Array.isArray(equals) ? equals : [equals]);
    const wanted = [...accepted].map(excerpt).join(' or ');
    return { text: `${path} is not ${wanted}`, holds: (document) => accepted.has(read(document)) };
  });
}

function requiredPath(rule: FieldRule | undefined): string[] {
  if (typeof rule === 'string') return [rule];
  if (rule?.path !== undefined && rule.default === undefined) return [rule.path];
  return rule?.template === undefined ? [] : templateParts(rule.template).paths;
}

/** Every source path that the file reads or ignores. */
function sourcePaths(file: MappingFile): Path[] {
  const parsed = (text: string): Path => parsePath(text) as Path;
  const absolute = [...Object.values(file.fields).flatMap(pathsOf), ...(file.ignore ?? [])].map(parsed);
  if (file.arguments !== undefined) absolute.push(parsed(file.arguments));
  for (const rule of file.match ?? []) absolute.push(parsed(typeof rule === 'string' ? rule : rule.path));
  for (const rule of file.resources ?? []) {
    const each = rule.each === undefined ? undefined : listSteps(rule.each);
    for (const path of RESOURCE_FIELDS.flatMap((name) => (rule[name] === undefined ? [] : pathsOf(rule[name]))).map(
      parsed,
    )) {
      absolute.push(path.relative && each !== undefined ? { ...path, steps: [...each, ...path.steps] } : path);
    }
  }
  return absolute;
}

/** The paths that one rule reads. */
export function pathsOf(rule: FieldRule): string[] {
  if (typeof rule === 'string') return [rule];
  if (rule.path !== undefined) return [rule.path];
  return rule.template === undefined ? [] : templateParts(rule.template).paths;
}

/** A refusal of a mapped item names the source path beside the canonical field, and the place where to act. */
function explainRefused(refusal: Refusal, file: MappingFile): Refusal {
  const rule = refusal.field === undefined ? undefined : file.fields[refusal.field];
  const source =
    rule === undefined
      ? ''
      : pathsOf(rule)
          .map((path) => `"${path}"`)
          .join(', ');
  const from = source === '' ? '' : `, which is taken from ${source}`;
  const message = `${refusal.message} (mapping ${file.name}: ${refusal.field ?? 'the item'}${from}; correct the source or the rule)`;
  return { ...refusal, reason: refusal.reason === 'schema_mismatch' ? 'mapping_failed' : refusal.reason, message };
}
