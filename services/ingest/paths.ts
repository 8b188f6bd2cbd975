import type { JsonObject } from './decode.ts';
import { type KnownFields, WHOLE } from './unmapped.ts';

/** Where a value stands in a document: `a.b`, `a[0]`, `a["with.dot"]`, and `*` for all elements of a list. */
export type Path = { readonly text: string; readonly relative: boolean; readonly steps: readonly Step[] };
export type Step = string | number | typeof EVERY;
export const EVERY = Symbol('every element');

/** A value of the document, undefined where there is none. */
export type Reader = (document: unknown) => unknown;

const STEP = /^(?:\.?([A-Za-z_$][^.[\]"'{}\s]*|[^.[\]"'{}\s]+)|\[(\d{1,6})\]|\[(\*)\]|\[(?:"([^"]+)"|'([^']+)')\])/;
const STEPS_MAX = 32;

/** Parses a path. Returns the sentence that says what is wrong with it instead, when something is. */
export function parsePath(text: string): Path | string {
  const relative = text.startsWith('@');
  const steps: Step[] = [];
  let rest = relative ? text.slice(1) : text;
  if (rest === '' && !relative) return 'is empty; name a field of the source';
  while (rest !== '') {
    const match = STEP.exec(rest);
    if (match === null || (steps.length > 0 && match[1] !== undefined && !rest.startsWith('.'))) return malformed(rest);
    const [whole, plain, index, star, double, single] = match;
    const name = plain ?? double ?? single;
    if (name !== undefined && name in Object.prototype)
      return `names "${name}", which no source may set; use another field`;
    steps.push(star === undefined ? (index === undefined ? (name as string) : Number(index)) : EVERY);
    rest = rest.slice(whole.length);
  }
  if (steps.length > STEPS_MAX) return `has more than ${STEPS_MAX} steps; shorten it`;
  return { text, relative, steps };
}

function malformed(rest: string): string {
  return `is no path from "${rest.slice(0, 40)}" on; write a.b, a[0], a[*] or a["name with dots"]`;
}

/** Compiles steps without `EVERY` to a reader. The common short paths get a closure of their own. */
export function compileReader(steps: readonly Step[]): Reader {
  const [first, second] = steps;
  if (steps.length === 0) return (value) => value;
  if (steps.length === 1) return (value) => at(value, first as string | number);
  if (steps.length === 2) return (value) => at(at(value, first as string | number), second as string | number);
  return (value) => {
    let reached = value;
    for (const step of steps) reached = at(reached, step as string | number);
    return reached;
  };
}

function at(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (typeof step === 'number') return Array.isArray(value) ? (value as readonly unknown[])[step] : undefined;
  return Array.isArray(value) ? undefined : (value as JsonObject)[step];
}

/** All values that a path with `*` reaches, in document order, at most `most` of them. A scalar counts as a list of one. */
export function readEvery(document: unknown, steps: readonly Step[], most: number): unknown[] {
  const found: unknown[] = [];
  gather(document, steps, 0, most, found);
  return found;
}

function gather(value: unknown, steps: readonly Step[], from: number, most: number, found: unknown[]): void {
  let reached = value;
  for (let index = from; index < steps.length; index++) {
    const step = steps[index] as Step;
    if (step === EVERY) {
      if (!Array.isArray(reached)) continue;
      for (const element of reached) {
        if (found.length >= most) return;
        gather(element, steps, index + 1, most, found);
      }
      return;
    }
    reached = at(reached, step);
  }
  if (reached !== undefined && reached !== null) found.push(reached);
}

type FieldTree = Map<string, FieldTree | typeof WHOLE>;

/** The tree of fields that the given paths read, so that everything else can be told as unmapped. */
export function knownFields(paths: readonly (readonly Step[])[]): KnownFields {
  const root: FieldTree = new Map();
  for (const steps of paths) addPath(root, steps);
  return root;
}

function addPath(root: FieldTree, steps: readonly Step[]): void {
  let node = root;
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index] as Step;
    const name = step === EVERY ? '*' : String(step);
    const inner = node.get(name);
    if (inner === WHOLE) return;
    if (index === steps.length - 1) node.set(name, WHOLE);
    else if (inner === undefined) node.set(name, new Map());
    node = node.get(name) as FieldTree;
  }
}

export function hasEvery(path: Path): boolean {
  return path.steps.includes(EVERY);
}

/** Whether the value counts as absent: nothing there, null, or an empty text. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
