import type { Operation } from '../../schemas/event.ts';

/**
 * What a tool does, judged by the verb in its name, for sources that do not say and tools that no catalogue names.
 * `execute` stands for whatever has an effect that is neither a copy inside nor a copy outside. Listed in docs/mapping.md.
 */
export const VERBS = {
  read: 'get list read fetch view show describe open download load lookup check count browse cat head tail stat whoami',
  search: 'search query find grep glob select scan',
  summarize: 'summarize summarise digest extract classify translate analyze analyse',
  recommend: 'recommend suggest rank propose',
  delegate: 'delegate handoff assign dispatch spawn',
  store:
    'create update write save add append insert put set edit modify rename store upsert patch copy move schedule reserve book',
  export: 'send share post publish upload invite notify forward reply export push submit transfer pay',
  execute:
    'delete remove drop run exec execute invoke start stop restart kill deploy install cancel bash shell login auth authenticate',
} as const satisfies { readonly [O in Operation]?: string };

const operationOfVerb: ReadonlyMap<string, Operation> = new Map(
  Object.entries(VERBS).flatMap(([operation, verbs]) =>
    verbs.split(' ').map((verb): [string, Operation] => [verb, operation as Operation]),
  ),
);

/** Longer names are not looked at in full: a verb stands near the beginning. */
const NAME_CHARS_MAX = 256;

/**
 * The operation of the first verb in the last part of a tool's name (`mcp__files__read_file`, `mail.sendMessage`), or
 * `unknown`.
 */
export function operationOf(tool_name: string): Operation {
  const words = lastPart(tool_name.slice(0, NAME_CHARS_MAX))
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/);
  for (const word of words) {
    const operation = operationOfVerb.get(word);
    if (operation !== undefined) return operation;
  }
  return 'unknown';
}

function lastPart(tool_name: string): string {
  const parts = tool_name.split(/__|[./:]/).filter((part) => part !== '');
  return parts.at(-1) ?? '';
}
