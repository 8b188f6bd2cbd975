import type { OutcomeStatus, Resource } from '../../../schemas/event.ts';
import type { Pool, Server, Tool } from '../catalogue/types.ts';
import type { Agent, Source } from './agents.ts';

/** What all calls of one session share. */
export type Session = {
  readonly id: string;
  readonly trace_id: string;
  readonly purpose: string;
  readonly on_behalf_of: string | undefined;
  readonly credential: Agent['credential'];
  readonly source: Source;
};

/** A tool as an event names it; a story may bring one that no catalogue has. */
export type ToolUse = Pick<Tool, 'name' | 'operation'> & {
  readonly server: Server | undefined;
  readonly version?: string;
};

/** One call before it is written as an event: what the agent did, and how it went. */
export type Call = {
  readonly time_ms: number;
  readonly agent: Agent;
  readonly session: Session;
  readonly tool: ToolUse;
  readonly pool: Pool | undefined;
  /** Index in the pool, when there is one. */
  readonly resource: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  /** -1 where the tool does not count records or tokens. */
  readonly records: number;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly status: OutcomeStatus;
  readonly code: string | undefined;
};

export function resourceOf(pool: Pool, index: number): Resource {
  return { id: pool.id(index), store: pool.store, kind: pool.kind, classification: pool.classification };
}

/** What makes two calls touch the same thing. */
export function resourceKey(pool: Pool, index: number): string {
  return `${pool.name}/${index}`;
}
