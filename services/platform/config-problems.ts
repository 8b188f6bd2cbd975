import { z } from 'zod';
import { Config } from '../../schemas/config.ts';
import { type FieldPath, type Tree, valueAt } from './config-sources.ts';
import { nearest } from './nearest.ts';

/** Each is explained in docs/errors.md. */
export const CONFIG_CODES = [
  'config_unreadable',
  'config_unknown_key',
  'config_invalid_value',
  'config_contradiction',
  'config_secret_missing',
  'config_secret_unreadable',
] as const;

/** One thing wrong with the configuration. */
export type ConfigProblem = {
  readonly code: (typeof CONFIG_CODES)[number];
  /** `listen.port`; empty for a file as a whole. */
  readonly field: string;
  /** Bounded and escaped; absent where there is none, or where it might be a secret. */
  readonly value: string | undefined;
  /** Where it was written: a file with its line, a variable, the command line. */
  readonly place: string;
  /** What is wrong, and the remedy. */
  readonly message: string;
};

/** `countersign.yaml:3: listen.port: 99999 must be at most 65535`: one line, safe to print. */
export function configProblemText(problem: ConfigProblem): string {
  const field = problem.field === '' ? '' : ` ${problem.field}:`;
  const value = problem.value === undefined ? '' : ` ${problem.value}`;
  return `${problem.place}:${field}${value} ${problem.message} [${problem.code}]`;
}

const VALUE_CHARS_MAX = 80;
const SECRET_NAME = /password|passwd|secret|token|api_?key|credential/i;

/** What the schema refuses in the merged tree, each with the place that a person must change. */
export function explainIssues(
  issues: readonly z.core.$ZodIssue[],
  tree: Tree,
  placeOf: (field: FieldPath) => string,
): ConfigProblem[] {
  return issues.flatMap((issue) => {
    const field = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey([...field, key], placeOf));
    }
    const value = valueAt(tree, field);
    const wrong: ConfigProblem = {
      code: 'config_invalid_value',
      field: fieldName(field),
      value: excerpt(value),
      place: placeOf(field),
      message: describe(issue, value),
    };
    return [wrong];
  });
}

export function fieldName(field: FieldPath): string {
  return field.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** The value as JSON, cut; control characters come out escaped. */
export function excerpt(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= VALUE_CHARS_MAX ? text : `${text.slice(0, VALUE_CHARS_MAX)}...`;
}

function unknownKey(field: FieldPath, placeOf: (field: FieldPath) => string): ConfigProblem {
  const key = String(field.at(-1));
  const known = knownKeys(field.slice(0, -1));
  const suggestion = nearest(key, known);
  const remedy =
    suggestion === undefined
      ? `this section knows ${known.join(', ')}`
      : `did you mean ${fieldName([...field.slice(0, -1), suggestion])}?`;
  const secret = SECRET_NAME.test(key) ? ' Secrets stand in files or in the environment, never here.' : '';
  return {
    code: 'config_unknown_key',
    field: fieldName(field.with(-1, JSON.stringify(key).slice(1, -1).slice(0, VALUE_CHARS_MAX))),
    value: undefined,
    place: placeOf(field),
    message: `is not known; ${remedy}${secret}`,
  };
}

type JsonSchema = {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
};

/** Of a list what an entry knows, of several shapes what any does. */
function knownKeys(section: FieldPath): string[] {
  const root = z.toJSONSchema(Config, { io: 'input' }) as JsonSchema;
  const shapes = section.reduce<readonly JsonSchema[]>(
    (schemas, key) =>
      schemas.flatMap(({ properties, items }) => {
        const inner = typeof key === 'number' ? items : properties?.[String(key)];
        return inner === undefined ? [] : (inner.oneOf ?? [inner]);
      }),
    [root],
  );
  return [...new Set(shapes.flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

const TYPES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section with values of its own',
};

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return 'is missing; it is required here';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}; or leave it out`;
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty; or leave it out';
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'number' ? '' : ' long'}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return issue.format === 'url' ? 'must be a URL such as https://host:8443/path' : issue.message;
    default:
      return issue.message;
  }
}
