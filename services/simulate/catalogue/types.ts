import type { Operation } from '../../../schemas/event.ts';

/** Log-normal: median and sigma of the logarithm. */
export type Size = readonly [median: number, sigma: number];

/** A family of resources that live in one store. Resources are numbered from 0 in order of their creation. */
export type Pool = {
  readonly name: string;
  readonly ordinal: number;
  readonly store: string;
  readonly kind: string;
  readonly classification: string;
  /** `stock` is used by habit and popularity; `flow` (tickets, invoices) mostly while new. */
  readonly life: 'stock' | 'flow';
  /** Resources at the start, and new ones a day, per forty agents of the fleet. */
  readonly initial: number;
  readonly per_day: number;
  /**
   * What later steps of a session work on: the one it began with (`session`), the one it took up last (`latest`; a
   * repeated step moves on to another one), or any (`none`).
   */
  readonly keeps: 'session' | 'latest' | 'none';
  /**
   * Resources come in so many aisles (repositories, schemas): index modulo aisles. A session stays in one. 1 for none.
   */
  readonly aisles: number;
  readonly id: (index: number) => string;
};

export type Server = { readonly key: string; readonly name: string; readonly major: number };

export type Tool = {
  /** `server.tool`, as the task grammar names it. */
  readonly key: string;
  readonly ordinal: number;
  readonly name: string;
  /** Absent for the model's own steps, which no tool server carries. */
  readonly server: Server | undefined;
  readonly operation: Operation;
  readonly pool: Pool | undefined;
  /** Bytes given to the tool (arguments, uploads). */
  readonly bytes_in: Size;
  /** Bytes that leave it: the result, or for an export what is sent on. */
  readonly bytes_out: Size;
  readonly records: Size | undefined;
  readonly tokens: { readonly in: Size; readonly out: Size } | undefined;
  readonly latency_ms: Size;
  /** Probabilities of an error and of a refusal. */
  readonly error: number;
  readonly denied: number;
  /** `external` brings in content that outsiders wrote; `egress` sends data to a recipient outside. */
  readonly trait: 'external' | 'egress' | undefined;
};

/** One step of a task: one of `tools` (by chance), `low` to `high` times, with a probability. */
export type Step = {
  readonly tools: readonly Tool[];
  readonly low: number;
  readonly high: number;
  readonly probability: number;
};

export type Task = {
  readonly name: string;
  readonly purpose: string;
  readonly steps: readonly Step[];
};

/** When agents work: `office` follows a person's day, `shift` covers long days and weekends, `always` never rests. */
export type Rhythm = 'office' | 'shift' | 'always' | 'night';

export type Role = {
  readonly slug: string;
  readonly kind: 'agent' | 'service' | 'workload';
  /** Share in the fleet, relative to the other roles. */
  readonly weight: number;
  /** Weights by task of the group. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Sessions a day, spread over the agents of the role. */
  readonly sessions_per_day: Size;
  readonly rhythm: Rhythm;
  /** `cron` starts at fixed times, `demand` whenever people or tickets come. */
  readonly cadence: 'demand' | 'cron';
  /** People on whose behalf it works; 0 for agents that answer to nobody in particular. */
  readonly principals: number;
  readonly model: string;
  /** Where it runs: a cluster, or the owner's own machine. */
  readonly host: 'cluster' | 'laptop';
};

export type Group = {
  readonly name: string;
  readonly owner: string;
  readonly tasks: Readonly<Record<string, Task>>;
  readonly roles: readonly Role[];
};
