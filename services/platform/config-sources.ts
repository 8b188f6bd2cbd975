import fs from 'node:fs';
import path from 'node:path';
import { LineCounter, parse, parseDocument } from 'yaml';
import { UNITS } from '../../schemas/limits.ts';
import { PATH_FIELDS, type Reading, VARIABLES } from './config-variables.ts';

/** One source of configuration: a tree of values, and what to call the place of each. */
export type Layer = {
  readonly tree: Tree;
  /** Where the value at this path was written: `countersign.yaml:12`, `COUNTERSIGN_LISTEN_PORT`. */
  readonly placeOf: (field: FieldPath) => string;
};
export type Tree = Readonly<Record<string, unknown>>;
export type FieldPath = readonly (string | number)[];
export type Environment = Readonly<Record<string, string | undefined>>;

export function environmentLayer(environment: Environment, cwd: string): Layer {
  const names = new Map<string, string>();
  let tree: Tree = {};
  for (const [name, { field, as }] of Object.entries(VARIABLES)) {
    const text = environment[name];
    if (text === undefined || text === '') continue;
    names.set(field.join('.'), name);
    tree = mergeTrees(tree, nested(field, readVariable(text, as)));
  }
  return {
    tree: withAbsolutePaths(tree, cwd),
    placeOf: (field) => names.get(field.join('.')) ?? names.get(field.slice(0, -1).join('.')) ?? 'the environment',
  };
}

/** Values given on the command line, under the name that the user typed. */
export function overridesLayer(tree: Tree, cwd: string): Layer {
  return { tree: withAbsolutePaths(tree, cwd), placeOf: () => 'the command line' };
}

export type FileLayer =
  | { readonly ok: true; readonly layer: Layer }
  | { readonly ok: false; readonly place: string; readonly message: string };

/** Reads a YAML file. The shape of its content is checked later, together with the other layers. */
export function fileLayer(file: string): FileLayer {
  let text: string;
  try {
    if (fs.statSync(file).size > UNITS.MIB) {
      return { ok: false, place: file, message: 'is longer than 1 MiB: this is no configuration' };
    }
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    return { ok: false, place: file, message: `cannot be read (${errorCode(error)}): check its name and rights` };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (at: number): string => `${file}:${lines.linePos(at).line}`;
  const [broken] = document.errors;
  if (broken !== undefined) return { ok: false, place: place(broken.pos[0]), message: `is no YAML: ${broken.message}` };
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (error) {
    return { ok: false, place: file, message: `is no usable YAML: ${String(error)}` };
  }
  if (!isTree(value)) return { ok: false, place: file, message: 'must hold sections such as "listen:", nothing else' };
  const placeOf = (field: FieldPath): string => {
    for (let depth = field.length; depth > 0; depth--) {
      const node: unknown = document.getIn(field.slice(0, depth), true);
      if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
        return place(Number(node.range[0]));
      }
    }
    return file;
  };
  return { ok: true, layer: { tree: withAbsolutePaths(value, path.dirname(path.resolve(file))), placeOf } };
}

/** Both trees in one; where both have a value that is no section, the second counts. */
export function mergeTrees(under: Tree, over: Tree): Tree {
  const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries(
    [...keys].map((key) => {
      const [below, above] = [own(under, key), own(over, key)];
      if (isTree(below) && isTree(above)) return [key, mergeTrees(below, above)];
      return [key, above === undefined ? below : above];
    }),
  );
}

export function valueAt(tree: unknown, field: FieldPath): unknown {
  return field.reduce<unknown>((value, step) => own(value, step), tree);
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** What stays as text is refused by the schema, which names the variable. */
function readVariable(text: string, as: Reading): unknown {
  if (as === 'yaml') return readYaml(text);
  if (as === 'list') return text.split(',').map((item) => item.trim());
  if (as === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (as === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  return text;
}

function readYaml(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent' });
  } catch {
    return text;
  }
}

function withAbsolutePaths(tree: Tree, base: string): Tree {
  const absolute = (item: unknown): unknown =>
    typeof item === 'string' && item !== '' ? path.resolve(base, item) : item;
  return PATH_FIELDS.reduce<Tree>((result, field) => changedAt(result, field, absolute) as Tree, tree);
}

/** A copy with what stands at the path changed, each item of a list by itself; the same where nothing stands there. */
function changedAt(value: unknown, field: FieldPath, change: (item: unknown) => unknown): unknown {
  const [step, ...rest] = field;
  if (step === undefined) return Array.isArray(value) ? value.map(change) : change(value);
  if (step === '*') return Array.isArray(value) ? value.map((item) => changedAt(item, rest, change)) : value;
  const inner = own(value, step);
  return isTree(value) && inner !== undefined ? { ...value, [step]: changedAt(inner, rest, change) } : value;
}

function nested(field: readonly [string, ...string[]], value: unknown): Tree {
  return field.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Tree;
}

function own(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string | number, unknown>>)[key];
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
