import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import type { AlertBudget } from '../../../detectors/contract.ts';
import { DETECTOR_NAMES } from '../../../detectors/rule-set.ts';
import { type CheckProblem, fileProblemText, readConfigFile } from '../../ingest/config-file.ts';
import { nearest } from '../../platform/nearest.ts';
import { EXIT, Problem } from '../problem.ts';
import { printable } from '../terminal.ts';
import { readText } from './inputs.ts';

/** By what a backtest judges: the alert budget, and the detectors that are to say nothing. */
export type Rules = {
  readonly budget: AlertBudget;
  readonly without: readonly string[];
};

/** As in the configuration. */
const BUDGET_MAX = 100_000;

/** The file of `--compare FILE`: what is to be different, in the words of the options. */
const RulesFile = z.strictObject({
  budget: z.number().positive().max(BUDGET_MAX).optional(),
  without: z.array(z.string()).max(DETECTOR_NAMES.length).optional(),
});
type RulesFile = z.infer<typeof RulesFile>;

/** For `--budget`. */
export function alertBudget(text: string): number {
  const alerts = budgetOf(text);
  if (alerts !== undefined) return alerts;
  throw new InvalidArgumentError(`Give a number above 0, at most ${BUDGET_MAX}.`);
}

/** For `--without`: names with commas. */
export function leftOut(text: string): string[] {
  const names = namesOf(text);
  const unknown = names.map(unknownText).find((problem) => problem !== undefined);
  if (unknown !== undefined) throw new InvalidArgumentError(unknown);
  return names;
}

/**
 * The rules of the other run: those of the first, but for what the given changes name (`budget=N`, `without=a,b`, or a
 * file that says so). Throws a Problem on a change that cannot be understood, and on changes that change nothing.
 */
export function otherRules(first: Rules, changes: readonly string[]): Rules {
  let rules = first;
  for (const change of changes) rules = { ...rules, ...changeOf(change) };
  if (!sameRules(first, rules)) return rules;
  const message = `--compare ${printable(changes.join(' '))} changes nothing: name another budget, or detectors to leave out`;
  throw new Problem('compare_same', message, EXIT.usage);
}

function changeOf(text: string): Partial<Rules> {
  const equals = text.indexOf('=');
  const [name, value] = [text.slice(0, Math.max(0, equals)), text.slice(equals + 1)];
  if (name === 'budget') {
    const budget = budgetOf(value);
    if (budget === undefined) throw refused(text, `budget is a number above 0, at most ${BUDGET_MAX}`);
    return { budget };
  }
  if (name === 'without') {
    const without = namesOf(value);
    const unknown = without.map(unknownText).find((problem) => problem !== undefined);
    if (unknown !== undefined) throw refused(text, unknown);
    return { without };
  }
  if (equals >= 0) throw refused(text, 'there are budget=N and without=a,b; or name a file that says the same in YAML');
  return rulesFrom(text);
}

function refused(text: string, remedy: string): Problem {
  return new Problem('compare_invalid', `--compare ${printable(text)}: ${remedy}`, EXIT.usage);
}

function rulesFrom(file: string): Partial<Rules> {
  const read = readConfigFile(readText(file, 'compare'), file, RulesFile, checkNames);
  if (!read.ok) throw new Problem('compare_invalid', read.problems.map(fileProblemText).join('\n'), EXIT.usage);
  const { budget, without } = read.value;
  return { ...(budget !== undefined && { budget }), ...(without !== undefined && { without: ordered(without) }) };
}

function checkNames({ without = [] }: RulesFile): CheckProblem[] {
  return without.flatMap((name, index) => {
    const message = unknownText(name);
    return message === undefined ? [] : [{ path: ['without', index], about: 'value' as const, message }];
  });
}

function unknownText(name: string): string | undefined {
  if (DETECTOR_NAMES.includes(name)) return undefined;
  const meant = nearest(name, DETECTOR_NAMES);
  const hint = meant === undefined ? `there are ${DETECTOR_NAMES.join(', ')}` : `did you mean ${meant}?`;
  return `no detector is called ${printable(JSON.stringify(name))}; ${hint}`;
}

function budgetOf(text: string): number | undefined {
  const alerts = text.trim() === '' ? Number.NaN : Number(text);
  return alerts > 0 && alerts <= BUDGET_MAX ? alerts : undefined;
}

const namesOf = (text: string): string[] =>
  ordered(
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );

const ordered = (names: readonly string[]): string[] => [...new Set(names)].toSorted();

const sameRules = (a: Rules, b: Rules): boolean =>
  budgetText(a.budget) === budgetText(b.budget) && a.without.join(',') === b.without.join(',');

/** `budget 20`, `budget 20 without call_rate, transition`. */
export function rulesText({ budget, without }: Rules): string {
  return `budget ${budgetText(budget)}${without.length === 0 ? '' : ` without ${without.join(', ')}`}`;
}

function budgetText(budget: AlertBudget): string {
  return typeof budget === 'number' ? String(budget) : `${budget.alerts_per_day} a day`;
}
