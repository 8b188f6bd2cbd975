import { type SourceFile, separate, type Violation } from './source.ts';

const FILE_LINES_MAX = 350;
const FUNCTION_LINES_MAX = 80;

export function lengthViolations(file: SourceFile): Violation[] {
  const lines = file.text.split('\n').length - 1;
  const violations: Violation[] =
    lines > FILE_LINES_MAX
      ? [{ name: file.name, line: 1, what: `has ${lines} lines, more than ${FILE_LINES_MAX}: make it two` }]
      : [];
  // A suite is a function that holds its tests: its length is that of the file.
  if (file.name.startsWith('test/')) return violations;
  for (const { line, length } of functions(file.text)) {
    if (length <= FUNCTION_LINES_MAX) continue;
    const what = `a function of ${length} lines, more than ${FUNCTION_LINES_MAX}: give its parts names`;
    violations.push({ name: file.name, line, what });
  }
  return violations;
}

const BLOCK =
  /^(\} )?(if|else|for|while|do|switch|try|catch|finally|class|interface|type|export type|export interface|export class)\b/;

/**
 * Functions of more than one line, by the layout that the formatter gives them: a head that ends with an opening
 * bracket, and its end as the next line of the same indentation that begins with a closing one.
 */
export function functions(text: string): { readonly line: number; readonly length: number }[] {
  const lines = separate(text)
    .code.split('\n')
    .map((line) => line.trimEnd());
  const indentOf = (line: string): number => line.length - line.trimStart().length;
  const found: { line: number; length: number }[] = [];
  lines.forEach((line, index) => {
    if (!/(=>\s*[([{]*|\)(: .*)?\s*\{)$/.test(line)) return;
    const indent = indentOf(line);
    const head = line.trimStart();
    let start = index;
    if (head.startsWith(')') || head.startsWith('}')) {
      // The head itself takes several lines: it began at the last line of this indentation.
      do start--;
      while (start > 0 && (lines[start] === '' || indentOf(lines[start] ?? '') > indent));
    }
    if (BLOCK.test((lines[start] ?? '').trimStart())) return;
    // A text of several lines has lines that begin anywhere.
    const closes = (at: string): boolean => at !== '' && !at.startsWith('"') && indentOf(at) <= indent;
    const end = lines.findIndex((at, i) => i > index && closes(at));
    if (end > 0) found.push({ line: start + 1, length: end - start + 1 });
  });
  return found;
}
