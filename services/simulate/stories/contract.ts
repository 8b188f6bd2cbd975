import type { Agent } from '../fleet/agents.ts';
import type { Call, Session } from '../fleet/call.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Random } from '../fleet/random.ts';
import type { Rollout } from '../fleet/render.ts';

/** What a story gets to plan with. Planning is pure: the same context gives the same plan. */
export type StoryContext = {
  readonly fleet: Fleet;
  readonly random: Random;
  /** From 0 (as quiet as the story can be) to 1 (loud). */
  readonly intensity: number;
  /** The story takes place in [from_ms, to_ms): after the warm-up, before the end of the run. */
  readonly from_ms: number;
  readonly to_ms: number;
  /** An agent that no other story uses and for which `fits` holds, or undefined. At most 400 are looked at. */
  readonly find: (fits: (agent: Agent) => boolean) => Agent | undefined;
  /** A new session of the agent, as it would open it, but for what is overridden. */
  readonly open: (agent: Agent, purpose: string, overrides?: Partial<Session>) => Session;
};

export type Span = { readonly from_ms: number; readonly to_ms: number };

export type StoryPlan = {
  /** The agents it is about, the main one first. No other story gets them. */
  readonly agents: readonly Agent[];
  /** Calls to inject, in any order. */
  readonly calls: readonly Call[];
  /** Times in which agents do nothing of their own accord. */
  readonly absences?: readonly (Span & { readonly agent: Agent })[];
  /** Versions that its agents take up. */
  readonly rollout?: Rollout;
  /** The agents' ordinary events in this span belong to the story too. */
  readonly follows?: Span;
  /** When it takes place, where its events do not tell. */
  readonly span?: Span;
  /** What happens here, in one sentence with names and numbers, for the label. */
  readonly summary: string;
};

/** One thing that can happen in a fleet, hostile or only unusual. */
export type Story = {
  readonly name: string;
  readonly kind: 'attack' | 'benign';
  /** What it does, for `--help` and the documentation. */
  readonly description: string;
  /** What it imitates: MITRE ATLAS (or ATT&CK) and OWASP Agentic ids. */
  readonly technique?: { readonly mitre: readonly string[]; readonly owasp: readonly string[] };
  /** A run has to be so long for it: half of the days are warm-up. */
  readonly days_min: number;
  /** Undefined when no agent of the fleet fits. */
  readonly plan: (context: StoryContext) => StoryPlan | undefined;
};
