import { Ajv, type ValidateFunction } from 'ajv';
import { z } from 'zod';
import { EventInput } from '../../schemas/event.ts';
import { Settled } from '../../schemas/span.ts';
import { isObject, type JsonObject } from './decode.ts';
import { explainIssues, formatPath, type Problem, problemText } from './explain.ts';
import type { Refusal } from './refusal.ts';
import { refuseTime } from './time.ts';

/**
 * The event schema, compiled once. zod stays its only source: ajv runs what zod's JSON Schema says, three times as fast,
 * and zod explains what ajv refused. Patterns see UTF-16 code units, as they do in zod, hence `unicodeRegExp`.
 */
const OPTIONS = { strict: true, unicodeRegExp: false, validateFormats: false, messages: false, logger: false } as const;
const SCHEMA = z.toJSONSchema(EventInput, { target: 'draft-7', io: 'input' });
const compiled: ValidateFunction<EventInput> = new Ajv(OPTIONS).compile<EventInput>(SCHEMA);

/** What the schema asks of identifiers. */
const NO_CONTROL_CHARACTERS = '^[^\\u0000-\\u001f\\u007f-\\u009f]+$';

/**
 * The same schema for plain documents, whose texts are ASCII without control characters: what identifiers must not hold
 * cannot occur, and a text has as many characters as code units. It knows no field beyond the schema's.
 */
const compiledPlain: ValidateFunction<EventInput> = new Ajv({ ...OPTIONS, unicode: false }).compile<EventInput>(
  plainSchema(SCHEMA) as object,
);

function plainSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(plainSchema);
  if (!isObject(node)) return node;
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(node)) {
    if (name === 'pattern' && value === NO_CONTROL_CHARACTERS) continue;
    plain[name] = plainSchema(value);
  }
  return node.properties === undefined ? plain : { ...plain, additionalProperties: false };
}

/**
 * Whether a plain document (`Decoded.plain`) is a valid event and holds nothing else: one check in place of two for
 * nearly every canonical event. False says nothing.
 */
export function isPlainEventInput(document: JsonObject): document is JsonObject & EventInput {
  return compiledPlain(document);
}

/** Whether the value is a valid event. Unknown fields are no reason against it. */
export function isEventInput(value: unknown): value is EventInput {
  return compiled(value);
}

/** Why ajv refused it, in zod's words: the first problem is the reason, the number of others is told. */
export function explainRefusal(value: unknown): Refusal {
  const offset = offendingResource(value);
  const shown = offset === undefined ? value : withResourcesFrom(value as JsonObject, offset);
  const parsed = EventInput.safeParse(shown);
  if (parsed.success) throw new Error('ajv refused what zod accepts: the compiled schema and its source disagree');
  const problems = explainIssues(parsed.error.issues, shown);
  const first = shiftResource(problems[0] as Problem, offset ?? 0);
  if (
    (first.field === 'time' || first.field === 'observed_time') &&
    first.value !== null &&
    first.value !== undefined
  ) {
    return refuseTime(first.value, first.field);
  }
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return { kind: 'refused', reason: 'schema_mismatch', field: first.field, message: `${problemText(first)}${more}` };
}

/** Why an identity that others were to have from an item is none. */
export function explainSettled(value: unknown): Refusal {
  const parsed = Settled.safeParse(value);
  if (parsed.success) throw new Error('there is nothing to explain');
  const first = explainIssues(parsed.error.issues, value)[0] as Problem;
  return { kind: 'refused', reason: 'schema_mismatch', field: first.field, message: problemText(first) };
}

/** As many resources are explained; a hostile item of 1 MiB holds 350,000 wrong ones. */
const RESOURCES_EXPLAINED_MAX = 64;

/** Index from which on the resources of an overlong list are explained: the one that ajv stopped at. */
function offendingResource(value: unknown): number | undefined {
  if (!isObject(value) || !Array.isArray(value.resources)) return undefined;
  if (value.resources.length <= RESOURCES_EXPLAINED_MAX) return undefined;
  const valid = compiled(value);
  const [, index] = /^\/resources\/(\d+)/.exec(valid ? '' : (compiled.errors?.[0]?.instancePath ?? '')) ?? [];
  return index === undefined ? 0 : Number(index);
}

function withResourcesFrom(value: JsonObject, offset: number): JsonObject {
  const resources = (value.resources as readonly unknown[]).slice(offset, offset + RESOURCES_EXPLAINED_MAX);
  return { ...value, resources };
}

function shiftResource(problem: Problem, offset: number): Problem {
  const [list, index, ...rest] = problem.path;
  if (list !== 'resources' || typeof index !== 'number' || offset === 0) return problem;
  const path = [list, index + offset, ...rest];
  return { ...problem, path, field: formatPath(path) };
}
