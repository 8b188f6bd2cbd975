import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CODE_DIRS = ['schemas', 'detectors', 'services', 'test', 'deploy'];
const SKIPPED_DIRS = new Set(['node_modules', '.git', '.countersign', 'coverage', 'out', '.stryker-tmp']);
const TEXT_BYTES_MAX = 1 << 20;

/** One file of the project, by its path from the root, with `/` between folders. */
export type SourceFile = { readonly name: string; readonly text: string };
export type Violation = { readonly name: string; readonly line: number; readonly what: string };

export function codeFiles(): SourceFile[] {
  return CODE_DIRS.filter((dir) => fs.existsSync(path.join(ROOT, dir)))
    .flatMap(walk)
    .filter((name) => name.endsWith('.ts'))
    .map(load);
}

/** Everything that a person reads or a machine runs; data and generated files that are not text are left out. */
export function textFiles(): SourceFile[] {
  return walk('')
    .filter((name) => fs.statSync(path.join(ROOT, name)).size <= TEXT_BYTES_MAX && !/\.(gz|png|ico|woff2)$/.test(name))
    .map(load);
}

export function load(name: string): SourceFile {
  return { name, text: fs.readFileSync(path.join(ROOT, name), 'utf8') };
}

function walk(dir: string): string[] {
  return fs.readdirSync(path.join(ROOT, dir), { withFileTypes: true }).flatMap((entry) => {
    const name = dir === '' ? entry.name : `${dir}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED_DIRS.has(entry.name) ? [] : walk(name);
    return entry.isFile() ? [name] : [];
  });
}

export function violationText({ name, line, what }: Violation): string {
  return `${name}:${line}: ${what}`;
}

export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let i = 0; i < index; i++) if (text[i] === '\n') line++;
  return line;
}

/** After these a slash begins a regular expression; after a name, a number or a closing bracket it divides. */
const BEFORE_REGEX =
  /(^|[=(,:;!&|?{}[+\-*%<>~^]|\b(return|typeof|case|in|of|void|throw|new|delete|do|else|yield|await))$/;

/**
 * The code with comments blanked out and with quotes in place of every character of texts and regular expressions, of the
 * same length and with the same lines, so that a rule looks at code only. `${...}` in templates stays code. `comments`
 * holds what was in comments, likewise.
 */
export function separate(text: string): { readonly code: string; readonly comments: string } {
  const fill = (part: string, char: string): string => part.replace(/[^\n]/g, char);
  let code = '';
  let comments = '';
  let at = 0;
  /** Depth of braces at which the template around us goes on. */
  const templates: number[] = [];
  let depth = 0;
  const take = (end: number, kind: 'code' | 'comment' | 'text'): void => {
    const part = text.slice(at, end);
    code += kind === 'code' ? part : fill(part, kind === 'text' ? '"' : ' ');
    comments += kind === 'comment' ? part : fill(part, ' ');
    at = end;
  };
  const endOf = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    return found === null ? text.length : found.index + found[0].length;
  };
  const template = (): void => {
    const end = endOf(/(?:[^\\`$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y);
    take(end, 'text');
    if (text[end - 1] === '{') templates.push(depth++);
  };
  while (at < text.length) {
    const char = text[at];
    const next = text[at + 1];
    if (char === '/' && next === '/') take(endOf(/[^\n]*/y), 'comment');
    else if (char === '/' && next === '*') take(endOf(/\/\*[\s\S]*?\*\//y), 'comment');
    else if (char === "'" || char === '"')
      take(endOf(char === "'" ? /'(?:[^'\\\n]|\\[\s\S])*'?/y : /"(?:[^"\\\n]|\\[\s\S])*"?/y), 'text');
    else if (char === '`') {
      take(at + 1, 'text');
      template();
    } else if (char === '/' && BEFORE_REGEX.test(code.slice(-12).trimEnd())) {
      take(endOf(/\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y), 'text');
    } else {
      if (char === '{') depth++;
      if (char === '}') depth--;
      take(at + 1, 'code');
      if (char === '}' && templates.at(-1) === depth) {
        templates.pop();
        template();
      }
    }
  }
  return { code, comments };
}
