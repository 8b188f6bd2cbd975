/**
 * The methods of the Model Context Protocol (schema.ts of 2024-11-05 to 2025-11-25). Three of them do something on behalf
 * of an agent and become events; the others set up, list, ping and report.
 */
export const CALLS = ['tools/call', 'resources/read', 'prompts/get'] as const;
export type CallMethod = (typeof CALLS)[number];

const OTHERS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'completion/complete',
  'logging/setLevel',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/cancel',
  'sampling/createMessage',
  'elicitation/create',
  'roots/list',
]);

const calls: ReadonlySet<string> = new Set(CALLS);

export const isCall = (method: string): method is CallMethod => calls.has(method);

/** Methods that only set up, list or report. Whatever is called a notification is one. */
export const isBystander = (method: string): boolean => OTHERS.has(method) || method.startsWith('notifications/');

export const isKnown = (method: string): boolean => isCall(method) || isBystander(method);
