import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { UNITS } from '../../schemas/limits.ts';
import { explainIssues, formatPath, type Problem, valueAt } from './explain.ts';
import { excerpt, printable } from './refusal.ts';

/** One thing wrong with a file that a person wrote. */
export type FileProblem = {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Path of the field; empty for the file as a whole. */
  readonly field: string;
  readonly value: unknown;
  /** What is wrong, and the remedy. */
  readonly message: string;
};

export type FileResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

type FilePath = readonly (string | number)[];
/** What a check beyond the schema found in a value of the right shape: about what stands at `path`, or its name. */
export type CheckProblem = { readonly path: FilePath; readonly about: 'name' | 'value'; readonly message: string };

const PROBLEMS_MAX = 20;

/**
 * Reads a YAML (or JSON) text against a schema and a further check. Expected errors are results: every problem names
 * line, field, value and remedy.
 */
export function readConfigFile<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  check: (value: T) => readonly CheckProblem[],
): FileResult<T> {
  const whole = (line: number, message: string): FileProblem => ({ file, line, field: '', value: undefined, message });
  if (text.length > UNITS.MIB) return { ok: false, problems: [whole(1, 'is longer than 1 MiB; split it')] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors.map((error) =>
    whole(lines.linePos(error.pos[0]).line, `is no YAML: ${error.message}`),
  );
  if (broken.length > 0) return { ok: false, problems: broken.slice(0, PROBLEMS_MAX) };
  const value = plainValue(document);
  if (value instanceof Error) return { ok: false, problems: [whole(1, `is no usable YAML: ${value.message}`)] };

  if (value === null || value === undefined) return { ok: false, problems: [whole(1, 'is empty')] };

  const parsed = schema.safeParse(value);
  const found = parsed.success ? checked(check(parsed.data), value) : explainIssues(parsed.error.issues, value);
  if (parsed.success && found.length === 0) return { ok: true, value: parsed.data };
  const problems = found.slice(0, PROBLEMS_MAX).map(({ path, ...problem }) => {
    return { file, line: lineOf(document, path, lines), ...problem };
  });
  return { ok: false, problems };
}

function checked(problems: readonly CheckProblem[], value: unknown): Problem[] {
  return problems.map(({ path, about, message }) => {
    return { path, field: formatPath(path), value: about === 'value' ? valueAt(value, path) : undefined, message };
  });
}

/** `file:line: field: value message`, one line, safe to print. */
export function fileProblemText(problem: FileProblem): string {
  const subject = problem.field === '' ? '' : `${problem.field}: `;
  const value = problem.value === undefined || problem.value === null ? '' : `${excerpt(problem.value)} `;
  return printable(`${problem.file}:${problem.line}: ${subject}${value}${problem.message}`);
}

/** The library throws on what only shows while aliases are resolved, such as a file that expands without end. */
function plainValue(document: Document.Parsed): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

/** The line of the value at `path`, or of the nearest thing around it that is there. */
function lineOf(document: Document.Parsed, path: FilePath, lines: LineCounter): number {
  let node: unknown = document.contents;
  let line = 1;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    const entry = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      : undefined;
    const marker: unknown = isSeq(node) ? node.items[Number(step)] : entry?.key;
    const start = startOf(marker);
    if (start === undefined) return line;
    line = lines.linePos(start).line;
    node = isSeq(node) ? marker : entry?.value;
  }
  return line;
}

function startOf(node: unknown): number | undefined {
  if (!isMap(node) && !isSeq(node) && !isScalar(node) && !isAlias(node)) return undefined;
  return node.range?.[0];
}
