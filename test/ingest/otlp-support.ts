import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { type Decided, decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { context } from './support.ts';

export type Json = Readonly<Record<string, unknown>>;
export const auto = normalisersOf('auto', []);
export const decide = (bytes: Buffer | string, formats = auto): readonly Decided[] =>
  decideItem({ bytes: Buffer.from(bytes), position: 'p' }, context({ formats }));
export const kindsOf = (decided: readonly Decided[]): string[] => decided.map(({ kind }) => kind);
export const lettersOf = (decided: readonly Decided[]): DeadLetter[] =>
  decided.flatMap((one) => (one.kind === 'dead_letter' ? [one.letter] : []));
export const bytesOf = ({ bytes }: DeadLetter): Buffer => Buffer.from(bytes, 'base64');

export const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
/** A tool call of a named agent; `more` overrides. */
export const span = (n: number, more: Json = {}): Json => ({
  traceId: '45dc11320fd5699a41c1e05f05333385',
  spanId: (n + 1).toString(16).padStart(16, '0'),
  name: 'execute_tool read_file',
  kind: 1,
  startTimeUnixNano: '1740989153958000000',
  endTimeUnixNano: '1740989154873000000',
  attributes: [attribute('gen_ai.tool.name', 'read_file'), attribute('gen_ai.agent.id', 'agent-1')],
  ...more,
});
export const resource = { attributes: [attribute('service.name', 'desk')] };
export const traces = (spans: readonly unknown[], more: Json = {}): Json => ({
  resourceSpans: [{ resource, scopeSpans: [{ spans }], ...more }],
});
export const logs = (logRecords: readonly unknown[]): Json => ({
  resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }],
});
export const json = (request: Json): Buffer => Buffer.from(JSON.stringify(request));
