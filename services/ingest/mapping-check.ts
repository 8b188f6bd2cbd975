import {
  CANONICAL_FIELDS,
  type CanonicalField,
  type FieldRule,
  type MappingFile,
  REQUIRED_FIELDS,
} from '../../schemas/mapping.ts';
import type { CheckProblem } from './config-file.ts';
import { anchorOf, pathsOf } from './mapping.ts';
import { templateParts } from './mapping-rule.ts';
import { hasEvery, parsePath } from './paths.ts';

type Where = readonly (string | number)[];

/** What is wrong with a mapping file of the right shape: unknown fields, bad paths, words that no event may hold. */
export function checkMapping(file: MappingFile): CheckProblem[] {
  return [...checkFields(file), ...checkResources(file), ...checkPathLists(file), ...checkTables(file)];
}

function checkFields(file: MappingFile): CheckProblem[] {
  const problems: CheckProblem[] = [];
  for (const required of REQUIRED_FIELDS) {
    if (file.fields[required] === undefined) {
      problems.push({
        path: ['fields'],
        about: 'name',
        message: `has no ${required}; every event needs one: say where the source has it`,
      });
    }
  }
  for (const [field, rule] of Object.entries(file.fields)) {
    const path = ['fields', field];
    const target = CANONICAL_FIELDS.get(field);
    if (target === undefined)
      problems.push({ path, about: 'name', message: `is no field of an event${suggestion(field)}` });
    else problems.push(...checkRule(rule, target, path, { lists: false }));
    const [group] = field.split('.') as [string];
    const anchor = anchorOf(group);
    if (anchor !== undefined && file.fields[`${group}.${anchor}`] === undefined) {
      problems.push({
        path,
        about: 'name',
        message: `needs ${group}.${anchor} beside it: without it a ${group} is nothing`,
      });
    }
  }
  return problems;
}

function checkResources(file: MappingFile): CheckProblem[] {
  return (file.resources ?? []).flatMap((rule, index) => {
    const { each, ...members } = rule;
    const base = ['resources', index];
    const problems = each === undefined ? [] : checkPath(each, [...base, 'each'], { lists: true });
    for (const [name, member] of Object.entries(members)) {
      if (member === undefined) continue;
      const target = CANONICAL_FIELDS.get(`resource.${name}`) as CanonicalField;
      problems.push(...checkRule(member, target, [...base, name], { lists: false }));
    }
    return problems;
  });
}

function checkPathLists(file: MappingFile): CheckProblem[] {
  const problems = (file.ignore ?? []).flatMap((path, index) => checkPath(path, ['ignore', index], { lists: true }));
  if (file.arguments !== undefined) problems.push(...checkPath(file.arguments, ['arguments'], { lists: false }));
  for (const [index, rule] of (file.match ?? []).entries()) {
    const where = ['match', index];
    if (typeof rule === 'string') problems.push(...checkPath(rule, where, { lists: false }));
    else problems.push(...checkPath(rule.path, [...where, 'path'], { lists: false }));
  }
  return problems;
}

/** A table that no rule uses is a mistake that would otherwise stay silent. */
function checkTables(file: MappingFile): CheckProblem[] {
  const problems: CheckProblem[] = [];
  if (file.operation !== undefined && file.fields['action.operation'] === undefined) {
    problems.push({
      path: ['operation'],
      about: 'name',
      message: 'translates nothing: fields has no action.operation to take the words from',
    });
  }
  const classified =
    file.fields['resource.classification'] !== undefined ||
    file.resources?.some((rule) => rule.classification !== undefined);
  if (file.classification !== undefined && classified !== true) {
    problems.push({
      path: ['classification'],
      about: 'name',
      message: 'translates nothing: no resource has a classification to translate',
    });
  }
  return problems;
}

function checkRule(rule: FieldRule, target: CanonicalField, path: Where, allowed: { lists: boolean }): CheckProblem[] {
  if (typeof rule === 'string') return checkPath(rule, path, allowed);
  const sources = [rule.path, rule.const, rule.template].filter((source) => source !== undefined);
  if (sources.length !== 1) return [{ path, about: 'name', message: 'needs exactly one of path, const and template' }];
  const problems = pathsOf(rule).flatMap((source) =>
    checkPath(source, [...path, rule.path === undefined ? 'template' : 'path'], allowed),
  );
  if (rule.template !== undefined && templateParts(rule.template).paths.length === 0) {
    problems.push({
      path: [...path, 'template'],
      about: 'value',
      message: 'names no source path in braces; write const for a fixed value',
    });
  }
  if (rule.format !== undefined && target.type !== 'time') {
    problems.push({ path: [...path, 'format'], about: 'value', message: 'is for times only; remove it' });
  }
  problems.push(...checkValue(rule.const, target, [...path, 'const']));
  problems.push(...checkValue(rule.default, target, [...path, 'default']));
  for (const [word, value] of Object.entries(rule.map ?? {}))
    problems.push(...checkValue(value, target, [...path, 'map', word]));
  return problems;
}

/** Values that stand in the file itself are held against the canonical field at once, not at the first event. */
function checkValue(value: string | number | undefined, target: CanonicalField, path: Where): CheckProblem[] {
  if (value === undefined) return [];
  if (target.words !== undefined) {
    return target.words.includes(String(value))
      ? []
      : [{ path, about: 'value', message: `must be one of ${target.words.join(', ')}` }];
  }
  if (target.type === 'string' && typeof value !== 'string')
    return [{ path, about: 'value', message: 'must be a text here; put it in quotes' }];
  const numeric = target.type === 'number' || target.type === 'integer';
  return numeric && typeof value !== 'number'
    ? [{ path, about: 'value', message: 'must be a number here; write it without quotes' }]
    : [];
}

function checkPath(text: string, path: Where, allowed: { lists: boolean }): CheckProblem[] {
  const parsed = parsePath(text);
  if (typeof parsed === 'string') return [{ path, about: 'value', message: parsed }];
  if (hasEvery(parsed) && !allowed.lists) {
    return [
      {
        path,
        about: 'value',
        message: 'has a *, and one field takes one value; use an index such as [0], or a resource with each',
      },
    ];
  }
  return [];
}

/** The known field that a misspelt one most likely meant. */
function suggestion(field: string): string {
  const near = [...CANONICAL_FIELDS.keys()]
    .map((known) => ({ known, distance: editDistance(field, known) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= 3
    ? `; did you mean ${near.known}?`
    : '; docs/mapping.md lists the fields (and resources have a section of their own)';
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
