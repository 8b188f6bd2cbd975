import { toolNamed } from './tools.ts';
import type { Step, Task } from './types.ts';

/**
 * A task in one line: tools in order, `a|b` one of them, `{1,3}` repeated so often, `?` half of the time, `?0.2` with
 * that probability.
 *
 *     helpdesk.get_ticket knowledge.search_articles{1,3} crm.read_customer?0.8 helpdesk.reply_ticket|helpdesk.update_ticket
 */
const STEP = /^(?<tools>[a-z_.|]+)(?:\{(?<low>\d+),(?<high>\d+)\})?(?<maybe>\?(?<probability>0?\.\d+)?)?$/;

function parseStep(text: string): Step {
  const groups = STEP.exec(text)?.groups;
  if (groups === undefined) throw new SyntaxError(`not a step of a task: ${JSON.stringify(text)}`);
  const { tools = '', low, high, maybe, probability } = groups;
  return {
    tools: tools.split('|').map(toolNamed),
    low: Number(low ?? 1),
    high: Number(high ?? low ?? 1),
    probability: maybe === undefined ? 1 : Number(probability ?? 0.5),
  };
}

/** Throws SyntaxError or RangeError on a mistake in the catalogue. */
export function task(name: string, purpose: string, flow: string): Task {
  return { name, purpose, steps: flow.trim().split(/\s+/).map(parseStep) };
}

/** Tasks by name, from `name: [purpose, flow]`. */
export function tasks(lines: Readonly<Record<string, readonly [purpose: string, flow: string]>>): Record<string, Task> {
  return Object.fromEntries(Object.entries(lines).map(([name, [purpose, flow]]) => [name, task(name, purpose, flow)]));
}
