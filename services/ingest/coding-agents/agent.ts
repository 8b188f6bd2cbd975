import type { OutcomeStatus } from '../../../schemas/event.ts';
import type { FieldTable } from '../field-table.ts';
import type { Attributes, OtlpLog } from '../otlp/model.ts';
import type { Arguments } from './targets.ts';

/** A coding agent whose log records are read: what of its conventions differs from the others'. */
export type CodingAgent = {
  /** Names the identities (`claude-code:<user>`) and their peer group. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** Of its event names. */
  readonly prefix: string;
  /** Instrumentation scopes and service names under which it writes nothing but its own events. */
  readonly scopes: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  /** Names without its prefix that it shares with others. */
  readonly foreign: ReadonlySet<string>;
  readonly fields: FieldTable;
  /** Attributes of the session and of the tool. */
  readonly session: string;
  readonly tool: string;
  who(emitted: Emitted): Who;
  /** What the event, named without prefix, says. */
  read(event: string, log: OtlpLog): Said;
};

/** A log record or a span. */
export type Emitted = Pick<OtlpLog, 'attributes' | 'resource' | 'scope'>;

/** On whose behalf, by which installation, and in which version the agent acts, as far as a record tells. */
export type Who = {
  /** Account, address or installation: the most lasting name there is. */
  readonly user: string | undefined;
  /** The human. */
  readonly human: string | undefined;
  readonly email: string | undefined;
  readonly organisation: string | undefined;
  readonly version: string | undefined;
};

/** An execution of a tool, a call of a model, or something that only informs; `prompt` begins a piece of work. */
export type Said = ToolSaid | ModelSaid | { readonly kind: 'prompt' | 'nothing' };

type Ended = { readonly status: OutcomeStatus; readonly code?: string | undefined };

export type ToolSaid = {
  readonly kind: 'tool';
  readonly call_id: string | undefined;
  /** The record is refused where it does not say. */
  readonly tool: string | undefined;
  /** MCP server. */
  readonly server?: string | undefined;
  readonly outcome: Ended;
  readonly model?: string | undefined;
  readonly bytes_in: number | undefined;
  readonly bytes_out: number | undefined;
  readonly arguments: Arguments;
  /** What came out, where the record has it: for the keyed hash, and dropped. */
  readonly result?: unknown;
};

export type ModelSaid = {
  readonly kind: 'model';
  readonly call_id: string | undefined;
  readonly model: string | undefined;
  readonly outcome: Ended;
  readonly tokens_in: number | undefined;
  readonly tokens_out: number | undefined;
};

export const NOTHING: Said = { kind: 'nothing' };

/** A text; of a number or a truth value the words that JSON has for it. Undefined when absent, empty, or of parts. */
export function text(attributes: Attributes, name: string): string | undefined {
  const value = attributes.get(name);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The first of the named attributes that is there. */
export function firstText(attributes: Attributes, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = text(attributes, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

const DECIMAL = /^\d{1,18}(?:\.\d{1,18})?$/;

/** A number, also when it is written as text. NaN, which no event holds, when it is none. */
export function number(attributes: Attributes, name: string): number | undefined {
  const value = attributes.get(name);
  if (typeof value === 'number' || value === undefined) return value;
  return typeof value === 'string' && DECIMAL.test(value) ? Number(value) : Number.NaN;
}

/** The outcome that a truth value tells, which some agents write as text. */
export function statusOf(attributes: Attributes, name: string): 'ok' | 'error' | 'unknown' {
  const value = text(attributes, name);
  if (value === 'true') return 'ok';
  return value === 'false' ? 'error' : 'unknown';
}
