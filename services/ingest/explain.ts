import type { z } from 'zod';
import { excerpt } from './refusal.ts';

/** One thing wrong with a value a person wrote or sent: where, what, and what to do. */
export type Problem = {
  /** Where it stands: `identity.id`, `resources[2].id`; empty for the whole. */
  readonly field: string;
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  /** What is wrong and the remedy, without field and value. */
  readonly message: string;
};

type Issue = z.core.$ZodIssue;

/** What zod found, in words. Every problem names the innermost field that is to blame. */
export function explainIssues(issues: readonly Issue[], input: unknown): Problem[] {
  return issues.flatMap((issue) => explainIssue(issue, [], input));
}

function explainIssue(issue: Issue, base: readonly PropertyKey[], input: unknown): Problem[] {
  const path = [...base, ...issue.path].map((step) => (typeof step === 'number' ? step : String(step)));
  const value = valueAt(input, path);
  if (issue.code === 'invalid_union') {
    const branch = closestBranch(issue.errors, value);
    if (branch !== undefined) return branch.flatMap((inner) => explainIssue(inner, path, input));
  }
  if (issue.code === 'unrecognized_keys') {
    const message = 'is not known here; correct its name or remove it';
    return issue.keys.map((key) => {
      return { field: formatPath([...path, key]), path: [...path, key], value: undefined, message };
    });
  }
  return [{ field: formatPath(path), path, value, message: describe(issue, value) }];
}

/** The alternative that got furthest: one that did not fail on the value as a whole being of another type. */
function closestBranch(branches: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  if (value === undefined) return undefined;
  return branches.find((issues) => issues.every((issue) => issue.path.length > 0 || issue.code !== 'invalid_type'));
}

function describe(issue: Issue, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'is missing; it is required';
  if (value === null) return 'is null; send a value, or leave the field out where it is unknown';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${String(issue.minimum)}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `has more than ${String(issue.maximum)} characters; shorten it`
        : `must be at most ${String(issue.maximum)}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    default:
      // Patterns and unions of the schemas carry their own words.
      return issue.message;
  }
}

function article(type: string): string {
  if (type === 'int') return 'a whole number';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

export function formatPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`;
  return text;
}

export function valueAt(input: unknown, path: readonly (string | number)[]): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[step];
  }
  return value;
}

/** Field, value and remedy in one line. */
export function problemText(problem: Problem): string {
  const subject = problem.field === '' ? 'the document' : problem.field;
  return problem.value === undefined || problem.value === null
    ? `${subject}: ${problem.message}`
    : `${subject}: ${excerpt(problem.value)} ${problem.message}`;
}
